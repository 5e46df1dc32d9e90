import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { afterAll, expect, it } from 'vitest'
import { loadtest } from '../../lib/index.js'
import { arrivals } from '../../lib/loadtest/arrivals.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-loadtest-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** Starts the server of known service time in a process of its own. */
async function queue(options: { service: number; queue?: number }) {
  const script = fileURLToPath(new URL('../loadtest/queue-server.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = await once(child.stdout, 'data')
  return { url: String(url).trim(), pid: child.pid!, end: () => child.kill() }
}

/** Latencies of a queue with one server and a fixed service time, by Lindley's recursion. */
function lindley(times: readonly number[], service: number): number[] {
  let free = 0
  return times.map((at) => {
    free = Math.max(free, at) + service
    return free - at
  })
}
const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!

it('latencies are those of the theory of an M/D/1 queue, for these arrivals and on average', async () => {
  const [service, rate, warmup, duration] = [40, 17.5, 2, 90]
  const server = await queue({ service })
  const { loadtest: document } = await loadtest({ url: server.url, rate, warmup, duration, p99: '1s', out })
  server.end()
  const all = [...arrivals(rate, 1, 1000 * (warmup + duration))]
  const expected = lindley(all, service).filter((_, i) => all[i]! >= 1000 * warmup)
  const { p50, p90, p99, mean } = document.stages[0]!.latency_ms!
  const load = (rate * service) / 1000
  const theory = service * (1 + load / (2 * (1 - load))) // Pollaczek–Khinchine
  const ofThese = expected.reduce((sum, x) => sum + x, 0) / expected.length
  process.stdout.write(
    `M/D/1 at ${load}: mean ${mean.toFixed(2)} ms, expected ${ofThese.toFixed(2)} (in the long run ${theory.toFixed(2)}); `,
  )
  process.stdout.write(
    `p50 ${p50} (${quantile(expected, 0.5).toFixed(2)}), p90 ${p90} (${quantile(expected, 0.9).toFixed(2)}), p99 ${p99} (${quantile(expected, 0.99).toFixed(2)})\n`,
  )
  expect(document.stages[0]!.answered).toBe(expected.length)
  for (const [found, share] of [[p50, 0.5], [p90, 0.9], [p99, 0.99]] as const) // biome-ignore format: a line
    expect(Math.abs(found - quantile(expected, share))).toBeLessThan(1 + 0.1 * quantile(expected, share))
  expect(Math.abs(mean - ofThese)).toBeLessThan(1 + 0.1 * ofThese)
  expect(Math.abs(ofThese - theory)).toBeLessThan(0.2 * theory)
})

it('a closed loop agrees with autocannon within 10 % in answers a second and median latency', async () => {
  const server = await queue({ service: 2 })
  const body = JSON.stringify({ contexts: [new Array(3).fill(new Array(8).fill(8 ** -0.5))] })
  const theirs = () =>
    autocannon({
      url: `${server.url}/v1/predict`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      connections: 16,
      duration: 10,
    })
  const before = await theirs()
  const { loadtest: document } = await loadtest({ url: server.url, closed: true, clients: 16, warmup: 1, duration: 10, out })
  const after = await theirs()
  server.end()
  const rate = (before.requests.average + after.requests.average) / 2
  const median = (before.latency.p50 + after.latency.p50) / 2
  const [stage] = document.stages
  process.stdout.write(
    `loadtest ${stage!.answers_per_second.toFixed(0)}/s, p50 ${stage!.latency_ms!.p50} ms; autocannon ${rate.toFixed(0)}/s, p50 ${median} ms\n`,
  )
  expect(Math.abs(stage!.answers_per_second / rate - 1)).toBeLessThan(0.1)
  expect(Math.abs(stage!.latency_ms!.p50 - median)).toBeLessThan(0.1 * median + 1) // autocannon counts whole milliseconds
})

it('the search finds the capacity of a queue, and twice that rate is answered with 429 and recovers within a second', async () => {
  const server = await queue({ service: 5, queue: 15 })
  const { loadtest: document } = await loadtest({
    url: server.url,
    duration: 8,
    p99: '100ms',
    errors: 0.001,
    out,
    pid: server.pid,
  })
  server.end()
  const { knee, overload } = document
  process.stdout.write(`highest rate ${knee?.rate.toFixed(0)} of 200 a second; overload ${JSON.stringify(overload)}\n`)
  expect(knee!.rate).toBeGreaterThan(120)
  expect(knee!.rate).toBeLessThan(200)
  expect(overload!.rejected_share).toBeGreaterThan(0.2)
  expect(overload!.failed_share).toBe(0)
  expect(overload!.goodput_kept).toBeGreaterThan(0.9)
  expect(overload!.recovery_seconds).toBeLessThan(1)
})
