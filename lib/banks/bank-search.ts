import { LvmError } from '../errors.js'
import { type Excluded, listRanges } from '../evaluate/exclusions.js'
import { NEAREST } from '../evaluate/search.js'
import type { Ranking, Retrieval } from '../rankings.js'
import { tally } from '../stages.js'
import type { Tensor } from '../torch/tensor.js'
import type { Bank } from './bank.js'

/** Windows that are read together, and queries that a database answers at once. */
const [BLOCK, AT_ONCE] = [256, 8]
/** Windows whose answers are compared with exact ones. */
const SAMPLE = 100
/** Cosines that differ by less are equal, as in an exact search. */
const TIE = 1e-14

/** What a bank is asked: queries and targets of all windows, with the rows of the targets and those left out. */
export interface BankQueries {
  readonly rows: number
  readonly target: Int32Array
  readonly excluded: Excluded
  /** Whether the database has an index, so that it may miss rows. */
  readonly indexed: boolean
  /** Shapes: [count, dim], for the windows from `at` on. */
  query(at: number, count: number): Promise<Tensor>
  targets(at: number, count: number): Promise<Tensor>
}

/** Answers of a bank, and the share of the 20 nearest rows that they hold, over a sample of windows; 1 without an index, unmeasured. */
export interface BankAnswers {
  readonly found: Retrieval
  readonly recall20: number
  readonly sampled: number
}

/** Rows nearest to a query with their cosines, the nearest first. */
interface Near {
  readonly rows: readonly number[]
  readonly cosines: readonly number[]
  readonly toTarget: readonly number[]
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!
  return sum
}
function cosine(a: Float32Array, b: Float32Array): number {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b))
  return lengths === 0 ? 0 : dot(a, b) / lengths
}

async function near(
  bank: Bank,
  query: Float32Array,
  target: Float32Array,
  o: { readonly without: readonly (readonly [number, number])[]; readonly exact: boolean },
): Promise<Near> {
  const found = await bank.nearest(query, { k: NEAREST, ...o })
  const dim = query.length
  const at = (i: number) => found.vectors.subarray(i * dim, (i + 1) * dim)
  const list = Array.from(found.rows, (row, i) => ({ row, cosine: cosine(query, at(i)), toTarget: cosine(target, at(i)) }))
  list.sort((a, b) => b.cosine - a.cosine || a.row - b.row)
  return {
    rows: list.map(({ row }) => row),
    cosines: list.map(({ cosine }) => cosine),
    toTarget: list.map(({ toTarget }) => toTarget),
  }
}

const emptyRanking = (n: number): Ranking => ({
  ahead: new Int32Array(n),
  tied: new Int32Array(n),
  rows: new Int32Array(n * NEAREST).fill(-1),
  cosines: new Float64Array(n * NEAREST),
  toTarget: new Float64Array(n * NEAREST),
})

/** Enters an answer; a target that it lacks is the last of the pool, because its rank is not known. */
function enter(ranking: Ranking, i: number, { rows, cosines, toTarget }: Near, target: number, pool: number): void {
  ranking.rows.set(rows, i * NEAREST)
  ranking.cosines.set(cosines, i * NEAREST)
  ranking.toTarget.set(toTarget, i * NEAREST)
  const own = cosines[rows.indexOf(target)]
  ranking.ahead[i] = own === undefined ? pool - 1 : cosines.filter((c) => c > own + TIE).length
  ranking.tied[i] = own === undefined ? 0 : cosines.filter((c) => Math.abs(c - own) <= TIE).length - 1
}

/** Share of the exact answer that is in another: rows as near as its last one count. */
function recall(exact: Near, { cosines }: Near): number {
  const last = exact.cosines.at(-1)
  if (last === undefined) return 1
  return cosines.filter((c) => c >= last - TIE).length / exact.cosines.length
}

const rowsOf = async (tensor: Tensor): Promise<(i: number) => Float32Array> => {
  using raw = tensor
  using single = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  const values = (await single.data()) as Float32Array
  const dim = single.shape[1]!
  return (i) => values.subarray(i * dim, (i + 1) * dim)
}

/**
 * Asks a bank for the rows nearest to each query, with and without what each window leaves out.
 *
 * Errors: DIVERGED when a query is not finite; those of the bank.
 */
export async function askBank(bank: Bank, asked: BankQueries): Promise<BankAnswers> {
  const n = asked.target.length
  const found = { all: emptyRanking(n), allowed: emptyRanking(n) }
  const every = Math.max(1, Math.floor(n / SAMPLE))
  const recalls: number[] = []
  const one = async (i: number, query: Float32Array, target: Float32Array) => {
    if (!query.every(Number.isFinite)) throw new LvmError('DIVERGED', `the query of window ${i} is not finite`)
    const without = listRanges(asked.excluded, i)
    const left = without.reduce((sum, [begin, end]) => sum + end - begin, 0)
    const all = await near(bank, query, target, { without: [], exact: false })
    const isLeftOut = (row: number) => without.some(([begin, end]) => row >= begin && row < end)
    const allowed = all.rows.some(isLeftOut) ? await near(bank, query, target, { without, exact: false }) : all
    enter(found.all, i, all, asked.target[i]!, asked.rows)
    enter(found.allowed, i, allowed, asked.target[i]!, asked.rows - left)
    if (asked.indexed && i % every === 0 && recalls.length < SAMPLE)
      recalls.push(recall(await near(bank, query, target, { without, exact: true }), allowed))
  }
  for (let at = 0; at < n; at += BLOCK) {
    tally(at, n)
    const count = Math.min(BLOCK, n - at)
    const [query, target] = [await rowsOf(await asked.query(at, count)), await rowsOf(await asked.targets(at, count))]
    for (let i = 0; i < count; i += AT_ONCE)
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => one(at + i + j, query(i + j), target(i + j))),
      )
  }
  const recall20 = asked.indexed ? recalls.reduce((a, b) => a + b, 0) / recalls.length : 1
  return { found, recall20, sampled: recalls.length }
}
