import { LvmError, shown } from '../errors.js'
import { dtypeOf, elements } from '../files/element.js'
import { jsonFault, parseJson } from '../files/json.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { readSafetensors, type SafeTensor } from '../files/safetensors.js'
import type { Layout } from '../native.js'
import { call, Tensor } from '../torch/tensor.js'
import { isRecord } from './manifest-types.js'
import type { Stored, StoredTensors } from './stored-tensors.js'

/** Storage of a matrix: 8 bits with one scale per output, 4 bits with one scale per output and 128 inputs, or bfloat16. */
export const SCHEMES = ['int8', 'int4', 'bf16'] as const
export type Scheme = (typeof SCHEMES)[number]
const LAYOUTS: readonly Layout[] = ['rows', 'columns', 'tap']
/** A matrix stored as [out, in]; `shape` is its shape in the model. */
export interface QuantizedMatrix {
  readonly scheme: Scheme
  readonly shape: readonly number[]
  readonly layout: Layout
}
/** Facts about quantisation in the manifest of a quantised run. */
export interface Quantization {
  readonly scheme: Scheme
  /** Run that was quantised, in the same folder of runs. */
  readonly parent: { readonly run: string; readonly weights_sha256: string }
  /** All matrices; unquantised ones are fp32. `drop`: loss of cosine on a sample of training windows when only this matrix is quantised. */
  readonly layers: readonly {
    readonly name: string
    readonly scheme: Scheme | 'fp32'
    readonly out: number
    readonly in: number
    readonly bytes: number
    readonly drop: number | null
  }[]
  /** Precision that kernels may round activations to: int8, or bf16 if int8 loses too much. */
  readonly activations: 'int8' | 'bf16'
  /** Fastest kernels on the machine that quantised it, by shape; `fp32` dequantises at load. */
  readonly kernels: { readonly machine: string; readonly by_shape: Readonly<Record<string, string>> }
}
/** A file of quantised weights, whose tensors are not read yet. */
export interface QuantizedFile {
  readonly metadata: ReadonlyMap<string, string>
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>
  /** All tensors in the shapes of the model, dequantised. */
  readonly tensors: StoredTensors
  /** Reads a matrix and its scales for a kernel. Errors: BAD_CHECKPOINT for scales that are not positive. */
  parts(name: string): Promise<{ values: Tensor; scales: Tensor | undefined }>
}

/** Value of `format` in the metadata of a quantised file. */
export const FORMAT = 'lvm-torch-quantized/1'
/** Numbers per scale in int4. */
export const GROUP = 128
/** Name of the tensor with the scales of a matrix. */
export const scaleName = (name: string): string => `${name}.scale`

/** Numbers of outputs and inputs of a matrix. */
export const sizesOf = ({ shape, layout }: Pick<QuantizedMatrix, 'shape' | 'layout'>): { out: number; in: number } =>
  layout === 'columns' ? { out: shape[1]!, in: shape[0]! } : { out: shape[0]!, in: shape[1]! }

/** Converts a matrix [out, in] to its shape in the model, and frees the old one. */
export async function asStored(matrix: Tensor, { shape, layout }: QuantizedMatrix): Promise<Tensor> {
  if (layout === 'rows') return matrix
  using whole = matrix
  return layout === 'columns' ? whole.op('aten::t') : whole.op('aten::view', [...shape])
}

/** Unpacks 4-bit numbers, two per byte, into floats from −8 to 7. Shapes: [out, ⌈in / 2⌉] → [out, in]. */
async function unpacked(bytes: Tensor, columns: number): Promise<Tensor> {
  using low = await bytes.op('aten::bitwise_and.Scalar', 15)
  using high = await bytes.op('aten::bitwise_right_shift.Tensor_Scalar', 4)
  using pairs = (await call('aten::stack', [[low, high], -1])) as Tensor
  using flat = await pairs.op('aten::flatten.using_ints', 1)
  using whole = await flat.op('aten::narrow', 1, 0, columns)
  using wide = await whole.to({ dtype: 'float32' }).ready()
  return wide.op('aten::sub.Scalar', 8)
}

/** Dequantises a matrix. Shapes: as returned by `parts` → [out, in] float32. */
export async function dequantized(scheme: Scheme, values: Tensor, scales: Tensor | undefined, columns: number): Promise<Tensor> {
  if (scales === undefined) return values.to({ dtype: 'float32' }).ready()
  if (scheme === 'int8') {
    const wide = await values.to({ dtype: 'float32' }).ready()
    using column = await scales.op('aten::unsqueeze', 1)
    await wide.change('aten::mul_.Tensor', column)
    return wide
  }
  using wide = await unpacked(values, columns)
  using each = await scales.op('aten::repeat_interleave.self_int', GROUP, 1)
  using own = await each.op('aten::narrow', 1, 0, columns)
  return wide.op('aten::mul.Tensor', own)
}

