import { take } from '../baselines/baselines-rows.js'
import { call, type Tensor } from '../torch/tensor.js'
import { unitVectors } from '../torch/unit-vectors.js'

/** Maximum number of products in memory. Units: 2²⁴ floats are 64 MB. */
const PRODUCTS = 1 << 24
/** Rows per matrix product. */
const ROWS = 8192

/** Nearest row of each query. */
export interface Nearest {
  readonly cosine: Float64Array
  /** Row of the table. */
  readonly row: Int32Array
}

/** Finds the nearest of `rows` to each query by exact search, block by block. Shapes: queries [n, dim], unit vectors; table [rows, dim]. */
export async function nearest(queries: Tensor, table: Tensor, rows: Int32Array): Promise<Nearest> {
  const n = queries.shape[0]!
  const cosine = new Float64Array(n).fill(-Infinity)
  const row = new Int32Array(n)
  const step = Math.max(1, Math.floor(PRODUCTS / ROWS))
  for (let at = 0; at < rows.length; at += ROWS) {
    const part = rows.subarray(at, at + ROWS)
    using raw = await take(table, part)
    const made = await unitVectors(raw)
    using unit = made.unit
    made.norm.dispose()
    using transposed = await unit.op('aten::t')
    for (let from = 0; from < n; from += step) {
      using some = await queries.op('aten::narrow', 0, from, Math.min(step, n - from))
      using products = await some.op('aten::mm', transposed)
      const [most, place] = (await call('aten::max.dim', [products, 1])) as [Tensor, Tensor]
      using best = most
      using index = place
      const values = await best.data()
      const places = await index.data()
      for (let i = 0; i < values.length; i++) {
        if (!(Number(values[i]) > cosine[from + i]!)) continue
        cosine[from + i] = Number(values[i])
        row[from + i] = part[Number(places[i])]!
      }
    }
  }
  return { cosine, row }
}
