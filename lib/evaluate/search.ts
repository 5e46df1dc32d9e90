import type { Base } from '../data/base.js'
import { type NativeBank, native, type Ranking, type Retrieval } from '../native.js'
import { stage, tally } from '../stages.js'
import type { Tensor } from '../torch/tensor.js'
import { countExcluded, type Excluded, listExcluded } from './exclusions.js'

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
function together({ target, excluded }: Pool, at: number): number {
  const most = Math.min(BLOCK, target.length - at)
  let [count, left] = [0, 0]
  while (count < most) {
    left += countExcluded(excluded, at + count, 1)
    if (count > 0 && left > LEFT_OUT) break
    count++
  }
  return count
}

const emptyRanking = (n: number): Ranking => ({
  ahead: new Int32Array(n),
  tied: new Int32Array(n),
  rows: new Int32Array(n * NEAREST),
  cosines: new Float64Array(n * NEAREST),
  toTarget: new Float64Array(n * NEAREST),
})

function put(whole: Ranking, part: Ranking, at: number): void {
  whole.ahead.set(part.ahead, at)
  whole.tied.set(part.tied, at)
  whole.rows.set(part.rows, at * NEAREST)
  whole.cosines.set(part.cosines, at * NEAREST)
  whole.toTarget.set(part.toTarget, at * NEAREST)
}

/**
 * Ranks the targets of all windows of a pool against the vectors that `query` returns.
 *
 * Shapes: query(at, count) → [count, dim] for the windows from `at` on.
 * Errors: DIVERGED when a query is not finite.
 */
export async function search(pool: Pool, query: (at: number, count: number) => Promise<Tensor>): Promise<Retrieval> {
  const n = pool.target.length
  const found: Retrieval = { all: emptyRanking(n), allowed: emptyRanking(n) }
  for (let at = 0, count = 0; at < n; at += count) {
    count = together(pool, at)
    tally(at, n)
    using raw = await query(at, count)
    using queries = await raw.to({ device: 'cpu', dtype: 'float32' })
    const rows = { target: pool.target.subarray(at, at + count), ...listExcluded(pool.excluded, at, count) }
    const part = await stage('search', () => native.retrieve(queries.native, pool.bank, rows, NEAREST))
    put(found.all, part.all, at)
    put(found.allowed, part.allowed, at)
  }
  return found
}

/** Joins what was found for windows that were searched in turn. */
export function joinRetrievals(parts: readonly Retrieval[]): Retrieval {
  const n = parts.reduce((sum, { all }) => sum + all.ahead.length, 0)
  const found: Retrieval = { all: emptyRanking(n), allowed: emptyRanking(n) }
  let at = 0
  for (const part of parts) {
    put(found.all, part.all, at)
    put(found.allowed, part.allowed, at)
    at += part.all.ahead.length
  }
  return found
}

/** Returns the rank of each target; rows that tie with it rank before it. */
export const ranks = ({ ahead, tied }: Ranking): Int32Array => ahead.map((n, i) => n + tied[i]! + 1)
