import { sampled } from '../statistics/random.js'
import { call, type Tensor } from '../torch/tensor.js'
import { cosinesOf, sliceRows, type Table, unitAt, unitSlice } from './unit-table.js'

/** Cosine above which two rows are near-duplicates. */
export const NEAR = 0.98
/** Maximum number of pairs to compare; beyond it only a seeded sample of the first file's rows is compared. */
const MOST_PAIRS = 2e10
/** Bound on the round-off of the products. */
const SLACK = 1e-4
/** Minimum number of principal directions of a sketch. */
const FEWEST = 64
/** Maximum share of the squared length outside a sketch. */
const REST = 0.9
const [TALL, WIDE] = [2048, 8192]
/** Columns of a block whose bounds are computed at once: few enough for the cache and for the allocator to keep their pages. */
const TILE = 1024
/** Number of candidates in a block from which the exact cosines of the whole block are computed. */
const MANY = 200_000

/** Returns the principal directions that contain most of the rows' squared length. Shapes: [dim, k], float32. */
export async function basisOf(table: Table, directions: Tensor): Promise<Tensor> {
  const { dim } = table
  using sample = await unitSlice(table, 0, Math.min(table.rows, sliceRows(dim)))
  for (let k = Math.min(dim, FEWEST); ; k = Math.min(dim, 2 * k)) {
    using top = await directions.op('aten::narrow', 1, dim - k, k)
    const basis = await top.to({ dtype: 'float32' }).ready()
    using projected = await sample.op('aten::mm', basis)
    using squares = await projected.op('aten::square')
    using mean = await squares.op('aten::mean')
    if (k === dim || 1 - (await mean.item()) * k <= REST) return basis
    basis.dispose()
  }
}

/** Rows in few dimensions: their projection onto a basis, and the norm of the residual. */
interface Sketch {
  readonly table: Table
  readonly rows: Int32Array
  /** Whether all codes are in memory; otherwise they are computed at each call. */
  readonly held: boolean
  /** Shapes: [count, k + 1]. */
  codes(from: number, count: number): Promise<Tensor>
  [Symbol.dispose](): void
}

async function codesOf(table: Table, rows: Int32Array, basis: Tensor): Promise<Tensor> {
  using unit = await unitAt(table, rows)
  using projected = await unit.op('aten::mm', basis)
  using whole = await squared(unit)
  using known = await squared(projected)
  using left = await whole.op('aten::sub.Tensor', known)
  using positive = await left.op('aten::clamp_min', 0)
  using rest = await positive.op('aten::sqrt')
  return (await call('aten::cat', [[projected, rest], 1])) as Tensor
}

function passing(table: Table, rows: Int32Array, basis: Tensor): Sketch {
  const codes = (from: number, count: number) => codesOf(table, rows.subarray(from, from + count), basis)
  return { table, rows, held: false, codes, [Symbol.dispose]() {} }
}

async function held(table: Table, rows: Int32Array, basis: Tensor): Promise<Sketch> {
  const parts: Tensor[] = []
  const slice = sliceRows(table.dim)
  for (let at = 0; at < rows.length; at += slice) parts.push(await codesOf(table, rows.subarray(at, at + slice), basis))
  const all = (await call('aten::cat', [parts])) as Tensor
  for (const part of parts) part.dispose()
  const codes = (from: number, count: number) => all.op('aten::narrow', 0, from, count)
  return { table, rows, held: true, codes, [Symbol.dispose]: () => all.dispose() }
}

async function squared(x: Tensor): Promise<Tensor> {
  using squares = await x.op('aten::square')
  return await squares.op('aten::sum.dim_IntList', [1], true)
}

/** Pairs of rows that are near-duplicates. */
export interface Near {
  pairs: number
  /** Rows of the first table that have a partner. */
  readonly rows: Set<number>
  /** First pairs found. */
  readonly first: { a: number; b: number; cosine: number }[]
  /** Number of rows of the first table that were compared. */
  readonly compared: number
}

function keep(near: Near, a: number, b: number, cosine: number): void {
  near.pairs++
  near.rows.add(a)
  if (near.first.length < 5) near.first.push({ a, b, cosine })
}

type Place = readonly [row: number, column: number]

/** Places of a block whose bound is high, row by row; undefined when there are too many. With `upper` only columns so far beyond the row count. */
async function candidates(left: Tensor, right: Tensor, upper: number | undefined): Promise<Place[] | undefined> {
  const found: Place[] = []
  const wide = right.shape[0]!
  for (let at = 0; at < wide; at += TILE) {
    using part = await right.op('aten::narrow', 0, at, Math.min(TILE, wide - at))
    using turned = await part.op('aten::t')
    using bound = await left.op('aten::mm', turned)
    using top = await bound.op('aten::max')
    if ((await top.item()) <= NEAR - SLACK) continue
    using above = await bound.op('aten::gt.Scalar', NEAR - SLACK)
    using mask = upper === undefined ? await above.op('aten::alias') : await above.op('aten::triu', upper - at)
    using number = await mask.op('aten::count_nonzero', null) // a fifth of the time of a sum
    if (found.length + (await number.item()) > MANY) return undefined
    using places = await mask.op('aten::nonzero')
    const list = (await places.data()) as BigInt64Array
    for (let i = 0; i < list.length; i += 2) found.push([Number(list[i]), at + Number(list[i + 1])])
  }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1])
}

