import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { lossWarning } from '../../lib/serve/start-server.js'
import { readRecord } from '../../lib/study/abtest/served-log.js'
import { problem, start } from './client.js'
import { contexts } from './fake-engine.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a split sends each client always to the same run, in the given shares', async () => {
  const log = join(folder, 'split.jsonl')
  const { server, post } = await start({ runs: ['a', 'b'], split: 'a=75,b=25', log })
  const ask = async (client: string) =>
    (await post('/v1/predict', { contexts: contexts(1) }, { 'x-client-id': client })).headers.get('x-model')
  const first = await Promise.all(Array.from({ length: 400 }, (_, i) => ask(`client-${i}`)))
  const again = await Promise.all(Array.from({ length: 400 }, (_, i) => ask(`client-${i}`)))
  expect(again).toEqual(first)
  const share = first.filter((name) => name === 'b').length / 400
  expect(share).toBeGreaterThan(0.18) // 25 % ± 3 standard errors of 2.2 %
  expect(share).toBeLessThan(0.32)
  const chosen = await post('/v1/predict', { contexts: contexts(1), model: 'b' }, { 'x-client-id': 'client-0' })
  expect(chosen.headers.get('x-model')).toBe('b')
  await server.close()
  const records = readFileSync(log, 'utf8').trimEnd().split('\n').map(readRecord)
  expect(records).toHaveLength(801)
  expect(records[0]).toMatchObject({
    type: 'served',
    client: expect.stringMatching(/^client-/),
    split: { a: 75, b: 25 },
    route: 'predict',
  })
  expect(records.at(-1)).toMatchObject({ model: 'b', split: null })
})

test('the log has the rows of each answer and the feedback, and a reload opens it again', async () => {
  const log = join(folder, 'served.jsonl')
  writeFileSync(log, '{"cut off')
  const { server, post } = await start({ log, bank: 'bank.npy' })
  const answer = await post('/v1/retrieve', { contexts: contexts(1), k: 2 }, { 'x-request-id': 'r1', 'x-client-id': 'c1' })
  expect(answer.status).toBe(200)
  expect((await post('/v1/feedback', { request_id: 'r1', row: 1 })).status).toBe(204)
  expect(await problem(await post('/v1/feedback', { request_id: 'r1' }))).toMatchObject({ status: 400 })
  expect(await problem(await post('/v1/feedback', { request_id: 'r1', reward: 2 }))).toMatchObject({ status: 400 })
  await sleep(50)
  renameSync(log, `${log}.1`)
  await server.reload()
  await post('/v1/feedback', { request_id: 'r1', reward: 0.5 })
  await server.close()
  const [cut, served, feedback, ...more] = readFileSync(`${log}.1`, 'utf8').trimEnd().split('\n')
  expect(cut).toBe('{"cut off')
  expect(more).toEqual([])
  expect(readRecord(served!)).toMatchObject({ request_id: 'r1', client: 'c1', model: 'a', k: 2, rows: [[0, 1]], split: null })
  expect(readRecord(feedback!)).toMatchObject({ type: 'feedback', request_id: 'r1', context: 0, row: 1, reward: null })
  expect(readRecord(readFileSync(log, 'utf8'))).toMatchObject({ type: 'feedback', reward: 0.5 })
})

test('feedback without a log is refused', async () => {
  const { server, post } = await start()
  expect(await problem(await post('/v1/feedback', { request_id: 'r', row: 1 }))).toMatchObject({ status: 404 })
  await server.kill()
})

test.runIf(process.platform === 'linux')(
  'feedback is answered with 503 when its line cannot be written, and answers of a run stay 200',
  async () => {
    const { server, post, get } = await start({ log: '/dev/full' })
    expect((await post('/v1/predict', { contexts: contexts(1) })).status).toBe(200)
    const answer = await post('/v1/feedback', { request_id: 'r', row: 1 })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await problem(answer)).toMatchObject({ status: 503, code: 'UNAVAILABLE' })
    expect(await (await get('/metrics')).text()).toMatch(/^lvm_log_errors_total 2$/m)
    await server.close()
  },
)

test('feedback for a context that no request can have is refused', async () => {
  const { server, post } = await start({ log: join(folder, 'contexts.jsonl') })
  expect((await post('/v1/feedback', { request_id: 'r', row: 1, context: 65_535 })).status).toBe(204)
  expect(await problem(await post('/v1/feedback', { request_id: 'r', row: 1, context: 65_536 }))).toMatchObject({ status: 400 })
  await server.close()
})

test('a full disk of the log is warned of once a minute, with the number of failed writes', () => {
  const told: string[] = []
  let time = 0
  const warn = lossWarning(
    (event) => told.push((event as { message: string }).message),
    () => time,
  )
  for (time = 0; time <= 60_000; time += 1000) warn(new Error('no space'))
  expect(told).toHaveLength(2)
  expect(told[0]).toMatch(/1 failed write .*no space/)
  expect(told[1]).toMatch(/61 failed writes/)
})
