import type { DType } from './files/element.js'
import type {
  NativeGenerator,
  NativeModel,
  NativeOptimizer,
  NativeRanks,
  NativeSamples,
  NativeStepper,
  NativeTensor,
  NativeTrainer,
} from './handles.js'

/** Typed array of the elements of each dtype; floats of 16 bits are patterns of bits, complex numbers are pairs. */
export interface Elements {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  bfloat16: Uint16Array
  int64: BigInt64Array
  int32: Int32Array
  int16: Int16Array
  int8: Int8Array
  uint8: Uint8Array
  bool: Uint8Array
  complex64: Float32Array
  complex128: Float64Array
}
export type TypedArray = Elements[DType]

/** A tensor as an optimizer takes it. */
export interface NativeParameter {
  name: string
  tensor: NativeTensor
  /** Whether weight decay applies. */
  decay: boolean
  /** Upper bound of its learning rate. */
  lrCap: number
}

/** A tensor as it is printed. */
export interface TensorPreview {
  shape: number[]
  dtype: DType
  device: string
  requiresGrad: boolean
  /** The first and last elements of each dimension of a large tensor; null where they cannot be shown. */
  values: Float64Array | null
}

/** Argument or result of an operator call, with tensors as native handles. */
export type NativeValue = NativeTensor | number | bigint | boolean | string | null | undefined | NativeValue[]

/** Functions of the addon for tensors, and for training loops of one's own. */
export interface TensorCalls {
  // native/binding/tensor-exports.cpp
  tensorFrom(data: TypedArray, shape: readonly number[], dtype: DType): NativeTensor
  tensorMap(path: string, offset: number, shape: readonly number[], dtype: DType): NativeTensor
  tensorMapFiles(
    parts: readonly (readonly [path: string, offset: number, bytes: number])[],
    shape: readonly number[],
    dtype: DType,
  ): Promise<NativeTensor>
  tensorRead(path: string, offset: number, shape: readonly number[], dtype: DType): Promise<NativeTensor>
  tensorShape(t: NativeTensor): number[]
  tensorDtype(t: NativeTensor): DType
  tensorDevice(t: NativeTensor): string
  tensorData(t: NativeTensor): Promise<{ buffer: ArrayBuffer; dtype: DType }>
  /** Errors: BAD_ARGUMENT for another value; DISPOSED. */
  tensorIsHandle(t: NativeTensor): true
  rowNorms(t: NativeTensor): Promise<Float64Array>
  dispose(thing: NativeTensor | NativeGenerator | NativeModel | NativeSamples | NativeTrainer | NativeStepper | NativeRanks): void
  // native/binding/call.cpp
  call(op: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>): Promise<NativeValue>
  operators(): string[]
  /** Schemas of all operators of `aten`. */
  operatorSchemas(): string[]
  // native/binding/deferred-exports.cpp; flags: 1 records gradients, 2 the results require a gradient; `call` numbers the call
  /** Number for `apply`; the forms are tried in this order. */
  operatorForms(names: readonly string[]): number
  /** Queues an operator. Results that are not tensors are waited for. */
  apply(
    operator: number,
    args: readonly unknown[],
    named: Readonly<Record<string, unknown>> | undefined,
    flags: number,
    call: number,
  ): NativeValue
  tensorAt(t: NativeTensor, indices: readonly unknown[], flags: number, call: number): NativeTensor
  tensorReady(t: NativeTensor): Promise<undefined>
  /** Wakes the thread of the operators; until then it waits for many of them. */
  flushCalls(): undefined
  /** The last call that has run, and those that failed since this was last asked. */
  callsDone(): number[]
  /** Null when the tensor is not computed after so many milliseconds. */
  tensorPreview(t: NativeTensor, milliseconds: number): TensorPreview | null
  // native/binding/gradient-exports.cpp
  tensorBackward(
    t: NativeTensor,
    gradient: NativeTensor | null,
    keep: boolean,
    record: boolean,
    flags: number,
    call: number,
  ): Promise<undefined>
  gradientsOf(
    outputs: readonly NativeTensor[],
    inputs: readonly NativeTensor[],
    keep: boolean,
    record: boolean,
    flags: number,
    call: number,
  ): NativeTensor | NativeTensor[]
  tensorGrad(t: NativeTensor): NativeTensor | undefined
  tensorClearGrad(t: NativeTensor, call: number): undefined
  tensorRequiresGrad(t: NativeTensor, set?: boolean): boolean
  generator(seed: number): NativeGenerator
  /** Null: the generator of operators that are given none. */
  generatorSeed(generator: NativeGenerator | null, seed: number): undefined
  // native/binding/loop-exports.cpp
  /** The tensors that `modelForward` computes with. */
  modelParameters(model: NativeModel): (NativeParameter & { trainable: boolean })[]
  /** Queues a forward pass. Shapes: x [batch, context, dim] → [batch, dim], or with `all` [batch, context, dim]; with a seed it has dropout. */
  modelForward(
    model: NativeModel,
    x: NativeTensor,
    all: boolean,
    seed: number | null,
    pass: number,
    flags: number,
    call: number,
  ): NativeTensor
  optimizer(kind: 'adamw' | 'sgd', parameters: readonly NativeParameter[], o: Readonly<Record<string, unknown>>): NativeOptimizer
  /** Returns the norm of the gradients. */
  optimizerStep(optimizer: NativeOptimizer, rates: Float64Array, decays: Float64Array, call: number): Promise<number>
  /** The optimizer's own tensors; disposing the optimizer disposes them. */
  optimizerState(optimizer: NativeOptimizer): {
    steps: number
    slots: { name: string; m?: NativeTensor; v?: NativeTensor; average?: NativeTensor }[]
  }
  optimizerSetSteps(optimizer: NativeOptimizer, steps: number): undefined
  /** Swaps the weights with their averages. */
  optimizerSwap(optimizer: NativeOptimizer): Promise<undefined>
  optimizerDispose(optimizer: NativeOptimizer): undefined
}