const damaged = (path: string, expected: string, received: string) =>
  new LvmError('BAD_CHECKPOINT', `${path}: expected ${expected} but received ${received}`)

/** Errors: BAD_CHECKPOINT for scales that are NaN, Inf, zero or negative. */
async function checkScales(path: string, name: string, scales: Tensor): Promise<void> {
  using least = await scales.op('aten::min')
  using most = await scales.op('aten::max')
  const [from, to] = [await least.item(), await most.item()]
  if (!(from > 0 && Number.isFinite(to))) throw damaged(path, `positive scales for "${name}"`, `${from} to ${to}`)
}

const isMatrix = (value: unknown): value is QuantizedMatrix =>
  isRecord(value) &&
  SCHEMES.some((scheme) => scheme === value.scheme) &&
  LAYOUTS.some((layout) => layout === value.layout) &&
  Array.isArray(value.shape) &&
  value.shape.length >= 2 &&
  elements(value.shape) !== Infinity

/** Reads the list of matrices from the metadata. Errors: BAD_CHECKPOINT if tensors are missing or have another shape. */
function matricesOf(path: string, metadata: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, SafeTensor>) {
  let said: unknown
  try {
    said = parseJson(metadata.get('matrices') ?? '', DEFAULT_LIMITS.jsonDepth, { python: false })
  } catch (cause) {
    throw damaged(path, 'a list of matrices', jsonFault(cause))
  }
  if (!isRecord(said)) throw damaged(path, 'a list of matrices', shown(said))
  const list: [string, QuantizedMatrix][] = []
  for (const [name, matrix] of Object.entries(said)) {
    if (!isMatrix(matrix)) throw damaged(path, `a scheme, a shape and a layout for ${shown(name)}`, shown(matrix))
    list.push([name, matrix])
    const { out, in: columns } = sizesOf(matrix)
    const groups = Math.ceil(columns / GROUP)
    const [dtype, shape, scales] = {
      int8: ['int8', [out, columns], [out]],
      int4: ['uint8', [out, Math.ceil(columns / 2)], [out, groups]],
      bf16: ['bfloat16', [out, columns], undefined],
    }[matrix.scheme] as [string, number[], number[] | undefined]
    const check = (tensor: string, type: string, sizes: readonly number[]) => {
      const found = tensors.get(tensor)
      const received = found === undefined ? 'none' : `${dtypeOf(found.type)} [${found.shape.join(', ')}]`
      if (received !== `${type} [${sizes.join(', ')}]`)
        throw damaged(path, `${type} [${sizes.join(', ')}] for "${tensor}"`, received)
    }
    check(name, dtype, shape)
    if (scales !== undefined) check(scaleName(name), 'float32', scales)
  }
  return new Map(list)
}

/** Opens quantised weights without reading them. Errors: FILE_MISSING, DATA_FORMAT, BAD_CHECKPOINT. */
export async function openQuantized(path: string): Promise<QuantizedFile> {
  const { tensors, metadata } = await readSafetensors(path)
  const matrices = matricesOf(path, metadata, tensors)
  const read = (name: string): Promise<Tensor> => {
    const { type, shape, offset } = tensors.get(name)!
    const dtype = dtypeOf(type)
    if (dtype === undefined) throw damaged(path, `a dtype that is read for "${name}"`, 'another')
    return Tensor.read(path, { offset, shape, dtype })
  }
  const parts = async (name: string) => {
    const values = await read(name)
    if (matrices.get(name)!.scheme === 'bf16') return { values, scales: undefined }
    const scales = await read(scaleName(name))
    await checkScales(path, name, scales)
    return { values, scales }
  }
  const whole = async (name: string, matrix: QuantizedMatrix): Promise<Tensor> => {
    const { values, scales } = await parts(name)
    try {
      return await asStored(await dequantized(matrix.scheme, values, scales, sizesOf(matrix).in), matrix)
    } finally {
      values.dispose()
      scales?.dispose()
    }
  }
  const inside = [...tensors].filter(([name]) => !(name.endsWith('.scale') && matrices.has(name.slice(0, -'.scale'.length))))
  const stored = inside.map(([name, { shape }]): [string, Stored] => {
    const matrix = matrices.get(name)
    return [name, matrix ? { shape: matrix.shape, read: () => whole(name, matrix) } : { shape, read: () => read(name) }]
  })
  return { metadata, matrices, tensors: new Map(stored), parts }
}
