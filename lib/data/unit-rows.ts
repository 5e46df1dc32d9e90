import { call, Tensor } from '../torch/tensor.js'

/** Size of one step, so that no temporary is as large as the base. Units: bytes. */
const STRIDE = 64 << 20

/** Copies vectors to float32 and divides every row by its length. Shapes: vectors [rows, dim], lengths [rows]. */
export async function unitRows(vectors: Tensor, lengths: Float64Array): Promise<Tensor> {
  const [rows, dim] = vectors.shape as [number, number]
  const unit = (await call('aten::empty.memory_format', [[rows, dim]], { dtype: 'float32' })) as Tensor
  const stride = Math.max(1, Math.floor(STRIDE / (dim * 8)))
  for (let from = 0; from < rows; from += stride) {
    const length = Math.min(stride, rows - from)
    using slice = await vectors.op('aten::narrow', 0, from, length)
    using wide = await slice.to({ dtype: 'float64' }).ready()
    using divisors = Tensor.from(lengths.slice(from, from + length), [length, 1])
    using scaled = await wide.op('aten::div.Tensor', divisors)
    using target = await unit.op('aten::narrow', 0, from, length)
    await target.change('aten::copy_', scaled)
  }
  return unit
}
