import type { BatchLatency } from '../../evaluate/latency.js'
import { tally } from '../../stages.js'
import { quantile } from '../../statistics/estimates.js'

/** A timed call with its batch size. */
export interface Timed {
  readonly batch: number
  /** Resolves when the results are computed. */
  call(): Promise<unknown>
}
/** Latency of a batch size, with the median of each round and the median of the reference product in the same round. Units: milliseconds. */
export interface BlockLatency extends BatchLatency {
  readonly blocks_ms: readonly number[]
  readonly reference_ms: readonly number[]
}

/** Calls of the reference product in each round. */
const REFERENCE_CALLS = 5
/** Rounds that every subject takes part in, however slow. */
const FEWEST_ROUNDS = 5
/** A slow subject stops once it has used this multiple of its seconds. */
const TIME_LIMIT = 4

async function times(call: () => Promise<unknown>, seconds: number, most = Infinity): Promise<number[]> {
  const found: number[] = []
  const end = performance.now() + 1000 * seconds
  do {
    const start = performance.now()
    await call()
    found.push(performance.now() - start)
  } while (performance.now() < end && found.length < most)
  return found
}

const median = (values: readonly number[]) => quantile(Float64Array.from(values).sort(), 0.5)

/**
 * Times several calls in rounds, in alternating order, so that other load on the machine affects all of them equally.
 *
 * Each turn begins with the reference product, which shows the current speed of the machine, and one untimed call.
 */
export async function interleaved(
  subjects: readonly Timed[],
  reference: () => Promise<unknown>,
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<BlockLatency[]> {
  const all = subjects.map((timed) => ({ timed, calls: [] as number[], blocks: [] as number[], references: [] as number[] }))
  for (const { timed } of all) await times(timed.call, seconds / 5)
  for (let round = 0; round < rounds; round++) {
    tally(round, rounds)
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      const spent = one.calls.reduce((a, b) => a + b, 0) / 1000
      if (round >= FEWEST_ROUNDS && spent > TIME_LIMIT * seconds) continue
      one.references.push(median(await times(reference, Infinity, REFERENCE_CALLS)))
      await one.timed.call()
      const calls = await times(one.timed.call, seconds / rounds)
      one.calls.push(...calls)
      one.blocks.push(median(calls))
    }
  }
  return all.map(({ timed: { batch }, calls, blocks, references }) => {
    const sorted = Float64Array.from(calls).sort()
    return {
      batch,
      p50_ms: quantile(sorted, 0.5),
      p95_ms: quantile(sorted, 0.95),
      p99_ms: quantile(sorted, 0.99),
      samples_per_second: (1000 * batch * calls.length) / sorted.reduce((a, b) => a + b, 0),
      calls: calls.length,
      blocks_ms: blocks,
      reference_ms: references,
    }
  })
}
