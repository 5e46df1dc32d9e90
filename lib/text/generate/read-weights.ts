import type { Stored } from '../../checkpoint/stored-tensors.js'
import { LvmError } from '../../errors.js'
import type { Tensor } from '../../torch/tensor.js'

/** Reads a weight as float32. Errors: BAD_CHECKPOINT for NaN or Inf. */
export async function readWeight(path: string, name: string, stored: Stored): Promise<Tensor> {
  const read = await stored.read()
  const tensor = read.dtype === 'float32' ? read : await read.to({ dtype: 'float32' }).ready()
  if (tensor !== read) read.dispose()
  using finite = await tensor.op('aten::isfinite')
  using all = await finite.op('aten::all')
  if ((await all.item()) === 1) return tensor
  tensor.dispose()
  throw new LvmError('BAD_CHECKPOINT', `${path}: expected finite weights but "${name}" holds NaN or Inf`)
}

/** Whether two stored tensors have equal elements. */
export async function sameElements(a: Stored, b: Stored): Promise<boolean> {
  using one = await a.read()
  using other = await b.read()
  if (one.dtype !== other.dtype || one.shape.join() !== other.shape.join()) return false
  using different = await one.op('aten::ne.Tensor', other)
  using any = await different.op('aten::any')
  return (await any.item()) === 0
}

export const disposeAll = (tensors: Iterable<Tensor>): void => {
  for (const tensor of tensors) tensor.dispose()
}
