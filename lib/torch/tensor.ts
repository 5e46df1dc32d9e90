import { type Check, word } from '../door.js'
import { LvmError, shown } from '../errors.js'
import { type DType, type NativeTensor, type NativeValue, native, type TypedArray } from '../native.js'
import { flattened, type Numbers, optionsOf, readable, sizes, unwrapped } from './lists.js'

/** How the elements of each dtype are held in JavaScript; those of 16 bits as their bits. */
export const TYPED_ARRAYS: Readonly<Record<DType, new (buffer: ArrayBuffer) => TypedArray>> = {
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
const dtypeOf = (data: TypedArray): DType => {
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
function knownDtype(owner: string, dtype: unknown): DType {
  if (DTYPE.accepts(dtype)) return dtype as DType
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected a dtype such as float32 but received ${shown(dtype)}`)
}
/** Checks the location of a tensor in a file; reads each option once. */
function extent(owner: string, path: unknown, o: unknown): { offset: number; shape: number[]; dtype: DType } {
  if (!word.accepts(path)) throw new LvmError('BAD_ARGUMENT', `${owner}: expected a path but received ${shown(path)}`)
  const { offset, shape, dtype } = optionsOf(owner, ['offset', 'shape', 'dtype'], o)
  return { offset: offset as number, shape: sizes(owner, 'shape', shape), dtype: knownDtype(owner, dtype) }
}

/** Argument or result of `call`. */
export type Value = Tensor | number | bigint | boolean | string | null | undefined | readonly Value[]

/** A tensor in libtorch's memory. Free it with `dispose()` (or `using`); otherwise the garbage collector frees it. */
export class Tensor {
  private constructor(readonly native: NativeTensor) {}
  /** Wraps a handle that the addon returned. Errors: BAD_ARGUMENT for anything else; DISPOSED. */
  static wrap(handle: NativeTensor): Tensor {
    native.tensorDtype(handle) // a wrong handle fails here, not at its first use
    return new Tensor(handle)
  }

  /**
   * Copies a row-major array; nested lists of numbers give the shape themselves, in float32.
   *
   * Units: float16 and bfloat16 are passed as 16-bit patterns in a Uint16Array, bool as 0 and 1 in a Uint8Array.
   * Errors: BAD_ARGUMENT when the array type does not fit the dtype, or the shape has another number of elements.
   */
  static from(data: TypedArray | Numbers, shape?: readonly number[], options: { dtype?: DType } = {}): Tensor {
    const owner = 'Tensor.from'
    const { dtype: said } = optionsOf(owner, ['dtype'], options)
    const asked = shape === undefined ? undefined : sizes(owner, 'shape', shape) // a getter may detach the array, so sizes are read first
    const given = readable(owner, () => (Array.isArray(data) ? flattened(owner, data) : { array: data as TypedArray }))
    const { array } = given
    const dtype = said === undefined ? readable(owner, () => dtypeOf(array)) : knownDtype(owner, said)
    const kind = TYPED_ARRAYS[dtype]
    if (!readable(owner, () => array instanceof kind))
      throw new LvmError('BAD_ARGUMENT', `${owner}: expected a ${kind.name} for ${dtype} but received ${shown(array)}`)
    return new Tensor(native.tensorFrom(array, asked ?? ('shape' in given ? given.shape : [array.length]), dtype))
  }
  /** Maps a part of a file into memory, read-only. Errors: FILE_MISSING, DATA_FORMAT when the file is too short. */
  static map(path: string, o: { offset: number; shape: readonly number[]; dtype: DType }): Tensor {
    const { offset, shape, dtype } = extent('Tensor.map', path, o)
    return new Tensor(native.tensorMap(path, offset, shape, dtype))
  }
  /** Reads a part of a file off the JS thread. Errors: FILE_MISSING, DATA_FORMAT when the file is too short. */
  static async read(path: string, o: { offset: number; shape: readonly number[]; dtype: DType }): Promise<Tensor> {
    const { offset, shape, dtype } = extent('Tensor.read', path, o)
    return new Tensor(await native.tensorRead(path, offset, shape, dtype))
  }

  get shape(): number[] {
    return native.tensorShape(this.native)
  }
  get dtype(): DType {
    return native.tensorDtype(this.native)
  }
  get device(): string {
    return native.tensorDevice(this.native)
  }
  /** Copies the elements, row-major, into the typed array of the dtype (16-bit floats as patterns in a Uint16Array). */
  async data(): Promise<TypedArray> {
    return new TYPED_ARRAYS[this.dtype](await native.tensorData(this.native))
  }
  /** Returns the only element as a number. */
  async item(): Promise<number> {
    using flat = await this.to({ dtype: 'float64' })
    const data = await flat.data()
    if (data.length !== 1)
      throw new LvmError('BAD_ARGUMENT', `Tensor.item: expected one element but the shape is [${this.shape.join(', ')}]`)
    return Number(data[0])
  }
  /** Copies the tensor to another device or dtype. */
  async to(o: { device?: string; dtype?: DType }): Promise<Tensor> {
    const { device = this.device, dtype } = optionsOf('Tensor.to', ['device', 'dtype'], o)
    return new Tensor(
      await native.tensorTo(this.native, device as string, dtype === undefined ? '' : knownDtype('Tensor.to', dtype)),
    )
  }
  /** Calls an operator with this tensor first and returns its one result: `x.op('aten::softmax', -1)`. */
  async op(name: string, ...args: Value[]): Promise<Tensor> {
    const result = await call(name, [this, ...args])
    if (!(result instanceof Tensor))
      throw new LvmError('BAD_ARGUMENT', `Tensor.op: ${name} does not return one tensor; use call()`)
    return result
  }
  /** Calls an in-place operator: `x.change('aten::copy_', y)`. */
  async change(name: string, ...args: Value[]): Promise<void> {
    const same = await this.op(name, ...args)
    same.dispose() // a second handle would keep the memory until it is garbage-collected
  }
  /** Back-propagates from this scalar into the tensors that require a gradient. */
  async backward(): Promise<void> {
    await native.tensorBackward(this.native)
  }
  /** Gradient that `backward` stored in this tensor. */
  get grad(): Tensor | undefined {
    const grad = native.tensorGrad(this.native)
    return grad === undefined ? undefined : new Tensor(grad)
  }
  /** Frees the memory; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    native.dispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const unwrap = (value: unknown): unknown => unwrapped(value, (item) => (item instanceof Tensor ? item.native : item))
const wrap = (value: NativeValue): Value =>
  Array.isArray(value)
    ? value.map(wrap)
    : typeof value === 'object' && value !== null
      ? Tensor.wrap(value as NativeTensor)
      : value

/**
 * Calls any operator of libtorch by its schema, off the JS thread.
 *
 * `call('aten::softmax', [x, -1])`, or with an overload: `call('aten::sum.dim_IntList', [x, [0]], { keepdim: true })`.
 * Units: a ScalarType is passed as its dtype name, a Device as its name, None as null.
 * Errors: BAD_ARGUMENT when no such operator takes these arguments; NATIVE when libtorch refuses them.
 */
export async function call(op: string, args: readonly Value[] = [], named: Readonly<Record<string, Value>> = {}): Promise<Value> {
  const [positional, byName] = readable('call', () => {
    if (!Array.isArray(args) || typeof named !== 'object' || named === null)
      throw new LvmError('BAD_ARGUMENT', 'call: expected a list of arguments and an object of named ones')
    return [unwrap(args) as unknown[], Object.fromEntries(Object.entries(named).map(([key, value]) => [key, unwrap(value)]))]
  })
  return wrap(await native.call(op, positional, byName))
}

/** Names of all operators that `call` can run. */
export const operators = (): string[] => native.operators()
