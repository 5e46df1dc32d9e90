import { type Check, word } from '../door.js'
import { LvmError, shown } from '../errors.js'
import type { DType, Elements, TypedArray } from '../native.js'
import { optionsOf, sizes } from './lists.js'

/** How the elements of each dtype are held in JavaScript; those of 16 bits as their bits. */
export const TYPED_ARRAYS: { readonly [D in DType]: new (from: ArrayBuffer | number) => Elements[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
}
export const dtypeOf = (data: TypedArray): DType => {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof Int16Array) return 'int16'
  if (data instanceof Int8Array) return 'int8'
  if (data instanceof Uint8Array) return 'uint8'
  if (data instanceof Uint16Array)
    throw new LvmError('BAD_ARGUMENT', 'Tensor.from: a Uint16Array holds float16 or bfloat16: say which with {dtype}')
  throw new LvmError('BAD_ARGUMENT', `Tensor.from: expected a typed array of a dtype but received ${shown(data)}`)
}

/** The name of a dtype. */
export const DTYPE: Check = {
  expected: `one of ${Object.keys(TYPED_ARRAYS).join(', ')}`,
  accepts: (value) => typeof value === 'string' && Object.hasOwn(TYPED_ARRAYS, value),
}
export function knownDtype(owner: string, dtype: unknown): DType {
  if (DTYPE.accepts(dtype)) return dtype as DType
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected a dtype such as float32 but received ${shown(dtype)}`)
}

const isComplex = (dtype: DType) => dtype.startsWith('complex')
/** Refuses a conversion that would drop imaginary parts. Errors: BAD_ARGUMENT. */
export function realKept(owner: string, from: DType, to: DType): void {
  if (!isComplex(from) || isComplex(to)) return
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected real numbers but the tensor is ${from}`, {
    hint: 'take real(), imag() or abs() first; data() without a dtype gives real and imaginary parts in turn',
  })
}

/** Elements of a tensor as a row-major array. */
export interface RowMajor {
  readonly array: TypedArray
  readonly shape: number[]
  readonly dtype: DType
}
/** A typed array as a tensor of one dimension. Errors: BAD_ARGUMENT when its type does not fit the dtype. */
export function arrayElements(owner: string, array: TypedArray, asked?: DType): RowMajor {
  const dtype = asked ?? dtypeOf(array)
  const kind = TYPED_ARRAYS[dtype]
  if (array instanceof kind) return { array, shape: [array.length], dtype }
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected a ${kind.name} for ${dtype} but received ${shown(array)}`)
}

/** Checks the location of a tensor in a file; reads each option once. */
export function extent(owner: string, path: unknown, o: unknown): { offset: number; shape: number[]; dtype: DType } {
  if (!word.accepts(path)) throw new LvmError('BAD_ARGUMENT', `${owner}: expected a path but received ${shown(path)}`)
  const { offset, shape, dtype } = optionsOf(owner, ['offset', 'shape', 'dtype'], o)
  return { offset: offset as number, shape: sizes(owner, 'shape', shape), dtype: knownDtype(owner, dtype) }
}

/** The elements as numbers. Errors: BAD_ARGUMENT for an integer that a number would round. */
export function exactNumbers(owner: string, data: TypedArray): number[] {
  const numbers = Array.from<number | bigint, number>(data, Number)
  if (!(data instanceof BigInt64Array)) return numbers
  const rounded = data.find((x, i) => x !== BigInt(numbers[i]!))
  if (rounded === undefined) return numbers
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected integers that a number can hold but received ${rounded}`, {
    hint: 'use await x.data(), which gives bigints',
  })
}
