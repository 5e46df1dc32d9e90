import { elements } from '../files/element.js'
import type { PtFile } from '../files/pt.js'
import { ITEM_SIZE, span, type TensorEntry } from '../files/pt-tensors.js'
import { damaged } from '../files/read-file.js'
import { call, Tensor } from './tensor.js'

const isContiguous = ({ shape, strides }: TensorEntry): boolean => {
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return false
    step *= shape[i]!
  }
  return true
}

/** Reads one tensor of a .pt file as a contiguous copy. Errors: DATA_FORMAT. */
export async function readTensor(file: PtFile, entry: TensorEntry): Promise<Tensor> {
  const { neg, conj } = entry
  const stored = await readView(file, entry)
  if (!neg && !conj) return stored
  using view = stored
  if (!conj) return view.op('aten::neg')
  using conjugate = await view.op('aten::conj_physical')
  return neg ? conjugate.op('aten::neg') : conjugate.op('aten::clone')
}

async function readView(file: PtFile, entry: TensorEntry): Promise<Tensor> {
  const { dtype, shape, strides, storage } = entry
  const offset = storage.offsetInFile + entry.storageOffset * ITEM_SIZE[dtype]
  if (elements(shape) === 0) return (await call('aten::empty.memory_format', [[...shape]], { dtype })) as Tensor
  if (isContiguous(entry)) return Tensor.read(file.path, { offset, shape, dtype })
  const bytes = elements(shape) * ITEM_SIZE[dtype]
  if (bytes > Math.max(storage.elements * storage.type.size, file.limits.expandedBytes))
    throw damaged(
      file.path,
      `a tensor of shape [${shape.join(', ')}] expands a storage of ${storage.elements} elements to ${bytes} bytes`,
    )
  using flat = await Tensor.read(file.path, { offset, shape: [span(shape, strides)], dtype })
  using view = await flat.op('aten::as_strided', [...shape], [...strides], 0)
  return await view.op('aten::contiguous')
}
