import { isMapped, type StoredArray, type Stretch } from '../files/arrays.js'
import { dtypeOf, type ElementType, elementName, elements, plainElements } from '../files/element.js'
import { isNdArray, PLAIN_GLOBALS } from '../files/python-globals.js'
import { damaged } from '../files/read-file.js'
import { unpickle } from '../files/unpickle.js'
import { type DType, native } from '../native.js'
import { TYPED_ARRAYS } from './dtypes.js'
import { call, Tensor } from './tensor.js'

const CHUNK = 8 << 20

/** Joins pieces into large chunks of whole elements. */
async function* chunks(pieces: AsyncIterable<Buffer>, itemSize: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let length = 0
  for await (const piece of pieces) {
    held.push(piece)
    length += piece.length
    if (length < Math.max(CHUNK, itemSize)) continue
    const whole = length - (length % itemSize)
    const joined = Buffer.concat(held, length)
    yield joined.subarray(0, whole)
    held = [joined.subarray(whole)]
    length -= whole
  }
  if (length > 0) yield Buffer.concat(held, length)
}

function reorder(bytes: Buffer, { kind, size }: ElementType): void {
  const width = kind === 'complex' ? size / 2 : size
  if (width === 2) bytes.swap16()
  else if (width === 4) bytes.swap32()
  else if (width === 8) bytes.swap64()
}

/** Inflates or reorders an array into a tensor chunk by chunk, so that memory never holds it twice. */
async function assemble(array: StoredArray, dtype: DType, as: readonly number[]): Promise<Tensor> {
  const { type, shape, fortran } = array
  const count = elements(shape)
  using flat = (await call('aten::empty.memory_format', [[count]], { dtype })) as Tensor
  let at = 0
  for await (const bytes of chunks(array.pieces(), type.size)) {
    const copy = new Uint8Array(bytes) // a copy is aligned, as typed arrays require
    if (type.swap) reorder(Buffer.from(copy.buffer), type)
    using source = Tensor.from(new TYPED_ARRAYS[dtype](copy.buffer), [copy.length / type.size], { dtype })
    using target = await flat.op('aten::narrow', 0, at, copy.length / type.size)
    await target.change('aten::copy_', source)
    at += copy.length / type.size
  }
  if (at !== count) throw damaged(array.path, `"${array.name}" holds ${at} elements, not the ${count} of its shape`)
  if (!fortran) return await flat.op('aten::view', as)
  using columns = await flat.op('aten::view', [...shape].reverse())
  using rows = await columns.op(
    'aten::permute',
    shape.map((_, i) => shape.length - 1 - i),
  )
  return await rows.op('aten::reshape', as)
}

/** Maps parts of several files as one tensor, one after the other. Errors: FILE_MISSING, BAD_ARGUMENT, DATA_CHANGED when a file is too short. */
export async function mapStretches(stretches: readonly Stretch[], shape: readonly number[], dtype: DType): Promise<Tensor> {
  const parts = stretches.map(({ path, offset, bytes }) => [path, offset, bytes] as const)
  return Tensor.wrap(await native.tensorMapFiles(parts, shape, dtype))
}

/**
 * Loads an array as a tensor, with another shape if one is given.
 *
 * A large uncompressed array is memory-mapped, also one that lies in several files; others are read or inflated.
 * Errors: DATA_FORMAT, DATA_CHANGED.
 */
export async function loadTensor(array: StoredArray, shape: readonly number[] = array.shape): Promise<Tensor> {
  const { path, name, type, offset, stretches } = array
  const dtype = dtypeOf(type)
  if (dtype === undefined) throw damaged(path, `"${name}": tensors have no element type ${elementName(type)}`)
  if (offset === undefined || type.swap || array.fortran || elements(shape) === 0) return assemble(array, dtype, shape)
  if (stretches !== undefined) return isMapped(array) ? mapStretches(stretches, shape, dtype) : assemble(array, dtype, shape)
  await array.verify()
  return isMapped(array) ? Tensor.map(path, { offset, shape, dtype }) : Tensor.read(path, { offset, shape, dtype })
}

async function loadObjects({ path, name, pieces, limits }: StoredArray): Promise<readonly unknown[]> {
  const parts: Buffer[] = []
  let length = 0
  for await (const piece of pieces()) {
    length += piece.length
    if (length > limits.pickleBytes) throw damaged(path, `"${name}" holds more than ${limits.pickleBytes} bytes of objects`)
    parts.push(piece)
  }
  const { value } = await unpickle(Buffer.concat(parts, length), { owner: `${path}, "${name}"`, globals: PLAIN_GLOBALS, limits })
  if (!isNdArray(value) || Buffer.isBuffer(value.content)) throw damaged(path, `"${name}": its objects are not an array`)
  return value.content
}

/** Loads the elements of an array as plain values, row-major. Errors: DATA_FORMAT; DATA_UNSAFE for objects that are not plain. */
export async function loadValues(array: StoredArray): Promise<readonly unknown[]> {
  const { path, name, type, shape, fortran } = array
  const values: unknown[] = []
  if (type.kind === 'object') {
    for (const value of await loadObjects(array)) values.push(value)
  } else {
    for await (const bytes of chunks(array.pieces(), Math.max(1, type.size))) {
      const decoded = decode(array, bytes)
      if (decoded === undefined)
        throw damaged(path, `"${name}": expected numbers, text or objects but received ${elementName(type)}`)
      for (const value of decoded) values.push(value)
    }
  }
  if (values.length !== elements(shape)) throw damaged(path, `"${name}" holds ${values.length} elements, not those of its shape`)
  if (!fortran || shape.length !== 2) return values
  const [rows, columns] = shape as [number, number]
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)])
}

function decode({ path, name, type }: StoredArray, bytes: Buffer) {
  try {
    return plainElements(bytes, type)
  } catch (error) {
    throw damaged(path, `"${name}" holds text that is not Unicode`, error)
  }
}
