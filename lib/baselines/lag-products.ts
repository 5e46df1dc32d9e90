import type { Tensor } from '../torch/tensor.js'
import { addInto, blocks, columnSums, type Rows, take, zeros } from './baselines-rows.js'

/** Windows whose rows follow one another, up to the target, and the rows at which a run of such windows begins and ends. */
export interface Consecutive {
  readonly starts: Int32Array
  /** First and last start of each run of windows that are one row apart. */
  readonly first: Int32Array
  readonly last: Int32Array
}

/** Returns the windows as runs when reading each lag once is cheaper than reading each pair of positions; otherwise undefined. */
export function consecutive({ base, windows, ids }: Rows, positions: number): Consecutive | undefined {
  if (base.targets !== undefined || windows.length !== undefined) return undefined
  if (ids.some((id) => windows.target[id] !== windows.first[id]! + windows.context)) return undefined
  const starts = ids.map((id) => windows.target[id]! - positions).sort()
  const isFirst = (row: number, i: number) => i === 0 || row !== starts[i - 1]! + 1
  const isLast = (row: number, i: number) => i === starts.length - 1 || starts[i + 1] !== row + 1
  const [first, last] = [starts.filter(isFirst), starts.filter(isLast)]
  const lags = (positions + 1) * starts.length + positions * (positions + 1) * first.length
  return lags < (positions * (positions + 3) * starts.length) / 2 ? { starts, first, last } : undefined
}

/** Adds leftᵀ · right to `sum`; the product is computed in float32. */
export async function addProduct(sum: Tensor, left: Tensor, right: Tensor): Promise<void> {
  using transposed = await left.op('aten::t')
  using product = await transposed.op('aten::mm', right)
  await addInto(sum, product)
}

/** Adds `square` to the block of `dim` rows and columns at (row, column). */
async function addBlock(sum: Tensor, square: Tensor, row: number, column: number): Promise<void> {
  const dim = square.shape[0]!
  using rows = await sum.op('aten::narrow', 0, row * dim, dim)
  using block = await rows.op('aten::narrow', 1, column * dim, dim)
  await addInto(block, square)
}

const later = (rows: Int32Array, by: number): Int32Array => rows.map((row) => row + by)

/** Rows of the table minus `offset`. Shapes: [n, dim], float32. */
async function shiftedRows({ base }: Rows, rows: Int32Array, offset: Tensor): Promise<Tensor> {
  using raw = await take(base.vectors, rows)
  return await raw.op('aten::sub.Tensor', offset)
}

/** Share of a stretch of rows that windows begin at, from which on the whole stretch is read once for all lags. */
const DENSE = 0.5

/** Reads the rows that lie some lag after the starts of a block, minus `offset`. Shapes: at(lag) → [starts, dim], float32. */
async function lagReader(rows: Rows, starts: Int32Array, { positions, offset }: { positions: number; offset: Tensor }) {
  const first = starts[0]!
  const stretch = starts.at(-1)! - first + 1
  if (starts.length < DENSE * stretch)
    return { at: (lag: number) => shiftedRows(rows, later(starts, lag), offset), [Symbol.dispose]: () => {} }
  using stored = await rows.base.vectors.op('aten::narrow', 0, first, stretch + positions)
  using raw = await stored.to({ device: 'cpu' }).ready()
  const all = await raw.op('aten::sub.Tensor', offset)
  return { at: (lag: number) => take(all, later(starts, lag - first)), [Symbol.dispose]: () => all.dispose() }
}

/** Floats of the ends of runs that are read together: they lie far apart, so each brings pages of its own into memory. */
const TOGETHER = 1 << 20

/** Sums that a least-squares fit needs, in float64; of xx only the lower triangle of blocks. */
interface Sums {
  readonly x: Tensor
  readonly y: Tensor
  readonly xx: Tensor
  readonly xy: Tensor
}

/**
 * Adds the products of all positions of consecutive windows. Two positions `lag` rows apart meet the same pairs of rows in every
 * window but the first and last ones of each run, so each lag is multiplied once.
 */
export async function addLagProducts(
  sums: Sums,
  rows: Rows,
  found: Consecutive,
  o: { positions: number; offset: Tensor; together?: number },
) {
  const { starts, first, last } = found
  const { positions, offset, together = TOGETHER } = o
  const { dim } = rows.windows
  const at = (ids: Int32Array, by: number) => shiftedRows(rows, later(ids, by), offset)
  const step = Math.max(1, Math.floor(together / dim))
  const lags: Tensor[] = []
  for (let lag = 0; lag <= positions; lag++) lags.push(await zeros(dim, dim))
  using column = await zeros(dim)
  for (const part of blocks({ ...rows, ids: starts })) {
    using reader = await lagReader(rows, part, o)
    using here = await reader.at(0)
    using sum = await columnSums(here)
    await addInto(column, sum)
    for (const [lag, sum] of lags.entries()) {
      using there = await reader.at(lag)
      await addProduct(sum, there, here)
    }
  }
  for (let position = 0; position <= positions; position++) {
    for (let run = 0; position > 0 && run < first.length; run += step) {
      using before = await at(first.subarray(run, run + step), position - 1)
      using after = await at(last.subarray(run, run + step), position)
      using change = await after.op('aten::sub.Tensor', before)
      using sum = await columnSums(change)
      await addInto(column, sum)
    }
    using place =
      position === positions
        ? await sums.y.op('aten::narrow', 0, 0, dim)
        : await sums.x.op('aten::narrow', 0, position * dim, dim)
    await addInto(place, column)
  }
  for (const [lag, sum] of lags.entries()) {
    using square = sum
    for (let column = 0; column + lag <= positions && column < positions; column++) {
      if (column > 0)
        for (let run = 0; run < first.length; run += step) {
          using before = await at(first.subarray(run, run + step), column - 1)
          using beforeThere = await at(first.subarray(run, run + step), column - 1 + lag)
          using gone = await before.op('aten::neg')
          using after = await at(last.subarray(run, run + step), column)
          using afterThere = await at(last.subarray(run, run + step), column + lag)
          await addProduct(square, beforeThere, gone)
          await addProduct(square, afterThere, after)
        }
      if (column + lag < positions) await addBlock(sums.xx, square, column + lag, column)
      else {
        using turned = await square.op('aten::t')
        await addBlock(sums.xy, turned, column, 0)
      }
    }
  }
}
