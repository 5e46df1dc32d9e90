import { listExcluded } from '../../evaluate/exclusions.js'
import type { Pool } from '../../evaluate/search.js'
import { watchCpuShare } from '../../libtorch/cpu-share.js'
import { native } from '../../native.js'
import { tally } from '../../stages.js'
import { quantile } from '../../statistics/estimates.js'
import type { Tensor } from '../../torch/tensor.js'
import type { Arm } from './arms.js'

/** Time of one search, from the context to the rows. Units: ms */
export interface ArmLatency {
  readonly p50_ms: number
  readonly p95_ms: number
  /** Median time to make the query, and to search with it. */
  readonly query_ms: number
  readonly search_ms: number
  readonly calls: number
  /** Share of the processor time that the process was ready to use and got while all arms were timed; null if unknown. */
  readonly cpu_share?: number | null
}

/** Timing differences below this share count as noise. */
export const NOISE = 0.05
/** Factors of k whose searches are timed, to find the k that fits into a time. */
const FACTORS = [1, 2, 5, 10, 20, 50, 100]

/** Searches the bank for one window. Shapes: query [1, dim]. */
async function searchOne(query: Tensor, pool: Pool, window: number, k: number): Promise<void> {
  using onCpu = await query.to({ device: 'cpu', dtype: 'float32' }).ready()
  const rows = { target: pool.target.subarray(window, window + 1), ...listExcluded(pool.excluded, window, 1) }
  await native.retrieve(onCpu.native, pool.bank, rows, k)
}

async function timeOne(arm: Arm, pool: Pool, window: number, k: number): Promise<{ query: number; search: number }> {
  const start = performance.now()
  using query = await arm.query(window)
  const made = performance.now()
  await searchOne(query, pool, window, k)
  return { query: made - start, search: performance.now() - made }
}

const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5)

/**
 * Times single searches of all arms in turn, so that a change of the machine's load meets all of them.
 *
 * Each arm takes about `seconds`, after a warm-up of a fifth of the calls.
 */
export async function timeArms(arms: readonly Arm[], pool: Pool, k: number, seconds: number): Promise<ArmLatency[]> {
  const windows = pool.target.length
  const times = arms.map(() => ({ query: [] as number[], search: [] as number[] }))
  const began = performance.now()
  const end = began + seconds * 1000 * arms.length
  const share = watchCpuShare()
  let round = 0
  do {
    for (const [i, arm] of arms.entries()) {
      const { query, search } = await timeOne(arm, pool, (round * 7919) % windows, k)
      times[i]!.query.push(query)
      times[i]!.search.push(search)
    }
    round++
    tally(round, Math.max(10, Math.round((round * (end - began)) / (performance.now() - began))))
  } while (performance.now() < end || round < 10)
  const cpu_share = share()
  const warm = Math.floor(round / 5)
  return times.map(({ query, search }) => {
    const [q, s] = [query.slice(warm), search.slice(warm)]
    const all = Float64Array.from(q, (value, j) => value + s[j]!).sort()
    return {
      p50_ms: quantile(all, 0.5),
      p95_ms: quantile(all, 0.95),
      query_ms: median(q),
      search_ms: median(s),
      calls: q.length,
      cpu_share,
    }
  })
}

/** Returns the largest of several k whose median search time fits into `ms`; `k` itself when none does, because it was measured to fit. */
export async function affordableK(arm: Arm, pool: Pool, k: number, ms: number): Promise<number> {
  const asked = FACTORS.map((factor) => k * factor).filter((each) => each < pool.rows)
  const times = asked.map(() => [] as number[])
  for (let round = 0; round < 15; round++) {
    for (const [i, each] of asked.entries()) {
      const { query, search } = await timeOne(arm, pool, (round * 7919) % pool.target.length, each)
      times[i]!.push(query + search)
    }
  }
  return asked.findLast((_, i) => median(times[i]!) <= ms) ?? k
}
