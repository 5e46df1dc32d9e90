import { native } from '../native.js'
import { call, Tensor } from '../torch/tensor.js'

/** Rows that are worked on at a time, so that no temporary is as large as the base. */
const STRIDE_BYTES = 64 << 20

async function* slices(vectors: Tensor): AsyncGenerator<{ slice: Tensor; from: number; length: number }> {
  const [rows, dim] = vectors.shape as [number, number]
  const stride = Math.max(1, Math.floor(STRIDE_BYTES / (dim * 8)))
  for (let from = 0; from < rows; from += stride) {
    const length = Math.min(stride, rows - from)
    using slice = await vectors.op('aten::narrow', 0, from, length)
    yield { slice, from, length }
  }
}

/** Length of each row, in float64; not finite where the row is not. */
export async function rowNorms(vectors: Tensor): Promise<Float64Array> {
  const norms = new Float64Array(vectors.shape[0]!)
  for await (const { slice, from } of slices(vectors)) norms.set(await native.rowNorms(slice.native), from)
  return norms
}

/** A float32 copy with every row divided by its length. */
export async function unitRows(vectors: Tensor, norms: Float64Array): Promise<Tensor> {
  const unit = (await call('aten::empty.memory_format', [vectors.shape], { dtype: 'float32' })) as Tensor
  for await (const { slice, from, length } of slices(vectors)) {
    using lengths = Tensor.from(norms.slice(from, from + length), [length, 1])
    using wide = await slice.to({ dtype: 'float64' })
    using scaled = await wide.op('aten::div.Tensor', lengths)
    using target = await unit.op('aten::narrow', 0, from, length)
    ;(await target.op('aten::copy_', scaled)).dispose()
  }
  return unit
}
