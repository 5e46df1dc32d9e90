import { createRequire } from 'node:module'
import { asLvmError } from './errors.js'
import { loadLibtorch } from './libtorch/load.js'
import type { Node } from './spec/ops.js'

declare const handle: unique symbol
/** Things that live in C++. Opaque here: every fact about them is asked of the addon. */
export interface NativeTensor {
  readonly [handle]: 'tensor'
}
export interface NativeModel {
  readonly [handle]: 'model'
}
export interface NativeSamples {
  readonly [handle]: 'samples'
}
export interface NativeTrainer {
  readonly [handle]: 'trainer'
}
export interface NativeStepper {
  readonly [handle]: 'stepper'
}

export type DType = 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool' | 'complex64' | 'complex128'
export type TypedArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array | Uint16Array

/** What a call takes from JavaScript and gives back, once handles are unwrapped. */
export type NativeValue = NativeTensor | number | bigint | boolean | string | null | undefined | NativeValue[]

/** Per-window figures of one evaluation, in float64. */
export interface Scores {
  cosine: Float64Array
  cosineCentred: Float64Array
  mseRaw: Float64Array
  mseUnit: Float64Array
  /** Length of the raw output. */
  norm: Float64Array
}

/** The addon's whole surface, and the only file that loads it. Arguments are already resolved when they get here. */
export interface Addon {
  // binding/tensor.cpp
  tensorFrom(data: TypedArray, shape: readonly number[], dtype: DType): NativeTensor
  tensorMap(path: string, offset: number, shape: readonly number[], dtype: DType): NativeTensor
  tensorRead(path: string, offset: number, shape: readonly number[], dtype: DType): Promise<NativeTensor>
  tensorShape(t: NativeTensor): number[]
  tensorDtype(t: NativeTensor): DType
  tensorDevice(t: NativeTensor): string
  tensorData(t: NativeTensor): Promise<ArrayBuffer>
  tensorTo(t: NativeTensor, device: string, dtype: DType | ''): Promise<NativeTensor>
  tensorGrad(t: NativeTensor): NativeTensor | undefined
  tensorBackward(t: NativeTensor): Promise<undefined>
  rowNorms(t: NativeTensor): Promise<Float64Array>
  dispose(thing: NativeTensor | NativeModel | NativeSamples | NativeTrainer | NativeStepper): void
  // binding/call.cpp
  call(op: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>): Promise<NativeValue>
  operators(): string[]
  // binding/device.cpp
  devices(): { name: string; type: string; memory: number | null }[]
  threads(): number
  setThreads(n: number): void
  cpuCapability(): string
  libtorchVersion(): string
}

let addon: Addon | undefined
const load = (): Addon => {
  addon ??= createRequire(import.meta.url)(loadLibtorch().addon) as Addon
  return addon
}

/** The addon, loaded on first use; whatever it throws or rejects with is an LvmError with a code. */
export const native: Addon = new Proxy({} as Addon, {
  get(_, name: keyof Addon) {
    const entry = (load() as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!
    return (...args: unknown[]) => {
      try {
        const result = entry(...args)
        return result instanceof Promise
          ? result.catch((error) => {
              throw asLvmError(error)
            })
          : result
      } catch (error) {
        throw asLvmError(error)
      }
    }
  },
})
