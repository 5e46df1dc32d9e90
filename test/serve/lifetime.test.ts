import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import type { ServeEvent } from '../../lib/serve/serve-events.js'
import { type ServeOptions, startServer } from '../../lib/serve/start-server.js'
import { readRecord } from '../../lib/study/abtest/served-log.js'
import { client, exchange, problem } from './client.js'
import { axis, contexts, type Faults, fakeEngines } from './fake-engine.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(options: ServeOptions = {}, faults: Faults = {}) {
  const events: ServeEvent[] = []
  const engines = fakeEngines(faults)
  const server = await startServer({ runs: ['a'], port: 0, ...options, tell: (event) => events.push(event) }, engines.open)
  return { server, events, ...engines, ...client(() => server.url) }
}

/** Asks without pause in several loops until told to stop; returns the statuses, with 0 for a lost connection. */
function load(post: (path: string, body: unknown) => Promise<Response>, loops = 8) {
  const statuses: number[] = []
  let on = true
  const loop = async () => {
    while (on) {
      try {
        const answer = await post('/v1/predict', { contexts: contexts(1) })
        await answer.arrayBuffer()
        statuses.push(answer.status)
      } catch {
        if (on) statuses.push(0)
      }
    }
  }
  const running = Promise.all(Array.from({ length: loops }, loop))
  return {
    statuses,
    stop: async () => {
      on = false
      await running
    },
  }
}

test('close answers 503 on /readyz during the grace, finishes what it accepted, and accepts nothing afterwards', async () => {
  const { server, get, post, events, seen } = await start({}, { delay: 400 })
  await get('/livez')
  const accepted = post('/v1/predict', { contexts: contexts(1) })
  await expect.poll(() => seen.deadlines.length).toBe(1)
  const closing = server.close({ grace: 0.2 })
  const ready = await get('/readyz')
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ status: 'stopping' })
  expect(ready.headers.get('connection')).toBe('close')
  expect((await get('/livez')).status).toBe(200)
  const answer = await accepted
  expect(answer.status).toBe(200)
  expect(answer.headers.get('connection')).toBe('close')
  expect(await closing).toBe(0)
  await expect(get('/livez')).rejects.toThrow()
  expect(seen.engines[0]!.state).toBe('closed')
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['draining', 'stopped']))
})

test('close counts the requests that the drain timeout cuts off', async () => {
  const { server, post, seen } = await start({ drainTimeout: 0.2 }, { delay: 2000 })
  const accepted = post('/v1/predict', { contexts: contexts(1) })
  accepted.catch(() => {})
  await expect.poll(() => seen.deadlines.length).toBe(1)
  expect(await server.close()).toBe(1)
  await expect(accepted).rejects.toThrow()
})

test('close does not wait for clients that hold a connection open', async () => {
  const { server } = await start()
  const { hostname, port } = new URL(server.url)
  const silent = connect(Number(port), hostname)
  await new Promise((done) => silent.once('connect', done))
  const begun = performance.now()
  await server.close()
  expect(performance.now() - begun).toBeLessThan(2000)
  silent.destroy()
})

test('a reload under load loses no request, and the new run answers afterwards', async () => {
  const { server, post, seen } = await start({}, { delay: 5 })
  const running = load(post)
  await sleep(100)
  for (let i = 1; i <= 5; i++) {
    await expect.poll(() => running.statuses.length).toBeGreaterThan(i * 10)
    await server.reload()
  }
  await expect.poll(() => running.statuses.length).toBeGreaterThan(60)
  await running.stop()
  expect(new Set(running.statuses)).toEqual(new Set([200]))
  await expect.poll(() => seen.engines.map(({ state }) => state)).toEqual([...Array(5).fill('closed'), 'ready'])
  await server.kill()
})

test('a close under load cuts off no accepted request', async () => {
  const { server, post } = await start({}, { delay: 20 })
  const running = load(post)
  await sleep(100)
  expect(await server.close({ grace: 0.2 })).toBe(0)
  await running.stop()
  const answered = running.statuses.filter((status) => status !== 0)
  expect(new Set(answered)).toEqual(new Set([200])) // 0: refused connections after the end
})

test('a failed reload keeps the old run, and says why in the events and the metrics', async () => {
  const { server, post, get, events, faults } = await start()
  faults.refuses = () => new LvmError('BAD_CHECKPOINT', 'load: the run is damaged')
  await expect(server.reload()).rejects.toThrow('damaged')
  expect((await post('/v1/predict', { contexts: contexts(1) })).status).toBe(200)
  expect(events.find(({ type }) => type === 'reload_failed')).toMatchObject({ code: 'BAD_CHECKPOINT' })
  expect(await (await get('/metrics')).text()).toContain('lvm_reloads_total{outcome="failed"} 1')
  await server.kill()
})

