import { type Layout, type NativeModel, native } from '../native.js'
import type { Tensor } from '../torch/tensor.js'
import { GROUP } from './quantized.js'

/** A weight matrix of a model, in its stored layout. */
export interface ModelMatrix {
  readonly name: string
  readonly shape: readonly number[]
  readonly layout: Layout
}

/** Largest magnitudes of 8 and 4 bits; −128 and −8 are unused, so that the range is symmetric. */
const LARGEST = { int8: 127, int4: 7 } as const

/** Returns the matrices of a model, in its order. */
export const matricesOf = (model: NativeModel): ModelMatrix[] =>
  native.modelState(model).flatMap(({ name, tensor, layout }) => {
    const shape = native.tensorShape(tensor)
    native.dispose(tensor)
    return layout === undefined ? [] : [{ name, shape, layout }]
  })

/** Returns a stored matrix as float32. Shapes: → [out, in]. */
export async function asMatrix(tensor: Tensor, { layout }: Pick<ModelMatrix, 'layout'>): Promise<Tensor> {
  using wide = await tensor.to({ dtype: 'float32' }).ready()
  if (layout === 'rows') return wide.op('aten::contiguous')
  using turned = layout === 'columns' ? await wide.op('aten::t') : await wide.op('aten::squeeze.dim', -1)
  return turned.op('aten::contiguous')
}

/** Pads rows with zeros to a multiple of the group size. */
async function padded(matrix: Tensor, columns: number, to: number): Promise<Tensor> {
  return matrix.op('aten::constant_pad_nd', [0, Math.ceil(columns / to) * to - columns], 0)
}

/** Returns the scales of a matrix, 1 for a group of zeros. Shapes: matrix [out, in] → [out], or for groups of 128 inputs [out, groups]. */
export async function scalesOf(scheme: 'int8' | 'int4', matrix: Tensor): Promise<Tensor> {
  using sizes = await matrix.op('aten::abs')
  const [out, columns] = matrix.shape as [number, number]
  using even = scheme === 'int8' ? await sizes.op('aten::alias') : await padded(sizes, columns, GROUP)
  using grouped = await even.op('aten::view', scheme === 'int8' ? [out, columns] : [out, -1, GROUP])
  using most = await grouped.op('aten::amax', [-1])
  using scales = await most.op('aten::div.Scalar', LARGEST[scheme])
  using none = await scales.op('aten::eq.Scalar', 0)
  return scales.op('aten::masked_fill.Scalar', none, 1)
}

/** Divides a matrix by its scales and rounds to integers. Shapes: [out, in] → int8 [out, in], or uint8 [out, ⌈in / 2⌉]. */
export async function valuesOf(scheme: 'int8' | 'int4', matrix: Tensor, scales: Tensor): Promise<Tensor> {
  const [, columns] = matrix.shape as [number, number]
  const limit = LARGEST[scheme]
  using each =
    scheme === 'int8' ? await scales.op('aten::unsqueeze', 1) : await scales.op('aten::repeat_interleave.self_int', GROUP, 1)
  using own = scheme === 'int8' ? await each.op('aten::alias') : await each.op('aten::narrow', 1, 0, columns)
  using whole = await matrix.op('aten::div.Tensor', own)
  await whole.change('aten::round_')
  await whole.change('aten::clamp_', -limit, limit)
  if (scheme === 'int8') return whole.to({ dtype: 'int8' }).ready()
  using shifted = await whole.op('aten::add.Scalar', 8)
  using even = await padded(shifted, columns, 2)
  using bytes = await even.to({ dtype: 'uint8' }).ready()
  using pairs = await bytes.op('aten::view', [bytes.shape[0]!, -1, 2])
  using low = await pairs.op('aten::select.int', 2, 0)
  using high = await pairs.op('aten::select.int', 2, 1)
  using up = await high.op('aten::bitwise_left_shift.Tensor_Scalar', 4)
  return low.op('aten::bitwise_or.Tensor', up)
}
