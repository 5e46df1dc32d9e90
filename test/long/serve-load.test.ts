import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { loadtest } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { done, SAMPLE, workFolder } from './python.js'

/** Seconds of the soak; LVM_TORCH_SOAK_SECONDS=300 is the full one. LVM_TORCH_SOAK_RUN names a run; a small LSTM is trained otherwise. */
const SECONDS = Number(process.env.LVM_TORCH_SOAK_SECONDS ?? 40)
/** Limit of the p99. Units: ms. A busy machine needs more. */
const LIMIT = Number(process.env.LVM_TORCH_SOAK_P99 ?? 50)
const folder = workFolder()
const out = join(folder, 'out')
let run = process.env.LVM_TORCH_SOAK_RUN ?? ''
let child: ChildProcess | undefined

beforeAll(async () => {
  if (run !== '') return
  await done(folder, ['train', 'lstm', '--data', SAMPLE, '--epochs', 1, '--max-steps', 2, '--name', 'soak'])
  run = join(folder, 'artifacts/lvm/models/soak')
})
afterEach(() => void child?.kill())

async function serve(...more: string[]): Promise<{ url: string; pid: number }> {
  const words = ['serve', run, '--port', '0', '--threads', '1', ...more]
  child = spawn(process.execPath, [join(packageRoot(), 'dist/bin/lvm.js'), ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [first] = await once(child.stdout!.setEncoding('utf8'), 'data')
  child.stdout!.resume()
  return { url: /http:\/\/[\d.:]+/.exec(first)![0], pid: child.pid! }
}

/** Resident memory of a process and of its children. Units: bytes. */
function memory(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children].map((id) => 4096 * Number(readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[1]))
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

it.runIf(process.platform === 'linux')(
  `32 clients for ${SECONDS} s get an answer to every request, and no memory grows`,
  async () => {
    const { url, pid } = await serve()
    await loadtest({ url, closed: true, clients: 32, warmup: 0, duration: Math.max(10, SECONDS / 4), out }) // fills caches and heaps
    const samples: number[][] = []
    const watching = setInterval(() => samples.push(memory(pid)), 500)
    const { loadtest: document } = await loadtest({
      url,
      closed: true,
      clients: 32,
      warmup: 0,
      duration: SECONDS,
      p99: '60s',
      out,
    })
    clearInterval(watching)
    const [stage] = document.stages
    expect(stage).toMatchObject({ failed: 0, rejected: 0, errors: {} })
    const names = ['server', 'inference']
    for (const [i, name] of names.entries()) {
      const half = samples.slice(samples.length >> 1).map((sample) => sample[i]!)
      const [early, late] = [half.slice(0, half.length >> 1), half.slice(half.length >> 1)].map(median) as [number, number]
      process.stdout.write(`${name}: ${(early / 1e6).toFixed(1)} MB, later ${(late / 1e6).toFixed(1)} MB\n`)
      expect(late - early).toBeLessThan(0.02 * early + 2e6) // the heap of Node moves by a few megabytes between collections
    }
    process.stdout.write(
      `${stage!.answered} answers, ${stage!.answers_per_second.toFixed(0)} a second, p99 ${stage!.latency_ms!.p99} ms\n`,
    )
  },
)

// the search takes minutes, and one disturbance of the machine spoils it
it('at twice the highest rate the goodput stays, accepted requests are in time, the rest gets 429, and it recovers within a second', {
  retry: 2,
}, async () => {
  const { url, pid } = await serve('--max-wait', String(0.8 * LIMIT))
  const { loadtest: document } = await loadtest({
    url,
    p99: `${LIMIT}ms`,
    errors: 0.001,
    duration: Math.min(10, SECONDS / 4),
    pid,
    out,
  })
  const { knee, overload } = document
  process.stdout.write(`highest rate ${JSON.stringify(knee)}, overload ${JSON.stringify(overload)}\n`)
  expect(knee!.confirmed).toBe(true)
  expect(overload!.goodput_kept).toBeGreaterThanOrEqual(0.9)
  expect(overload!.p99_ms).toBeLessThanOrEqual(LIMIT)
  expect(overload!.failed_share).toBe(0)
  expect(overload!.rejected_share).toBeGreaterThan(0.05)
  expect(overload!.goodput / overload!.rate + overload!.rejected_share).toBeGreaterThan(0.98) // the rest gets 429
  expect(overload!.recovery_seconds).toBeLessThan(1)
})

it('loadtest and autocannon agree within 10 % on serve under the same closed load', async () => {
  const { url } = await serve()
  const contexts = [new Array(5).fill(new Array(768).fill(768 ** -0.5))]
  const theirs = () =>
    autocannon({
      url: `${url}/v1/predict`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ contexts }),
      connections: 8,
      duration: 8,
    })
  const ours = () => loadtest({ url, closed: true, clients: 8, warmup: 1, duration: 8, p99: '10s', out })
  const rounds = []
  for (let i = 0; i < 2; i++) rounds.push([(await ours()).loadtest.stages[0]!, await theirs()] as const)
  const rate = median(rounds.map(([stage, cannon]) => stage.answers_per_second / cannon.requests.average))
  const time = median(rounds.map(([stage, cannon]) => stage.latency_ms!.p50 / cannon.latency.p50))
  process.stdout.write(`loadtest / autocannon: answers a second ${rate.toFixed(3)}, median latency ${time.toFixed(3)}\n`)
  expect(Math.abs(rate - 1)).toBeLessThan(0.1)
  expect(Math.abs(time - 1)).toBeLessThan(0.1 + 1 / rounds[0]![1].latency.p50) // autocannon counts whole milliseconds
})
