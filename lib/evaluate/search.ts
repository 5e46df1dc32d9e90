import type { Base } from '../data/base.js'
import type { NativeBank, QuerySums } from '../native.js'
import type { Ranking, Retrieval } from '../rankings.js'
import { tally } from '../stages.js'
import type { Tensor } from '../torch/tensor.js'
import { countExcluded, type Excluded } from './exclusions.js'
import { emptyRetrieval, putRetrieval, searchPass } from './ranks/search-pass.js'

/** Vectors to search, with the rows of each window's target and context among them. */
export interface Pool {
  readonly base: Pick<Base, 'path' | 'hash' | 'space' | 'articles' | 'texts'>
  /** Shapes: [rows, dim]. */
  readonly vectors: Tensor
  /** The same, for native.retrieve. */
  readonly bank: NativeBank
  readonly rows: number
  /** Per window, the row of its target. */
  readonly target: Int32Array
  /** Rows that each window leaves out: those of its context. */
  readonly excluded: Excluded
  dispose(): void
}

/** Number of nearest rows that are kept for each query. */
export const NEAREST = 20
/** Windows that share one pass over the bank, and the rows that they leave out together, at most. */
const [BLOCK, LEFT_OUT] = [8192, 1 << 22]

/** Number of windows from `at` on that share a pass. */
export function together({ target, excluded }: Pool, at: number, block = BLOCK): number {
  const most = Math.min(block, target.length - at)
  let [count, left] = [0, 0]
  while (count < most) {
    left += countExcluded(excluded, at + count, 1)
    if (count > 0 && left > LEFT_OUT) break
    count++
  }
  return count
}

/**
 * Ranks the targets of all windows of a pool against the vectors that `query` returns.
 *
 * `sums`: the same queries as sums of vectors that they share.
 * Shapes: query(at, count) → [count, dim] for the windows from `at` on.
 * Errors: DIVERGED when a query is not finite.
 */
export async function search(
  pool: Pool,
  query: (at: number, count: number) => Promise<Tensor>,
  nearest = NEAREST,
  sums?: (count: number) => QuerySums,
): Promise<Retrieval> {
  const n = pool.target.length
  const found = emptyRetrieval(n, nearest)
  for (let at = 0, count = 0; at < n; at += count) {
    count = together(pool, at)
    tally(at, n)
    using raw = await query(at, count)
    using queries = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
    putRetrieval(found, await searchPass(pool, { at, count, times: 1, nearest }, queries, sums?.(count)), at, nearest)
  }
  return found
}

/** Place of each target in a ranking. */
export type Places = Pick<Ranking, 'ahead' | 'tied'>
/** Places in the pool, and without what each window leaves out. */
export interface Placed {
  readonly all: Places
  readonly allowed: Places
}

/** Ranks the targets alone, which needs less work than `search`. */
export const placeTargets = (pool: Pool, query: (at: number, count: number) => Promise<Tensor>): Promise<Placed> =>
  search(pool, query, 1)

/** Joins places of windows that were searched in turn. */
export function joinPlaces(parts: readonly Placed[]): Placed {
  const whole = (which: keyof Placed): Places => {
    const of = (key: keyof Places) => Int32Array.from(parts.flatMap((part) => [...part[which][key]]))
    return { ahead: of('ahead'), tied: of('tied') }
  }
  return { all: whole('all'), allowed: whole('allowed') }
}

/** Joins what was found for windows that were searched in turn. */
export function joinRetrievals(parts: readonly Retrieval[]): Retrieval {
  const n = parts.reduce((sum, { all }) => sum + all.ahead.length, 0)
  const found = emptyRetrieval(n, NEAREST)
  let at = 0
  for (const part of parts) {
    putRetrieval(found, part, at, NEAREST)
    at += part.all.ahead.length
  }
  return found
}

/** Returns the rank of each target; rows that tie with it rank before it. */
export const ranks = ({ ahead, tied }: Places): Int32Array => ahead.map((n, i) => n + tied[i]! + 1)
