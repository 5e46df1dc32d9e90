import { take } from '../baselines/baselines-rows.js'
import { LvmError } from '../errors.js'
import { countExcluded, type Excluded, listRanges } from '../evaluate/exclusions.js'
import { NEAREST } from '../evaluate/search.js'
import type { Ranking, Retrieval } from '../rankings.js'
import { tally } from '../stages.js'
import type { Tensor } from '../torch/tensor.js'
import type { Bank } from './bank.js'

/** Windows that a database answers together, and such parts that it answers at once. */
const [TOGETHER, AT_ONCE] = [32, 4]
/** Windows whose answers are compared with exact ones, at most. */
const SAMPLE = 100
/** Rows that windows leave out and that are asked for nevertheless; windows with more ask a second time, with a filter. */
const LEFT_OUT = 80
/** Cosines that differ by less are equal, as in an exact search. */
const TIE = 1e-14

/** What a bank is asked: queries of all windows, with the rows of their targets and those left out. */
export interface BankQueries {
  /** Vectors of all rows of the bank. Shapes: [rows, dim] */
  readonly vectors: Tensor
  readonly target: Int32Array
  readonly excluded: Excluded
  /** Finds the rows nearest to the queries of some windows without what these leave out; undefined where the database compares every row itself. */
  readonly exact: ((windows: Int32Array) => Promise<Ranking>) | undefined
  /** Shapes: [count, dim], for the windows from `at` on. */
  query(at: number, count: number): Promise<Tensor>
}

/** Answers of a bank, and the share of the 20 nearest rows that they hold, over a sample of windows; 1 without an index, unmeasured. */
export interface BankAnswers {
  readonly found: Retrieval
  readonly recall20: number
  readonly sampled: number
}