test('a reload reads the list of runs again', async () => {
  const list = join(folder, 'models')
  writeFileSync(list, '# served\nb=x/first\n')
  const { server, get, seen } = await start({ modelsFile: list })
  const names = async () =>
    ((await (await get('/v1/models')).json()) as { models: { name: string }[] }).models.map(({ name }) => name)
  expect(await names()).toEqual(['a', 'b'])
  writeFileSync(list, 'c=x/second\n')
  await server.reload()
  expect(await names()).toEqual(['a', 'c'])
  expect(seen.opened.at(-1)!.run).toBe('x/second')
  await server.kill()
})

test('a session of a replaced run goes on until the next reload, and is gone afterwards', async () => {
  const { server, post } = await start()
  const { session } = (await (await post('/v1/sessions', {})).json()) as { session: string }
  const feed = () => post(`/v1/sessions/${session}`, { vector: axis(0) })
  await server.reload()
  expect(await (await feed()).json()).toMatchObject({ position: 1 })
  await server.reload()
  await expect.poll(async () => (await feed()).status).toBe(410)
  await server.kill()
})

test('a request has the deadline of the server, or a shorter one of its header', async () => {
  const { server, post, seen } = await start({ deadline: 5 })
  const ask = (headers: Record<string, string>) => post('/v1/predict', { contexts: contexts(1) }, headers)
  await ask({})
  await ask({ 'x-deadline-ms': '100' })
  await ask({ 'x-deadline-ms': '999999' })
  const [own, shorter, capped] = seen.deadlines
  expect(own).toBeGreaterThan(4000)
  expect(own).toBeLessThanOrEqual(5000)
  expect(shorter).toBeLessThanOrEqual(100)
  expect(capped).toBeLessThanOrEqual(5000)
  for (const wrong of ['0', '-1', 'x', '1e3', '1.5'])
    expect(await problem(await ask({ 'x-deadline-ms': wrong }))).toMatchObject({ status: 400 })
  await server.kill()
})

test('a deadline that has passed answers 504', async () => {
  const { server, post } = await start({}, { delay: 50 })
  const late = await post('/v1/predict', { contexts: contexts(1) }, { 'x-deadline-ms': '1' })
  expect(await problem(late)).toMatchObject({ status: 504, code: 'DEADLINE' })
  await server.kill()
})

test('a client that leaves aborts its request', async () => {
  const { server, seen } = await start({}, { delay: 300 })
  const controller = new AbortController()
  const left = fetch(`${server.url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ contexts: contexts(1) }),
    signal: controller.signal,
  })
  await sleep(100)
  controller.abort()
  await expect(left).rejects.toThrow()
  await expect.poll(() => seen.aborted.length).toBe(1)
  await server.kill()
})

const HEAD = 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
test.each([
  ['headers that never end', 'POST /v1/predict HTTP/1.1\r\nHost: x\r\n'],
  ['a body that never ends', `${HEAD}Content-Length: 1000\r\n\r\n{"contexts":`],
])('%s are answered with 408 after the request timeout', async (_what, text) => {
  const { server } = await start({ requestTimeout: 0.3 })
  const answer = await exchange(server.url, text, 5000)
  expect(answer).toMatch(/^HTTP\/1.1 408 /)
  expect(answer).toContain('"code":"REQUEST_TIMEOUT"')
  await server.kill()
})

test('connections beyond the limit are closed and counted', async () => {
  const { server, get } = await start({ maxConnections: 2 })
  const { hostname, port } = new URL(server.url)
  const held = Array.from({ length: 6 }, () => connect(Number(port), hostname).on('error', () => {}))
  await sleep(200)
  for (const socket of held) socket.destroy()
  await sleep(50)
  expect(await (await get('/metrics')).text()).toMatch(/lvm_dropped_connections_total [1-9]/)
  await server.kill()
})

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

test('readyz answers 503 while the inference process is restarted', async () => {
  const { server, get, faults } = await start()
  faults.state = 'restarting'
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toEqual({ status: 'restarting', models: { a: 'restarting' } })
  expect((await get('/v2/health/ready')).status).toBe(503)
  expect((await get('/livez')).status).toBe(200)
  await server.kill()
})
