import { type Rows, take } from '../baselines/baselines-rows.js'
import { lastOf } from '../data/windows.js'
import type { QuerySums } from '../native.js'
import { tally } from '../stages.js'
import { call, type Tensor } from '../torch/tensor.js'
import { searchPass } from './ranks/search-pass.js'
import { type Placed, type Pool, search, together } from './search.js'

/** Queries of all windows that are weighted sums of the last vectors of a context and its target. */
export interface SummedQuery {
  /** One weight for each of the `sharedVectors`, the oldest first, then that of the target. */
  readonly weights: readonly number[]
  /** The queries themselves, which decide where the sums are too inexact. Shapes: [n, dim]. */
  readonly predict: Ask
}

/** Windows that share a pass over the bank, and the longest context whose sums cost less than their products. */
const [WINDOWS, LONGEST] = [4096, 32]

/** Number of last vectors of a context that queries may share: all, or one of contexts of several lengths; 0 for windows out of order. */
export function sharedVectors({ base, windows, ids }: Rows): number {
  const follows = (id: number, i: number) =>
    windows.target[id] === lastOf(windows, id) + 1 && (i === 0 || windows.target[ids[i - 1]!]! < windows.target[id]!)
  if (base.targets !== undefined || !ids.every(follows)) return 0
  return windows.length === undefined && windows.context <= LONGEST ? windows.context : 1
}

/** The distinct rows of some windows in order, and the place among them of each window's first one. */
function sharedRows({ windows }: Rows, ids: Int32Array, count: number): { rows: Int32Array; first: Int32Array } {
  const rows: number[] = []
  const first = ids.map((id) => {
    const to = windows.target[id]!
    for (let row = Math.max(to - count, (rows.at(-1) ?? -1) + 1); row <= to; row++) rows.push(row)
    return rows.length - 1 - count
  })
  return { rows: Int32Array.from(rows), first }
}

/** Returns queries of windows. Shapes: [n, dim]. */
type Ask = (ids: Int32Array) => Promise<Tensor>

async function stacked(queries: readonly Ask[], ids: Int32Array): Promise<Tensor> {
  const each: Tensor[] = []
  for (const query of queries) each.push(await query(ids))
  using all = (await call('aten::stack', [each, 1])) as Tensor
  for (const one of each) one.dispose()
  return all.op('aten::flatten.using_ints', 0, 1)
}

/** Ranks the targets for several queries of each window in one pass over the bank; the result is that of `placeTargets` for each query. */
export async function placeEach(
  rows: Rows,
  pool: Pool,
  queries: readonly Ask[],
  sumsOf?: (ids: Int32Array) => Promise<{ readonly sums: QuerySums; readonly parts: Tensor }>,
): Promise<Placed[]> {
  const [n, times] = [rows.ids.length, queries.length]
  const empty = () => ({ ahead: new Int32Array(n), tied: new Int32Array(n) })
  const found = queries.map(() => ({ all: empty(), allowed: empty() }))
  for (let at = 0, count = 0; at < n; at += count) {
    count = together(pool, at, WINDOWS)
    tally(at, n)
    const ids = rows.ids.subarray(at, at + count)
    const shared = await sumsOf?.(ids)
    using _parts = shared?.parts
    using vectors = await stacked(queries, ids)
    const part = await searchPass(pool, { at, count, times, nearest: 1 }, vectors, shared?.sums)
    for (const [q, { all, allowed }] of found.entries())
      for (let i = 0; i < count; i++)
        for (const key of ['ahead', 'tied'] as const) {
          all[key][at + i] = part.all[key][i * times + q]!
          allowed[key][at + i] = part.allowed[key][i * times + q]!
        }
  }
  return found
}

/** As `placeEach` for queries that are sums: the cosines of the vectors that they share are computed once, and summed for each. */
export function placeSums(rows: Rows, pool: Pool, queries: readonly SummedQuery[]): Promise<Placed[]> {
  const times = queries.length
  const width = sharedVectors(rows) + 1
  const sumsOf = async (ids: Int32Array) => {
    const shared = sharedRows(rows, ids, width - 1)
    const parts = await take(rows.base.vectors, shared.rows)
    const terms = { length: ids.length * times * width }
    const sums = {
      parts: parts.native,
      rows: Int32Array.from(terms, (_, i) => shared.first[Math.floor(i / (times * width))]! + (i % width)),
      weights: Float64Array.from(terms, (_, i) => queries[Math.floor(i / width) % times]!.weights[i % width]!),
    }
    return { sums, parts }
  }
  return placeEach(
    rows,
    pool,
    queries.map(({ predict }) => predict),
    sumsOf,
  )
}

/** Ranks the targets for one query of all windows. Shapes: query [1, dim]. */
export function placeConstant(pool: Pool, query: Tensor): Promise<Placed> {
  const same = (count: number) => query.op('aten::expand', [count, query.shape[1]!])
  return search(
    pool,
    async (_, count) => {
      using all = await same(count)
      return all.op('aten::contiguous')
    },
    1,
    (count) => ({ parts: query.native, rows: new Int32Array(count), weights: new Float64Array(count).fill(1) }),
  )
}
