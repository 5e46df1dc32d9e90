import { setTimeout as sleep } from 'node:timers/promises'
import type { Histogram } from 'hdr-histogram-js'
import type { Pool } from 'undici'
import { studentLimit } from '../statistics/student.js'
import { now } from './arrivals.js'
import { ask, type Connection } from './connection.js'
import type { Latencies, Purpose, Stage } from './load-stage.js'
import type { Use } from './process-use.js'
import { outcomeOf } from './request.js'
import type { Requests } from './request-bodies.js'
import type { Senders } from './senders.js'
import type { Merged } from './tally.js'

/** What every stage of a load test shares. */
export interface Bench {
  readonly senders: Senders
  readonly pool: Pool
  readonly connection: Connection
  /** Stateless requests, for probes of a server after a stage. */
  readonly probes: Requests
  /** Limits of the objective. Units: ms, share. */
  readonly limit: number
  readonly errors: number
  /** Units: s */
  readonly duration: number
  readonly warmup: number
  /** Processor time and memory of the server; null if unknown. */
  readonly use: () => Promise<Use | null>
  readonly signal: AbortSignal | undefined
}

/** Load of one stage. */
export interface Load {
  readonly purpose: Purpose
  readonly rate: number | null
  readonly clients: number
  readonly seed: number
  /** Multiple of the duration. */
  readonly times: number
}

/** Share of requests that a p99 allows above its limit. */
const ABOVE = 0.01
/** A sender that is busier than this, or sends later than this share of the limit, may limit the result. */
const [BUSY, LATE] = [0.9, 0.1]
/** Wait between probes, and the time after which recovery is given up. Units: ms */
const [PROBE_MS, GIVE_UP_MS] = [20, 10_000]
const PERCENTILES = [1, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100] as const

const ms = (histogram: Histogram, percentile: number) => histogram.getValueAtPercentile(percentile) / 1000

const latencies = (h: Histogram): Latencies => ({
  mean: h.mean / 1000,
  p50: ms(h, 50),
  p90: ms(h, 90),
  p99: ms(h, 99),
  p999: ms(h, 99.9),
  max: h.maxValue / 1000,
})

/** Share of the answers above the limit, and the upper end of its one-sided 95 % interval over blocks, because neighbouring answers are not independent. */
export function overLimit({ answered, over }: Merged['blocks']): { share: number; upper95: number } | null {
  const n = answered.reduce((sum, x) => sum + x, 0)
  if (n === 0) return null
  const share = over.reduce((sum, x) => sum + x, 0) / n
  const shares = answered.flatMap((of, i) => (of === 0 ? [] : [over[i]! / of]))
  const none = 1 - 0.05 ** (1 / n) // upper limit when none of n independent answers is above
  if (shares.length < 2) return { share, upper95: share === 0 ? none : 1 }
  const variance = shares.reduce((sum, x) => sum + (x - share) ** 2, 0) / (shares.length - 1)
  const margin = studentLimit(0.1, shares.length - 1) * Math.sqrt(variance / shares.length)
  return { share, upper95: Math.min(1, Math.max(none, share + margin)) }
}

/** Waits for a time, or until the test is stopped. */
const until = (time: number, signal: AbortSignal | undefined) =>
  sleep(Math.max(0, time - now()), undefined, signal ? { signal } : {}).catch(() => {})

/** Seconds from a time to the first probe that is answered within the limit; null if there is none for 10 s. */
async function recovery(from: number, { pool, connection, probes, limit, signal }: Bench): Promise<number | null> {
  while (now() < from + GIVE_UP_MS && !signal?.aborted) {
    const start = now()
    const answer = await ask(pool, { ...probes.message, body: probes.bodies[0]! }, connection.timeout).catch(() => undefined)
    if (answer && outcomeOf(answer, probes.form).kind === 'answered' && now() - start <= limit)
      return Math.max(0, now() - from) / 1000
    await sleep(PROBE_MS)
  }
  return null
}

