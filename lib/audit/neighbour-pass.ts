import { addInto, zeros } from '../baselines/baselines-rows.js'
import { call, type Tensor } from '../torch/tensor.js'
import { dots, isBad, sliceRows, type Table, unitSlice } from './unit-table.js'

/** Cosines of all pairs of rows of one article that are `lag` rows apart. */
export interface Lag {
  readonly lag: number
  /** The earlier row of each pair. */
  readonly rows: Int32Array
  readonly cosines: Float64Array
}
/** Statistics from one pass over a table. */
export interface Passed {
  readonly lags: readonly Lag[]
  /** Number of rows with a direction. */
  readonly good: number
  /** Sums of u uᵀ over the unit vectors of even slices, and of odd slices. Shapes: [dim, dim], float64. */
  readonly halves: readonly [Tensor, Tensor]
  /** Number of rows in each half. */
  readonly counts: readonly [number, number]
  /** Sum of the unit vectors. Shapes: [dim], float64. */
  readonly sum: Tensor
  [Symbol.dispose](): void
}

function lagOf({ lengths, rows }: Table, run: Int32Array, lag: number, cosines: Float32Array): Lag {
  const all = new Int32Array(rows)
  let count = 0
  for (let row = 0; row + lag < rows; row++)
    if (run[row + lag]! > lag && !isBad(lengths[row]!) && !isBad(lengths[row + lag]!)) all[count++] = row
  const kept = all.slice(0, count)
  return { lag, rows: kept, cosines: Float64Array.from(kept, (row) => cosines[row]!) }
}

/** Computes cosines of rows 1 … `most` apart, and moments, in one pass; `run` is the number of consecutive rows that end at each row. */
export async function pass(table: Table, run: Int32Array | undefined, most: number): Promise<Passed> {
  const { rows, dim, lengths } = table
  const slice = Math.min(sliceRows(dim), Math.max(16, Math.ceil(rows / 16)))
  const all = Array.from({ length: run === undefined ? 0 : most }, () => new Float32Array(rows))
  const halves = [await zeros(dim, dim), await zeros(dim, dim)] as const
  const counts: [number, number] = [0, 0]
  const sum = await zeros(dim)
  for (let from = 0, half: 0 | 1 = 0; from < rows; from += slice, half = half === 0 ? 1 : 0) {
    const length = Math.min(slice, rows - from)
    const ahead = Math.min(rows - from, length + all.length)
    using wide = await unitSlice(table, from, ahead)
    using here = await wide.op('aten::narrow', 0, 0, length)
    using turned = await here.op('aten::t')
    using product = await turned.op('aten::mm', here)
    using part = (await call('aten::sum.dim_IntList', [here, [0]], { dtype: 'float64' })) as Tensor
    await addInto(halves[half], product)
    await addInto(sum, part)
    for (let row = from; row < from + length; row++) if (!isBad(lengths[row]!)) counts[half]++
    for (const [i, cosines] of all.entries()) {
      const pairs = Math.min(length, ahead - i - 1)
      if (pairs <= 0) continue
      using a = await wide.op('aten::narrow', 0, 0, pairs)
      using b = await wide.op('aten::narrow', 0, i + 1, pairs)
      cosines.set(await dots(a, b), from)
    }
  }
  return {
    lags: all.map((cosines, i) => lagOf(table, run!, i + 1, cosines)),
    good: counts[0] + counts[1],
    halves,
    counts,
    sum,
    [Symbol.dispose]() {
      for (const tensor of [...halves, sum]) tensor.dispose()
    },
  }
}
