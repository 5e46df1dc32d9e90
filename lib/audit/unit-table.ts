import type { Base } from '../data/base.js'
import { native } from '../native.js'
import { FEWEST_ARTICLES } from '../statistics/estimates.js'
import { Tensor } from '../torch/tensor.js'

/** Vectors with precomputed lengths. */
export interface Table {
  readonly vectors: Tensor
  readonly lengths: Float64Array
  readonly rows: number
  readonly dim: number
}

/** Floats per slice. Units: 2²¹ floats are 8 MB. */
const SLICE = 1 << 21
/** Number of stretches that replace articles when too few are known. */
const BLOCKS = 40

export const tableOf = async (vectors: Tensor): Promise<Table> => {
  const [rows, dim] = vectors.shape as [number, number]
  return { vectors, lengths: await native.rowNorms(vectors.native), rows, dim }
}

/** Whether a row has no direction: zero, NaN or Inf. */
export const isBad = (length: number): boolean => !(length > 0 && length < Infinity)

/** Number of rows per slice. */
export const sliceRows = (dim: number): number => Math.max(16, Math.floor(SLICE / dim))

async function scaled(raw: Tensor, lengths: Float64Array): Promise<Tensor> {
  const shape = [lengths.length, 1]
  using wide = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  using divisors = Tensor.from(
    Float32Array.from(lengths, (length) => (isBad(length) ? 1 : length)),
    shape,
  )
  const unit = await wide.op('aten::div.Tensor', divisors)
  if (!lengths.some(isBad)) return unit
  using directed = unit
  using bad = Tensor.from(
    Uint8Array.from(lengths, (length) => Number(isBad(length))),
    shape,
    { dtype: 'bool' },
  )
  return await directed.op('aten::masked_fill.Scalar', bad, 0)
}

/** Returns consecutive rows divided by their lengths; rows without a direction become zeros. Shapes: [count, dim], float32. */
export async function unitSlice({ vectors, lengths }: Table, from: number, count: number): Promise<Tensor> {
  using raw = await vectors.op('aten::narrow', 0, from, count)
  return await scaled(raw, lengths.subarray(from, from + count))
}

/** Returns the given rows divided by their lengths; rows without a direction become zeros. Shapes: [rows, dim], float32. */
export async function unitAt({ vectors, lengths }: Table, rows: Int32Array): Promise<Tensor> {
  using index = Tensor.from(BigInt64Array.from(rows, BigInt))
  using raw = await vectors.op('aten::index_select', 0, index)
  return await scaled(
    raw,
    Float64Array.from(rows, (row) => lengths[row]!),
  )
}

/** Returns row-wise dot products of unit vectors: their cosines. Shapes: a, b [n, dim]; returns n numbers. */
export async function dots(a: Tensor, b: Tensor): Promise<Float32Array> {
  using product = await a.op('aten::mul.Tensor', b)
  using sums = await product.op('aten::sum.dim_IntList', [1])
  return (await sums.data()) as Float32Array
}

/** Returns the cosines of pairs of rows. */
export async function cosinesOf(a: Table, rowsA: Int32Array, b: Table, rowsB: Int32Array): Promise<Float64Array> {
  const cosines = new Float64Array(rowsA.length)
  const slice = sliceRows(a.dim)
  for (let at = 0; at < rowsA.length; at += slice) {
    using x = await unitAt(a, rowsA.subarray(at, at + slice))
    using y = await unitAt(b, rowsB.subarray(at, at + slice))
    cosines.set(await dots(x, y), at)
  }
  return cosines
}

/** Groups of rows for clustered standard errors: articles, or stretches of the file when there are too few articles. */
export interface Clusters {
  readonly of: Int32Array
  readonly by: 'articles' | 'stretches'
}

export function clustersOf({ articles, rows }: Pick<Base, 'articles' | 'rows'>): Clusters {
  if (articles !== undefined && articles.ids.length >= FEWEST_ARTICLES) return { of: articles.of, by: 'articles' }
  const blocks = Math.min(BLOCKS, rows)
  return { of: Int32Array.from({ length: rows }, (_, row) => Math.floor((row * blocks) / rows)), by: 'stretches' }
}