/** Measures one load. When the signal aborts, the stage ends early and counts the time until then. */
export async function measureStage(
  bench: Bench,
  load: Load,
): Promise<{ stage: Stage; examples: Readonly<Record<string, string>> }> {
  const { senders, signal, limit } = bench
  const measured = 1000 * bench.duration * load.times
  const run = senders.begin({ ...load, warmup: 1000 * bench.warmup, measured, limit })
  const failed = run.counts.catch(() => {}) // reported below
  signal?.addEventListener('abort', run.stop, { once: true })
  const from = run.start + 1000 * bench.warmup
  await until(from, signal)
  const [cpuBefore, useBefore, before] = [process.cpuUsage(), await bench.use(), now()]
  await until(from + measured, signal)
  const isComplete = signal?.aborted !== true
  const [cpu, after, end] = [process.cpuUsage(cpuBefore), now(), isComplete ? from + measured : now()]
  const [useAfter, back] = await Promise.all([bench.use(), recovery(end, bench), failed])
  signal?.removeEventListener('abort', run.stop)
  const counts = await run.counts
  const elapsed = (after - before) / 1000
  const server = useBefore &&
    useAfter && { cpu: (useAfter.cpu_seconds - useBefore.cpu_seconds) / elapsed, memory_bytes: useAfter.memory_bytes }
  const client = {
    cpu: (cpu.user + cpu.system) / 1e6 / elapsed,
    event_loop: counts.busy,
    send_delay_p99_ms: ms(counts.delay, 99),
  }
  const stage = stageOf(counts, load, bench, {
    seconds: Math.max(0, end - from) / 1000,
    complete: isComplete,
    recovery_seconds: back,
    server,
    client,
  })
  return { stage, examples: counts.examples }
}

type Circumstances = Pick<Stage, 'seconds' | 'complete' | 'recovery_seconds' | 'server' | 'client'>

/** Puts the counts of a stage together and judges them. */
function stageOf(counts: Merged, { purpose, rate, clients, seed }: Load, bench: Bench, about: Circumstances): Stage {
  const { sent, answered, rejected, good } = counts
  const failed = sent - answered - rejected
  const { limit, errors, senders } = bench
  const over = overLimit(counts.blocks)
  const latency = answered === 0 ? null : latencies(counts.latency)
  const isFast = over !== null && latency!.p99 <= limit && (purpose !== 'confirm' || over.upper95 <= ABOVE)
  const { event_loop, send_delay_p99_ms, cpu } = about.client
  const perSecond = (n: number) => (about.seconds > 0 ? n / about.seconds : 0)
  return {
    purpose,
    loop: rate === null ? 'closed' : 'open',
    rate,
    clients: rate === null ? clients : null,
    seed,
    seconds: about.seconds,
    complete: about.complete,
    sent,
    answered,
    rejected,
    failed,
    errors: counts.errors,
    answers_per_second: perSecond(answered),
    goodput: perSecond(good),
    latency_ms: latency,
    distribution:
      latency === null
        ? []
        : PERCENTILES.filter((p) => p === 100 || answered * (100 - p) >= 100).map((percentile) => ({
            percentile,
            ms: ms(counts.latency, percentile),
          })),
    over_limit: over,
    met: about.complete && isFast && failed + rejected <= errors * sent,
    in_flight_max: counts.inFlightMost,
    recovery_seconds: about.recovery_seconds,
    server: about.server,
    client: about.client,
    client_limited: event_loop >= BUSY || cpu >= BUSY * senders.threads || send_delay_p99_ms > Math.max(2, LATE * limit),
  }
}

/** Whether a stage failed by so few requests that chance may have decided. */
export const isClose = ({ met, answered, rejected, failed, over_limit }: Stage): boolean =>
  !met && rejected + failed <= 1 && over_limit !== null && over_limit.share * answered <= Math.max(2, 3 * ABOVE * answered)
