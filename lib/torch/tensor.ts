import { inspect } from 'node:util'
import { LvmError, shown } from '../errors.js'
import { type DType, type Elements, type NativeTensor, type NativeValue, native, type TypedArray } from '../native.js'
import { type BackwardOptions, backwardOptions } from './backward-options.js'
import { exactNumbers, extent, knownDtype, realKept, TYPED_ARRAYS } from './dtypes.js'
import { tensorText } from './format-tensor.js'
import { Holder } from './handle-holder.js'
import { elementsOf } from './list-elements.js'
import { type Nested, nested, optionsOf, readable, sizes, type Values } from './lists.js'
import { nextCall } from './operators/call-sites.js'
import { type Index, indexItem } from './operators/index-items.js'
import { awaited, Later, waited } from './operators/later.js'
import { noted } from './operators/modes.js'
import { flagsOf, operate, unwrap } from './operators/operate.js'
import { METHODS } from './operators/operator-forms.js'
import type { TensorMethods } from './operators/operator-types.js'

/** Argument or result of `call`. */
export type Value = Tensor | number | bigint | boolean | string | null | undefined | readonly Value[]

/** Milliseconds that printing waits for a tensor that is not computed yet. */
const LOOK = 50

/**
 * A tensor in libtorch's memory. Free it with `dispose()`, `using` or `scope`; otherwise the garbage collector frees it.
 *
 * Operators return at once and run in order on a thread of their own. `await x.data()`, `x.item()`, `x.tolist()` and `x.ready()` wait for
 * the result and throw the error of any call before it, with the place of that call. Reading `shape`, `dtype`, `device`, `grad` or
 * `requiresGrad` of a tensor that is not computed yet blocks the JS thread until it is.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are installed from the table of operators below
export class Tensor extends Holder<NativeTensor> {
  private constructor(readonly native: NativeTensor) {
    super()
  }
  /** Wraps a handle that the addon returned. Errors: BAD_ARGUMENT for anything else; DISPOSED. */
  static wrap(handle: NativeTensor): Tensor {
    native.tensorIsHandle(handle) // a wrong handle fails here, not at its first use
    return new Tensor(handle)
  }

  /**
   * Copies a row-major array; nested lists give the shape themselves, and the dtype: float32, int64 of bigints or bool.
   *
   * Units: float16 and bfloat16 are passed as 16-bit patterns in a Uint16Array, bool as 0 and 1 in a Uint8Array.
   * Errors: BAD_ARGUMENT when the array type does not fit the dtype, the shape has another number of elements, or the dtype cannot hold one.
   */
  static from(data: TypedArray | Values, shape?: readonly number[], options: { dtype?: DType } = {}): Tensor {
    const owner = 'Tensor.from'
    const { dtype: said } = optionsOf(owner, ['dtype'], options)
    const asked = shape === undefined ? undefined : sizes(owner, 'shape', shape) // a getter may detach the array, so sizes are read first
    const wanted = said === undefined ? undefined : knownDtype(owner, said)
    const given = readable(owner, () => elementsOf(owner, data, wanted))
    const made = noted(new Tensor(native.tensorFrom(given.array, asked ?? given.shape, given.dtype)))
    if (wanted === undefined || wanted === given.dtype) return made
    using staged = made
    return staged.to({ dtype: wanted })
  }
  /** Maps a part of a file into memory, read-only. Errors: FILE_MISSING, DATA_FORMAT when the file is too short. */
  static map(path: string, o: { offset: number; shape: readonly number[]; dtype: DType }): Tensor {
    const { offset, shape, dtype } = extent('Tensor.map', path, o)
    return noted(new Tensor(native.tensorMap(path, offset, shape, dtype)))
  }
  /** Reads a part of a file off the JS thread. Errors: FILE_MISSING, DATA_FORMAT when the file is too short. */
  static async read(path: string, o: { offset: number; shape: readonly number[]; dtype: DType }): Promise<Tensor> {
    const { offset, shape, dtype } = extent('Tensor.read', path, o)
    return noted(new Tensor(await native.tensorRead(path, offset, shape, dtype)))
  }

  get shape(): number[] {
    return waited(() => native.tensorShape(this.native))
  }
  get dtype(): DType {
    return waited(() => native.tensorDtype(this.native))
  }
  get device(): string {
    return waited(() => native.tensorDevice(this.native))
  }
  /** Waits until the tensor is computed, off the JS thread, and returns it. */
  async ready(): Promise<this> {
    await awaited(() => native.tensorReady(this.native))
    return this
  }
  /** Copies the elements, row-major, into the typed array of the dtype (16-bit floats as patterns in a Uint16Array), or of `as`, converted. */
  async data<D extends DType = DType>(as?: D): Promise<Elements[D]> {
    if (as !== undefined) {
      using converted = await this.converted('Tensor.data', knownDtype('Tensor.data', as))
      return (await converted.data()) as Elements[D]
    }
    const { buffer, dtype } = await awaited(() => native.tensorData(this.native))
    return new TYPED_ARRAYS[dtype](buffer) as Elements[D]
  }
  /** Returns the only element as a number. Errors: BAD_ARGUMENT for several elements, complex numbers and int64 that a number would round. */
  async item(): Promise<number> {
    const { numbers, shape } = await this.numbers('item')
    if (numbers.length !== 1)
      throw new LvmError('BAD_ARGUMENT', `Tensor.item: expected one element but the shape is [${shape.join(', ')}]`)
    return numbers[0]!
  }
  /** Copies the elements into nested lists; without dimensions one element. bool gives true and false. Errors: BAD_ARGUMENT for complex numbers and int64 that a number would round. */
  async tolist(): Promise<Nested> {
    const { numbers, shape, dtype } = await this.numbers('tolist')
    return nested(dtype === 'bool' ? numbers.map(Boolean) : numbers, shape)
  }
  private async numbers(method: 'item' | 'tolist') {
    using own = operator('clone', Tensor.prototype[method], [this]) as Tensor // before any later call can change the elements
    const { dtype, shape } = await own.ready()
    using plain = dtype === 'int64' ? own.to({}) : await own.converted(`Tensor.${method}`, 'float64')
    return { numbers: exactNumbers(`Tensor.${method}`, await plain.data()), shape, dtype }
  }
  /** Converts before any later call can change the elements. Errors: BAD_ARGUMENT where imaginary parts would get lost. */
  private async converted(owner: string, as: DType): Promise<Tensor> {
    using same = this.to({}) // this one may be disposed meanwhile
    const converted = same.to({ dtype: as })
    realKept(owner, (await same.ready()).dtype, as)
    return converted
  }
  /** Converts to another device or dtype; the same tensor where nothing changes. */
  to(o: { device?: string; dtype?: DType }): Tensor {
    const { device, dtype } = optionsOf('Tensor.to', ['device', 'dtype'], o)
    if (dtype !== undefined) knownDtype('Tensor.to', dtype)
    return operator('to', Tensor.prototype.to, [this, { device, dtype }]) as Tensor
  }
  /**
   * Part of the tensor, as Python's `x[0, 1:3, ..., None]` is `x.at(0, '1:3', '...', null)`. Positions and slices give a view: what is
   * written to it (`x.at(0).fill_(1)`) changes the tensor. Lists and tensors of positions or masks give a copy.
   */
  at(...indices: Index<Tensor>[]): Tensor {
    if (indices.length === 0) return this.to({})
    const temporary: Tensor[] = []
    const items = readable('at', () =>
      indices.map((item) =>
        item instanceof Tensor
          ? item.native
          : indexItem(item, (list) => {
              const positions = new Tensor(
                native.tensorFrom(BigInt64Array.from(list as number[], BigInt), [list.length], 'int64'),
              )
              temporary.push(positions)
              return positions.native
            }),
      ),
    )
    const result = noted(new Tensor(native.tensorAt(this.native, items, flagsOf(), nextCall(Tensor.prototype.at))))
    for (const tensor of temporary) tensor.dispose()
    return result
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
  /** Whether operators record how they computed from this tensor, so that `backward` finds its gradient. */
  get requiresGrad(): boolean {
    return waited(() => native.tensorRequiresGrad(this.native))
  }
  set requiresGrad(wanted: boolean) {
    if (typeof wanted !== 'boolean')
      throw new LvmError('BAD_ARGUMENT', `Tensor.requiresGrad: expected true or false but received ${shown(wanted)}`)
    waited(() => native.tensorRequiresGrad(this.native, wanted))
  }
  /**
   * Back-propagates from this tensor into the tensors that require a gradient; one of several elements needs `gradient`, of its shape.
   * Awaiting it is optional: the next wait for a tensor throws a failure that nobody awaited.
   */
  backward(options: BackwardOptions & { gradient?: Tensor } = {}): Promise<void> {
    const { gradient, keeps, records } = backwardOptions('Tensor.backward', ['gradient'], options)
    const weight = gradient === undefined ? null : readable('Tensor.backward', () => handleOf('Tensor.backward', gradient))
    const call = nextCall(Tensor.prototype.backward)
    return Later.start(native.tensorBackward(this.native, weight, keeps, records, flagsOf(), call))
  }
  /** Gradient that `backward` stored in this tensor; setting it to undefined clears it. */
  get grad(): Tensor | undefined {
    const grad = waited(() => native.tensorGrad(this.native))
    return grad === undefined ? undefined : noted(new Tensor(grad))
  }
  set grad(none: undefined) {
    if (none !== undefined) throw new LvmError('BAD_ARGUMENT', 'Tensor.grad: expected undefined, which clears the gradient')
    native.tensorClearGrad(this.native, nextCall(Tensor.prototype.dispose))
  }
  /** Frees the memory; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    native.dispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
  /** Shape, dtype, device and a few values. */
  override toString(): string {
    try {
      const preview = native.tensorPreview(this.native, LOOK)
      return preview === null ? 'Tensor (not computed yet)' : tensorText(preview)
    } catch (error) {
      return `Tensor (${(error as LvmError).code}: ${(error as LvmError).message})`
    }
  }
  [inspect.custom](): string {
    return this.toString()
  }
}
export interface Tensor extends TensorMethods<Tensor> {}

const handleOf = (owner: string, value: unknown): NativeTensor => {
  if (value instanceof Tensor) return value.native
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected a tensor but received ${shown(value)}`)
}
const wrap = (value: NativeValue): Value =>
  Array.isArray(value)
    ? value.map(wrap)
    : typeof value === 'object' && value !== null
      ? noted(Tensor.wrap(value as NativeTensor))
      : value

/** Calls an operator by its name in JavaScript; `inner` is the function that the user called. */
export const operator = (name: string, inner: (...args: never[]) => unknown, args: readonly unknown[]): Value => {
  const result = waited(() => operate(name, inner, args))
  return result === undefined ? (args[0] as Tensor) : wrap(result)
}
for (const name of METHODS) {
  const method = function (this: Tensor, ...args: unknown[]): Value {
    return operator(name, method, [this, ...args])
  }
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true })
}

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
  return wrap(await awaited(() => native.call(op, positional, byName)))
}

/** Names of all operators that `call` can run. */
export const operators = (): string[] => native.operators()
