import { native, type QuerySums } from '../../native.js'
import type { Ranking, Retrieval } from '../../rankings.js'
import type { SearchPass, SharedGroup } from '../../ranks/shared-work.js'
import { sharersOf } from '../../ranks/shared-work.js'
import { stage } from '../../stages.js'
import { Tensor } from '../../torch/tensor.js'
import { type Excluded, listExcluded } from '../exclusions.js'

/** Windows to search for, and the bank. */
interface Searched {
  readonly vectors: Tensor
  readonly bank: Parameters<typeof native.retrieve>[1]
  readonly target: Int32Array
  readonly excluded: Excluded
}
type Pass = Omit<SearchPass, 'do' | 'of'>

/** Each element of a list so many times in turn. */
function repeated(values: Int32Array, times: number): Int32Array {
  return times === 1 ? values : Int32Array.from({ length: values.length * times }, (_, i) => values[Math.floor(i / times)]!)
}

/** What each of several queries of a window leaves out. */
function repeatedLists({ first, excluded }: ReturnType<typeof listExcluded>, times: number) {
  if (times === 1) return { first, excluded }
  const [begin, rows] = [new Int32Array((first.length - 1) * times + 1), new Int32Array(excluded.length * times)]
  let at = 0
  for (let i = 0; i + 1 < first.length; i++)
    for (let t = 0; t < times; t++) {
      const own = excluded.subarray(first[i]!, first[i + 1]!)
      rows.set(own, at)
      at += own.length
      begin[i * times + t + 1] = at
    }
  return { first: begin, excluded: rows }
}

/** Target of each query of a pass, and the rows that it leaves out. */
function rowsOf({ target, excluded }: Searched, { at, count, times }: Pass) {
  return {
    target: repeated(target.subarray(at, at + count), times),
    ...repeatedLists(listExcluded(excluded, at, count), times),
  }
}

async function areFinite(queries: Tensor): Promise<boolean> {
  using each = await queries.op('aten::isfinite')
  using all = await each.op('aten::all')
  return (await all.item()) !== 0
}

const RANKINGS = ['all', 'allowed'] as const

/** Searches the bank for the queries of a pass; `sums`: the same queries as sums of vectors that they share. Shapes: queries [count · times, dim]. */
export function searchPass(pool: Searched, pass: Pass, queries: Tensor, sums?: QuerySums): Promise<Retrieval> {
  return stage('search', async () => {
    const sharers = sharersOf(pool)
    const alone = () => native.retrieve(queries.native, pool.bank, rowsOf(pool, pass), pass.nearest, sums)
    if (sharers === undefined || !(await areFinite(queries))) return alone() // which refuses queries that are not finite
    await sharers.group.ask({ do: 'search', of: sharers.windows, ...pass })
    return searchTogether(sharers.group, pool, pass, queries)
  })
}

/** Searches with this rank for its part of the queries of a pass, which rank 0 gives. Errors: RANK_LOST. */
export async function searchTogether(group: SharedGroup, pool: Searched, pass: Pass, given?: Tensor): Promise<Retrieval> {
  const n = pass.count * pass.times
  const dim = pool.vectors.shape[1]!
  using zeros = Tensor.from(new Float32Array(given === undefined ? n * dim : 0), [given === undefined ? n : 0, dim])
  const queries = given ?? zeros
  await group.sum(queries.native) // the others add zeros
  const [from, to] = group.share(n)
  const { target, first, excluded } = rowsOf(pool, pass)
  const whole = emptyRetrieval(n, pass.nearest)
  if (to > from) {
    using part = queries.at(`${from}:${to}`)
    using own = await part.op('aten::contiguous')
    const rows = {
      target: target.subarray(from, to),
      first: first.slice(from, to + 1).map((place) => place - first[from]!),
      excluded: excluded.subarray(first[from]!, first[to]!),
    }
    putRetrieval(whole, await native.retrieve(own.native, pool.bank, rows, pass.nearest), from, pass.nearest)
  }
  for (const ranking of RANKINGS.map((which) => whole[which]))
    for (const array of Object.values(ranking) as (Int32Array | Float64Array)[]) {
      using sum = Tensor.from(Float64Array.from(array))
      await group.sum(sum.native)
      array.set((await sum.data()) as Float64Array)
    }
  return whole
}

const emptyRanking = (n: number, nearest: number): Ranking => ({
  ahead: new Int32Array(n),
  tied: new Int32Array(n),
  rows: new Int32Array(n * nearest),
  cosines: new Float64Array(n * nearest),
  toTarget: new Float64Array(n * nearest),
})

/** Rankings of n queries, to be filled. */
export const emptyRetrieval = (n: number, nearest: number): Retrieval => ({
  all: emptyRanking(n, nearest),
  allowed: emptyRanking(n, nearest),
})

/** Writes the rankings of some queries to the places from `at` on. */
export function putRetrieval(whole: Retrieval, part: Retrieval, at: number, nearest: number): void {
  for (const which of RANKINGS) {
    const [to, from] = [whole[which], part[which]]
    to.ahead.set(from.ahead, at)
    to.tied.set(from.tied, at)
    to.rows.set(from.rows, at * nearest)
    to.cosines.set(from.cosines, at * nearest)
    to.toTarget.set(from.toTarget, at * nearest)
  }
}
