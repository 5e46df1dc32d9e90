import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'
import { type LoadEvent, loadtest } from '../../lib/index.js'
import { arrivals } from '../../lib/loadtest/arrivals.js'
import { queueServer } from './queue-server.mjs'

vi.setConfig({ testTimeout: 60_000 })

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-loadtest-'))
const out = join(folder, 'out')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A short stage with a generous objective, so that other load on the machine decides nothing. */
const short = { duration: 1, warmup: 0.2, p99: '5s', out } as const

it('arrivals are a Poisson process: their number, their gaps, and no gap depends on the one before', () => {
  const times = [...arrivals(1000, 7, 60_000)]
  const gaps = times.slice(1).map((t, i) => t - times[i]!)
  const mean = gaps.reduce((sum, g) => sum + g, 0) / gaps.length
  const variance = gaps.reduce((sum, g) => sum + (g - mean) ** 2, 0) / gaps.length
  const lag = gaps.slice(1).reduce((sum, g, i) => sum + (g - mean) * (gaps[i]! - mean), 0) / gaps.length / variance
  expect(Math.abs(times.length - 60_000)).toBeLessThan(4 * Math.sqrt(60_000))
  expect(Math.abs(Math.sqrt(variance) / mean - 1)).toBeLessThan(0.03) // an exponential gap has a deviation equal to its mean
  expect(Math.abs(lag)).toBeLessThan(4 / Math.sqrt(gaps.length))
  expect([...arrivals(1000, 7, 1000)]).toEqual(times.filter((t) => t < 1000))
})

it('a fixed rate sends the planned requests, and every one of them is answered', async () => {
  const server = await queueServer({ service: 1 })
  const planned = [...arrivals(200, 1, 1200)].filter((t) => t >= 200).length
  const told: LoadEvent[] = []
  const {
    loadtest: document,
    json,
    figures,
  } = await loadtest({ url: server.url, rate: 200, ...short }, { tell: (e) => told.push(e) })
  await server.close()
  const [stage] = document.stages
  expect(stage).toMatchObject({
    purpose: 'fixed',
    loop: 'open',
    rate: 200,
    sent: planned,
    answered: planned,
    rejected: 0,
    failed: 0,
    met: true,
  })
  expect(stage!.latency_ms!.p50).toBeGreaterThanOrEqual(1)
  expect(stage!.latency_ms!.p50).toBeLessThanOrEqual(stage!.latency_ms!.p99)
  expect(stage!.server!.memory_bytes).toBeGreaterThan(1e7)
  expect(document).toMatchObject({ knee: null, met: true, stopped: 'done', server: { model: 'queue', version: '1.2.3' } })
  expect(told.map(({ type }) => type)).toEqual(expect.arrayContaining(['start', 'load', 'stage', 'result']))
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ ...document, digest: expect.any(String) })
  expect(figures.map((path) => existsSync(path))).toEqual([true])
})

it('latency counts from the intended start: a server that stalls delays every request that was due in the stall', async () => {
  const server = await queueServer({ service: 100 }) // 50 requests a second at a capacity of 10: the queue grows by 40 a second
  const { loadtest: document } = await loadtest({
    url: server.url,
    rate: 50,
    connections: 4,
    ...short,
    timeout: '30s',
    p99: '10s',
  })
  await server.close()
  const { latency_ms: open, in_flight_max: most } = document.stages[0]!
  expect(open!.max).toBeGreaterThan(3000) // about 50 requests × 100 ms − 1 s; four connections would hide it in a closed loop
  expect(most).toBeGreaterThan(30)
})

it('a closed loop is labelled so in the document, the warnings and the figure', async () => {
  const server = await queueServer({ service: 20 })
  const { loadtest: document, figures } = await loadtest({ url: server.url, closed: true, clients: 4, ...short })
  await server.close()
  const [stage] = document.stages
  expect(stage).toMatchObject({ loop: 'closed', clients: 4, rate: null })
  expect(stage!.answers_per_second).toBeGreaterThan(20)
  expect(stage!.answers_per_second).toBeLessThan(52) // one answer each 20 ms, however many clients
  expect(document.warnings.join()).toContain('closed loop')
  expect(readFileSync(figures[0]!.replace('.png', '.svg'), 'utf8')).toContain('CLOSED loop')
})

it('rejects with 429, failures by code, and requests without an answer in time are counted apart', async () => {
  const server = await queueServer({ service: 20, queue: 5, fault: (i) => (i > 20 && i % 10 === 0 ? 503 : undefined) })
  const { loadtest: document } = await loadtest({ url: server.url, rate: 200, ...short })
  await server.close()
  const [stage] = document.stages
  expect(stage!.answered + stage!.rejected + stage!.failed).toBe(stage!.sent)
  expect(stage!.rejected).toBeGreaterThan(50)
  expect(stage!.errors).toEqual({ UNAVAILABLE: stage!.failed })
  expect(stage!.failed).toBeGreaterThan(10)
  expect(document.met).toBe(false)

  const slow = await queueServer({ service: 50 })
  const late = await loadtest({ url: slow.url, rate: 100, ...short, timeout: '500ms', errors: 1 })
  await slow.close()
  expect(late.loadtest.stages[0]!.errors.TIMEOUT).toBeGreaterThan(10)
})