/** Checks candidates one by one. */
async function few(near: Near, a: Sketch, b: Sketch, at: [number, number], found: readonly Place[]): Promise<void> {
  const pick = ({ rows }: Sketch, from: number, i: 0 | 1) => Int32Array.from(found, (place) => rows[from + place[i]]!)
  const [rowsA, rowsB] = [pick(a, at[0], 0), pick(b, at[1], 1)]
  const cosines = await cosinesOf(a.table, rowsA, b.table, rowsB)
  const itself = (i: number) => a.table === b.table && rowsA[i] === rowsB[i]
  for (const [i, cosine] of cosines.entries()) if (cosine > NEAR && !itself(i)) keep(near, rowsA[i]!, rowsB[i]!, cosine)
}

/** Checks a whole block at once; its pairs are counted but not listed. */
async function many(near: Near, a: Sketch, b: Sketch, at: [number, number], size: [number, number], upper: number | undefined) {
  const rows = a.rows.subarray(at[0], at[0] + size[0])
  const others = b.rows.subarray(at[1], at[1] + size[1])
  using x = await unitAt(a.table, rows)
  using y = await unitAt(b.table, others)
  using turned = await y.op('aten::t')
  using cosines = await x.op('aten::mm', turned)
  using above = await cosines.op('aten::gt.Scalar', NEAR)
  using mask = upper === undefined ? await above.op('aten::clone') : await above.op('aten::triu', upper)
  using sums = await mask.op('aten::sum.dim_IntList', [1])
  const itself = new Set(a !== b && a.table === b.table ? others : [])
  for (const [i, sum] of ((await sums.data()) as BigInt64Array).entries()) {
    const partners = Number(sum) - Number(itself.has(rows[i]!))
    if (partners > 0) near.rows.add(rows[i]!)
    near.pairs += partners
  }
}

const starts = (count: number, size: number) => Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size)

/** Checks one block of rows of `a` against one of `b`; within one sketch, each pair once. */
async function comparedBlocks(near: Near, a: Sketch, b: Sketch, at: [number, number], left: Tensor, right: Tensor) {
  const size: [number, number] = [left.shape[0]!, right.shape[0]!]
  const upper = a === b && at[1] < at[0] + size[0] ? at[0] - at[1] + 1 : undefined
  const found = await candidates(left, right, upper)
  if (found === undefined) await many(near, a, b, at, size, upper)
  else if (found.length > 0) await few(near, a, b, at, found)
}

const noPairs = (compared: number): Near => ({ pairs: 0, rows: new Set(), first: [], compared })

/**
 * Finds all pairs of rows with a cosine above .98 in one sketch or between two sketches. Each pair is found once; the codes of one sketch are in memory.
 *
 * With p the projection of a unit vector and r the norm of its residual, cos(a, b) ≤ pₐ·p_b + rₐ r_b (Cauchy–Schwarz). Exact cosines are
 * computed only where this bound is high, so no pair is missed. Codes that are not held are computed once.
 * Source: own.
 */
async function nearPairs(a: Sketch, b: Sketch = a): Promise<Near> {
  const near = noPairs(a.rows.length)
  const block = (sketch: Sketch, from: number, size: number) => sketch.codes(from, Math.min(size, sketch.rows.length - from))
  if (!b.held) {
    for (const j of starts(b.rows.length, WIDE)) {
      using right = await block(b, j, WIDE)
      for (const i of starts(a.rows.length, TALL)) {
        using left = await block(a, i, TALL)
        await comparedBlocks(near, a, b, [i, j], left, right)
      }
    }
    return near
  }
  for (const i of starts(a.rows.length, TALL)) {
    using left = await block(a, i, TALL)
    for (const j of starts(b.rows.length, WIDE)) {
      if (a === b && j < i - (i % WIDE)) continue
      using right = await block(b, j, WIDE)
      await comparedBlocks(near, a, b, [i, j], left, right)
    }
  }
  return near
}

/** Returns the rows to compare with `others` rows: all, or a sample when there would be too many pairs. */
export const comparable = (rows: Int32Array, others: number): Int32Array =>
  sampled(rows, Math.max(1, Math.floor(MOST_PAIRS / others)), 0)

/** Finds near-duplicates among rows of a table; beyond 200,000 rows only a sample is compared with all rows. */
export async function nearWithin(table: Table, rows: Int32Array, basis: Tensor): Promise<Near> {
  if (rows.length === 0) return noPairs(0)
  const some = comparable(rows, rows.length / 2)
  using part = await held(table, some, basis)
  return await nearPairs(part, some === rows ? part : passing(table, rows, basis))
}

/** Finds rows of one table that have a near-duplicate in another. */
export async function nearBetween(a: Table, rowsA: Int32Array, b: Table, rowsB: Int32Array, basis: Tensor): Promise<Near> {
  if (rowsA.length === 0 || rowsB.length === 0) return noPairs(rowsA.length)
  const some = comparable(rowsA, rowsB.length)
  const fewer = some.length < rowsB.length
  using left = fewer ? await held(a, some, basis) : passing(a, some, basis)
  using right = fewer ? passing(b, rowsB, basis) : await held(b, rowsB, basis)
  return await nearPairs(left, right)
}
