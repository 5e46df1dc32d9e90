import { readFileSync } from 'node:fs'
import { quantile } from '../statistics/estimates.js'

/** Latency of one batch size. Units: milliseconds per call. */
export interface BatchLatency {
  readonly batch: number
  readonly p50_ms: number
  readonly p95_ms: number
  readonly p99_ms: number
  readonly samples_per_second: number
  /** Number of timed calls. */
  readonly calls: number
}

const BATCHES = [1, 8, 32, 128] as const

/**
 * Times sequential calls of `run(batch)`: about `seconds` per batch size, after a warm-up of a fifth of that.
 *
 * `run` must resolve only when its results are available; otherwise only the launch is timed. Each size is timed at least once.
 */
export async function measureLatency(
  run: (batch: number) => Promise<unknown>,
  { seconds = 1.5, batches = BATCHES }: { seconds?: number; batches?: readonly number[] } = {},
): Promise<BatchLatency[]> {
  const results: BatchLatency[] = []
  for (const batch of batches) {
    await timed(run, batch, seconds / 5)
    const times = await timed(run, batch, seconds)
    const total = times.reduce((a, b) => a + b, 0)
    const sorted = times.sort()
    results.push({
      batch,
      p50_ms: quantile(sorted, 0.5),
      p95_ms: quantile(sorted, 0.95),
      p99_ms: quantile(sorted, 0.99),
      samples_per_second: (batch * times.length * 1000) / total,
      calls: times.length,
    })
  }
  return results
}

async function timed(run: (batch: number) => Promise<unknown>, batch: number, seconds: number): Promise<Float64Array> {
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  do {
    const start = performance.now()
    await run(batch)
    times.push(performance.now() - start)
  } while (performance.now() < end)
  return Float64Array.from(times)
}

/** Peak resident memory of this process so far. Units: bytes. */
export function peakMemory(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {}
  return process.resourceUsage().maxRSS * 1024 // for systems without /proc
}