it('an answer of the wrong form is a failure, not a fast success', async () => {
  const good = await queueServer({ service: 1 })
  let n = 0
  const server = createServer(async (request, response) => {
    if (request.url === '/v1/predict' && n++ > 15)
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, headers } = request
    const type = headers['content-type']
    const sent = await fetch(good.url + request.url, {
      method: method!,
      ...(method === 'POST' && { body: Buffer.concat(chunks), headers: { 'content-type': type! } }),
    })
    response
      .writeHead(sent.status, { 'content-type': sent.headers.get('content-type')! })
      .end(Buffer.from(await sent.arrayBuffer()))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { loadtest: document } = await loadtest({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rate: 50,
    ...short,
  })
  server.close()
  await good.close()
  expect(document.stages[0]!.errors.BAD_ANSWER).toBeGreaterThan(20)
})

it.each([
  ['predict as bytes', { raw: true, batch: 3 }],
  ['retrieve', { route: 'retrieve', k: 4 }],
  ['sessions that are replaced after some vectors', { route: 'sessions', sessions: 3, sessionLength: 5 }],
] as const)('the route %s is sent in its own form and its answers are accepted', async (_, more) => {
  const server = await queueServer({ service: 1 })
  const { loadtest: document } = await loadtest({ url: server.url, rate: 60, ...short, ...more })
  const { opened } = server.counts()
  await server.close()
  const [stage] = document.stages
  expect(stage!.answered).toBe(stage!.sent)
  if ('sessions' in more) {
    expect(opened).toBeGreaterThan(stage!.sent / 5)
    expect(server.sessions.size).toBe(0) // every session was ended
  }
})

it('vectors of a file are sent, and a file of another dimension is refused', async () => {
  const data = fileURLToPath(new URL('../../data/sample/factbook', import.meta.url))
  const server = await queueServer({ service: 1, dim: 768, context: 5 })
  const { loadtest: document } = await loadtest({ url: server.url, rate: 20, data, ...short })
  await server.close()
  expect(document).toMatchObject({ data, met: true })
  const other = await queueServer({ service: 1, dim: 8 })
  await expect(loadtest({ url: other.url, rate: 20, data, ...short })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await other.close()
})

it('a test of a server that ends is ended too, with what was measured', async () => {
  const server = await queueServer({ service: 1 })
  const end = setTimeout(() => server.close(), 2500)
  const { loadtest: document } = await loadtest({ url: server.url, ...short, duration: 0.5, maxRate: 200 })
  clearTimeout(end)
  expect(document).toMatchObject({ stopped: 'unanswered', met: false })
  expect(document.warnings.join()).toContain('stopped answering')
  expect(document.stages.at(-1)!.errors).toHaveProperty('ECONNREFUSED')
})

it('Ctrl-C prints and writes what was measured so far, and the exit code says so', async () => {
  const server = await queueServer({ service: 1 })
  const child = spawn(process.execPath, [
    cli,
    'loadtest',
    server.url,
    '--rate',
    '50',
    '--duration',
    '60',
    '--warmup',
    '0',
    '--out',
    out,
  ])
  let [text, errors] = ['', '']
  child.stdout.on('data', (chunk) => {
    text += chunk
    if (/one request at a time/.test(text) && !/stopping/.test(errors)) setTimeout(() => child.kill('SIGINT'), 1500)
  })
  child.stderr.on('data', (chunk) => (errors += chunk))
  const [code] = await once(child, 'close')
  await server.close()
  expect(code).toBe(130)
  expect(text).toMatch(/fixed .* stopped/)
  const document = JSON.parse(readFileSync(join(out, 'loadtest.json'), 'utf8'))
  expect(document).toMatchObject({ stopped: 'interrupted', met: null })
  expect(document.stages[0].sent).toBeGreaterThan(20)
  expect(document.stages[0].seconds).toBeLessThan(10)
})

it('a signal ends a load early, with the figures until then, and one that came before sends none', async () => {
  const server = await queueServer({ service: 1 })
  const stop = new AbortController()
  const began = performance.now()
  const tell = ({ type }: LoadEvent) => {
    if (type === 'load') setTimeout(() => stop.abort(), 1500)
  }
  const { loadtest: document } = await loadtest(
    { url: server.url, rate: 50, ...short, duration: 60 },
    { tell, signal: stop.signal },
  )
  expect(performance.now() - began).toBeLessThan(20_000)
  expect(document.stopped).toBe('interrupted')
  expect(document.stages).toHaveLength(1)
  expect(document.stages[0]!.sent).toBeLessThan(50 * 30)
  const none = await loadtest({ url: server.url, rate: 50, ...short }, { signal: AbortSignal.abort() })
  expect(none.loadtest).toMatchObject({ stages: [], stopped: 'interrupted', met: null })
  await server.close()
})
