import { Tensor } from '../torch/tensor.js'
import { addInto, columnSums, type Rows, take, zeros } from './baselines-rows.js'

/** First and last start of each run of windows that are one row apart; the rows of a window follow one another, up to the target. */
export interface Consecutive {
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
  return lags < (positions * (positions + 3) * starts.length) / 2 ? { first, last } : undefined
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
  const moved = await take(base.vectors, rows)
  await moved.change('aten::sub_.Tensor', offset)
  return moved
}

/** Floats of the rows that are read together. Units: 2²³ floats are 32 MB. */
const BLOCK = 1 << 23

/** Rows of consecutive windows, one run after the other. */
interface Stretch {
  /** Each run from its first start to the last row of its last window. */
  readonly rows: Int32Array
  /** 1 for a row at which a window starts, 0 for the rows after the last start of a run; without those of the last run. */
  readonly isStart: Float32Array
}

/** Yields all runs in stretches of about `most` rows; a longer run is cut. */
function* stretches({ first, last }: Consecutive, positions: number, most: number): Generator<Stretch> {
  let [rows, isStart]: [number[], number[]] = [[], []]
  const whole = () => ({ rows: Int32Array.from(rows), isStart: Float32Array.from(isStart.slice(0, -positions)) })
  for (const [run, from] of first.entries())
    for (let start = from; start <= last[run]!; ) {
      const end = Math.min(last[run]!, start + Math.max(1, most - rows.length) - 1)
      for (let row = start; row <= end + positions; row++) {
        rows.push(row)
        isStart.push(row <= end ? 1 : 0)
      }
      start = end + 1
      if (rows.length < most) continue
      yield whole()
      ;[rows, isStart] = [[], []]
    }
  if (rows.length > 0) yield whole()
}

/** Adds to `lags` the products of the starts of a stretch with the rows that lie each lag after them, and the starts to `column`. */
async function addStretch(rows: Rows, stretch: Stretch, o: { lags: readonly Tensor[]; column: Tensor; offset: Tensor }) {
  const { isStart } = stretch
  using all = await shiftedRows(rows, stretch.rows, o.offset)
  using mask = Tensor.from(isStart, [isStart.length, 1])
  using stored = await all.op('aten::narrow', 0, 0, isStart.length)
  using starts = await stored.op('aten::mul.Tensor', mask)
  using sum = await columnSums(starts)
  await addInto(o.column, sum)
  for (const [lag, sum] of o.lags.entries()) {
    using there = await all.op('aten::narrow', 0, lag, isStart.length)
    await addProduct(sum, there, starts)
  }
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
  o: { positions: number; offset: Tensor; together?: number; block?: number },
) {
  const { first, last } = found
  const { positions, offset, together = TOGETHER, block = BLOCK } = o
  const { dim } = rows.windows
  const at = (ids: Int32Array, by: number) => shiftedRows(rows, later(ids, by), offset)
  const step = Math.max(1, Math.floor(together / dim))
  const lags: Tensor[] = []
  for (let lag = 0; lag <= positions; lag++) lags.push(await zeros(dim, dim))
  using column = await zeros(dim)
  for (const stretch of stretches(found, positions, Math.ceil(block / dim)))
    await addStretch(rows, stretch, { lags, column, offset })
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
