import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { client } from './client.js'
import { serveProcess } from './served-process.js'
import { contexts, DIM, folderOfFile, SAMPLE, trainTiny } from './served-run.js'

const out = folderOfFile()
let run: string
beforeAll(async () => {
  run = await trainTiny(out, 'gru')
})
const bytes = (batch: number) => Buffer.from(contexts(batch).contexts.buffer)
const shape = (batch: number) => ({ 'x-shape': `${batch},5,${DIM}` })

test('serve --json says first where it listens, predicts with the run, and ends with 0 on SIGTERM', async () => {
  const served = await serveProcess([run, '--bank', SAMPLE, '--drain-grace', '0'])
  expect(served.lines[0]).toMatch(/^\{"type":"listening","url":"http:\/\/127\.0\.0\.1:\d+"/)
  const { raw } = client(() => served.url)
  const answer = await raw('/v1/predict', bytes(2), shape(2))
  const values = new Float32Array(await answer.arrayBuffer())
  expect(values).toHaveLength(2 * DIM)
  expect(Math.hypot(...values.subarray(0, DIM))).toBeCloseTo(1, 4)
  const found = (await (await raw('/v1/retrieve', bytes(1), { ...shape(1), 'x-k': '3' })).json()) as {
    results: { text: string }[][]
  }
  expect(found.results[0]).toHaveLength(3)
  expect(found.results[0]![0]!.text).toEqual(expect.any(String))
  expect(await served.end('SIGTERM')).toBe(0)
  const types = served.lines.map((line) => (JSON.parse(line) as { type: string }).type)
  expect(types).toEqual(['listening', 'request', 'request', 'draining', 'stopped'])
})

test('a warning of an inference process follows the event listening, and names options as flags', async () => {
  const served = await serveProcess([run], { OMP_NUM_THREADS: '7' })
  await expect.poll(() => served.lines.length, { timeout: 5000 }).toBe(2)
  expect(JSON.parse(served.lines[1]!)).toMatchObject({
    type: 'warning',
    version: 1,
    code: 'INFERENCE',
    message: expect.stringMatching(
      /^OMP_NUM_THREADS=7 is overruled: .* is served with 1 of the 1 threads .*; set --threads instead$/,
    ),
  })
  expect(served.errors()).not.toContain('OMP_NUM_THREADS')
  await served.end('SIGKILL')
})

test('a reload and the end of the process lose no request of clients that stop when /readyz answers 503', async () => {
  const served = await serveProcess([run, '--drain-grace', '0.5'])
  const { raw, get } = client(() => served.url)
  let on = true
  const statuses: number[] = []
  const errors: string[] = []
  const loop = async () => {
    while (on) {
      try {
        const answer = await raw('/v1/predict', bytes(1), shape(1))
        await answer.arrayBuffer()
        statuses.push(answer.status)
      } catch (error) {
        errors.push(String((error as { cause?: { code?: string } }).cause?.code))
      }
    }
  }
  const loops = Promise.all([loop(), loop(), loop(), loop()])
  await sleep(300)
  served.child.kill('SIGHUP')
  await expect.poll(() => served.lines.some((line) => line.startsWith('{"type":"reloaded"')), { timeout: 20_000 }).toBe(true)
  await sleep(300)
  const ended = served.end('SIGTERM')
  await expect.poll(async () => (await get('/readyz')).status, { interval: 10 }).toBe(503) // as a load balancer does
  on = false
  await loops
  expect(await ended).toBe(0)
  expect(statuses.length).toBeGreaterThan(20)
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(errors).toEqual([])
})

test('a server whose output is not read leaves lines of requests out, and says how many', { timeout: 60_000 }, async () => {
  const served = await serveProcess([run])
  const { get } = client(() => served.url)
  const ask = (times: number) => Promise.all(Array.from({ length: times }, async () => (await get('/livez')).text()))
  served.child.stdout!.pause()
  for (let i = 0; i < 80; i++) await ask(100) // some 200 bytes a line
  served.child.stdout!.resume()
  await expect
    .poll(async () => [await ask(1), served.errors()][1], { timeout: 10_000 })
    .toMatch(/ lines of requests were left out/)
  const left = Number(/(\d+) lines of requests/.exec(served.errors())![1])
  expect(left).toBeGreaterThan(100)
  const lines = () => served.lines.filter((line) => line.includes('"type":"request"')).length
  await expect.poll(lines).toBeGreaterThan(4000)
  expect(lines() + left).toBeLessThan(8100)
  expect(await served.end('SIGINT')).toBe(0)
})

test('a server whose output is read no longer goes on', async () => {
  const served = await serveProcess([run])
  served.child.stdout!.destroy()
  const { get } = client(() => served.url)
  for (let i = 0; i < 5; i++) expect((await get('/livez')).status).toBe(200)
  await sleep(100)
  expect((await get('/livez')).status).toBe(200)
  expect(await served.end('SIGINT')).toBe(0)
})

test('--notify runs its command at the end', async () => {
  const note = join(out, 'note')
  const served = await serveProcess([run, '--notify', `echo $LVM_VERB $LVM_EXIT $LVM_CODE > ${note}`])
  expect(await served.end('SIGINT')).toBe(0)
  expect(existsSync(note) && readFileSync(note, 'utf8')).toBe('serve 0 OK\n')
})

test.each([
  [['--host', '0.0.0.0'], /BAD_OPTION: serve: everyone who reaches 0\.0\.0\.0/],
  [['--port', '99999'], /an integer from 0 to 65535 for "port"/],
  [['--prot', '1'], /there is no option --prot; did you mean --port/],
])('serve %j is refused with exit code 2 before the run is loaded', async (words, message) => {
  const ended = promisify(execFile)(process.execPath, ['dist/bin/lvm.js', 'serve', 'nothing', ...words])
  await expect(ended).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
})

test('serve of a run that does not exist names it', async () => {
  const ended = promisify(execFile)(process.execPath, ['dist/bin/lvm.js', 'serve', join(out, 'nothing'), '--port', '0'])
  await expect(ended).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/RUN_MISSING/) })
})