/** A row that is near to a query, with its cosines. */
interface Near {
  readonly row: number
  readonly cosine: number
  readonly toTarget: number
}
/** Some windows with their queries. Shapes: queries [windows, dim] */
interface Part {
  readonly windows: readonly number[]
  readonly queries: Float32Array
}
/** The rows nearest to a query, and those of them that its window does not leave out. */
interface Answer<T> {
  readonly all: readonly T[]
  readonly allowed: readonly T[]
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

/** The rows that a database names for each window. */
async function rowsOf(bank: Bank, { excluded }: BankQueries, { windows, queries }: Part): Promise<Answer<number>[]> {
  const dim = queries.length / windows.length
  const left = windows.map((i) => {
    const ranges = listRanges(excluded, i)
    return { ranges, rows: ranges.reduce((sum, [begin, end]) => sum + end - begin, 0) }
  })
  const more = Math.min(LEFT_OUT, Math.max(...left.map(({ rows }) => rows)))
  const found = await bank.nearest(queries, { count: windows.length, k: NEAREST + more, without: [] })
  return Promise.all(
    found.map(async (all, w) => {
      const { ranges, rows } = left[w]!
      const allowed = all.filter((row) => !ranges.some(([begin, end]) => row >= begin && row < end))
      if (allowed.length >= NEAREST || rows <= more) return { all, allowed }
      const query = queries.subarray(w * dim, (w + 1) * dim)
      const filtered = await bank.nearest(query, { count: 1, k: NEAREST, without: ranges })
      return { all, allowed: filtered[0]! }
    }),
  )
}

/** The 20 rows nearest to each window, by cosines that are computed here. */
async function nearest(bank: Bank, asked: BankQueries, part: Part): Promise<Answer<Near>[]> {
  const { windows, queries } = part
  const answers = await rowsOf(bank, asked, part)
  const rows = [
    ...new Set([...windows.map((i) => asked.target[i]!), ...answers.flatMap(({ all, allowed }) => [...all, ...allowed])]),
  ]
  const placeOf = new Map(rows.map((row, place) => [row, place]))
  using taken = await take(asked.vectors, Int32Array.from(rows))
  const [values, dim] = [(await taken.data()) as Float32Array, queries.length / windows.length]
  const vector = (of: Float32Array, at: number) => of.subarray(at * dim, (at + 1) * dim)
  return answers.map(({ all, allowed }, w) => {
    const target = vector(values, placeOf.get(asked.target[windows[w]!]!)!)
    const near = new Map<number, Near>()
    for (const row of [...all, ...allowed]) {
      const own = vector(values, placeOf.get(row)!)
      near.set(row, { row, cosine: cosine(vector(queries, w), own), toTarget: cosine(target, own) })
    }
    const best = (some: readonly number[]) =>
      some
        .map((row) => near.get(row)!)
        .sort((a, b) => b.cosine - a.cosine || a.row - b.row)
        .slice(0, NEAREST)
    return { all: best(all), allowed: best(allowed) }
  })
}

const emptyRanking = (n: number): Ranking => ({
  ahead: new Int32Array(n),
  tied: new Int32Array(n),
  rows: new Int32Array(n * NEAREST).fill(-1),
  cosines: new Float64Array(n * NEAREST),
  toTarget: new Float64Array(n * NEAREST),
})

/** Enters an answer; a target that it lacks is the last of the pool, because its rank is not known. */
function enter(ranking: Ranking, i: number, near: readonly Near[], target: number, pool: number): void {
  for (const [j, one] of near.entries()) {
    ranking.rows[i * NEAREST + j] = one.row
    ranking.cosines[i * NEAREST + j] = one.cosine
    ranking.toTarget[i * NEAREST + j] = one.toTarget
  }
  const own = near.find(({ row }) => row === target)?.cosine
  ranking.ahead[i] = own === undefined ? pool - 1 : near.filter(({ cosine }) => cosine > own + TIE).length
  ranking.tied[i] = own === undefined ? 0 : near.filter(({ cosine }) => Math.abs(cosine - own) <= TIE).length - 1
}

/** Windows of a sample, evenly spaced. */
const sampleOf = (n: number, size = Math.min(SAMPLE, n)): Int32Array =>
  Int32Array.from({ length: size }, (_, j) => Math.floor((j * n) / size))

/** Share of the exact answers to a sample of windows that is in those of a bank: rows as near as the last exact one count. */
function recallOf(exact: Ranking, found: Ranking, sample: Int32Array): number {
  const row = ({ rows, cosines }: Ranking, i: number) =>
    cosines.subarray(i * NEAREST, (i + 1) * NEAREST).filter((_, j) => rows[i * NEAREST + j]! >= 0)
  const shares = Array.from(sample, (window, i) => {
    const [right, own] = [row(exact, i), row(found, window)]
    return right.length === 0 ? 1 : own.filter((cosine) => cosine >= right.at(-1)! - TIE).length / right.length
  })
  return shares.reduce((a, b) => a + b, 0) / shares.length
}

/** The queries of windows that follow one another. Errors: DIVERGED. */
async function partOf(asked: BankQueries, at: number, count: number): Promise<Part> {
  using raw = await asked.query(at, count)
  using single = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  const queries = (await single.data()) as Float32Array
  const wrong = queries.findIndex((x) => !Number.isFinite(x))
  if (wrong >= 0)
    throw new LvmError('DIVERGED', `the query of window ${at + Math.floor((wrong * count) / queries.length)} is not finite`)
  return { windows: Array.from({ length: count }, (_, i) => at + i), queries }
}

/**
 * Asks a bank for the rows nearest to each query, with and without what each window leaves out.
 *
 * Errors: DIVERGED when a query is not finite; those of the bank.
 */
export async function askBank(bank: Bank, asked: BankQueries): Promise<BankAnswers> {
  const [n, rows] = [asked.target.length, asked.vectors.shape[0]!]
  const found = { all: emptyRanking(n), allowed: emptyRanking(n) }
  const answer = async (part: Part) => {
    const at = part.windows[0]!
    const answers = await nearest(bank, asked, part)
    for (const [w, { all, allowed }] of answers.entries()) {
      const [i, target] = [at + w, asked.target[at + w]!]
      enter(found.all, i, all, target, rows)
      enter(found.allowed, i, allowed, target, rows - countExcluded(asked.excluded, i, 1))
    }
  }
  for (let at = 0; at < n; at += TOGETHER * AT_ONCE) {
    tally(at, n)
    const parts: Part[] = []
    for (let from = at; from < Math.min(n, at + TOGETHER * AT_ONCE); from += TOGETHER)
      parts.push(await partOf(asked, from, Math.min(TOGETHER, n - from)))
    await Promise.all(parts.map(answer))
  }
  if (asked.exact === undefined) return { found, recall20: 1, sampled: 0 }
  const sample = sampleOf(n)
  const exact = await asked.exact(sample)
  return { found, recall20: recallOf(exact, found.allowed, sample), sampled: sample.length }
}
