import { type DType, elements } from './element.js'
import { Opaque } from './opaque.js'
import type { Global } from './pickle-globals.js'
import { keyText, scalarText } from './plain.js'

/** Element type of a storage; the dtype is undefined for untyped storages and unsupported types. */
export interface StorageType {
  readonly name: string
  readonly dtype: DType | undefined
  readonly size: number
}
/** A block of elements of one type in a .pt file. */
export interface Storage {
  readonly key: string
  readonly type: StorageType
  readonly elements: number
  offsetInFile: number
}
/** A tensor in a .pt file: a view of a storage. */
export interface TensorEntry {
  readonly tensor: true
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** Offset in its storage. Units: elements. */
  readonly storageOffset: number
  readonly storage: Storage
  /** Whether the values are those of the storage negated (`neg`) or conjugated (`conj`). */
  readonly neg: boolean
  readonly conj: boolean
}

export const ITEM_SIZE: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  complex64: 8,
  complex128: 16,
}
const isDType = (name: string | undefined): name is DType => name !== undefined && Object.hasOwn(ITEM_SIZE, name)
const whole = (value: unknown): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new RangeError('a size, stride or offset is not a whole number ≥ 0')
  return value as number
}
export const wholesOf =
  (axes: number) =>
  (value: unknown): number[] => {
    if (!Array.isArray(value) || value.length > axes) throw new TypeError('a shape is damaged')
    return value.map(whole)
  }
export const bool = (value: unknown): boolean => {
  if (typeof value !== 'boolean') throw new TypeError('expected a flag of a tensor to be True or False')
  return value
}

/** Number of storage elements that a view spans from its offset. */
export function span(shape: readonly number[], strides: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((reach, n, i) => reach + (n - 1) * strides[i]!, 1)
}

/** Whether a tensor has hooks. */
export const hooked = (hooks: unknown): boolean => {
  if (hooks === undefined || hooks === null) return false
  if (!(hooks instanceof Map)) throw new TypeError('the hooks of a tensor are damaged')
  return hooks.size > 0
}

/** The functions that rebuild tensors. Every argument is applied; a tensor with an unsupported argument becomes Opaque. */
export function rebuilding(axes: number) {
  const wholes = wholesOf(axes)
  const view = (storage: unknown, offset: unknown, size: unknown, stride: unknown, dtype: unknown, metadata: unknown) => {
    const { type, elements: held } = (storage ?? {}) as Partial<Storage>
    if (type === undefined || held === undefined) throw new TypeError('a tensor has no storage')
    const [shape, strides, storageOffset] = [wholes(size), wholes(stride), whole(offset)]
    if (shape.length !== strides.length) throw new RangeError('a tensor has more sizes than strides, or fewer')
    const own = dtype === undefined ? type.dtype : scalarText(dtype)
    const shown = `${own ?? type.name} tensor of shape [${shape.join(', ')}]`
    if (!isDType(own)) return new Opaque(`a ${shown}`)
    const reach = span(shape, strides)
    if (reach > 0 && !((storageOffset + reach) * ITEM_SIZE[own] <= held * type.size))
      throw new RangeError(`a tensor of shape [${shape.join(', ')}] reaches past its storage`)
    if (elements(shape) === Infinity) throw new RangeError(`a tensor of shape [${shape.join(', ')}] is too large`)
    if (metadata !== undefined && metadata !== null && !(metadata instanceof Map)) throw new TypeError('a tensor is damaged')
    const marks = new Map<unknown, unknown>(metadata as Map<unknown, unknown> | undefined | null)
    const [neg, conj] = [bool(marks.get('neg') ?? false), bool(marks.get('conj') ?? false)]
    const others = [...marks.keys()].filter((key) => key !== 'neg' && key !== 'conj')
    if (others.length > 0) return new Opaque(`a ${shown} with "${others.slice(0, 5).map(keyText).join(', ')}" beside it`)
    if (conj && !own.startsWith('complex')) throw new TypeError('a tensor of real numbers cannot be conjugated')
    return {
      tensor: true,
      dtype: own,
      shape,
      strides,
      storageOffset,
      storage: storage as Storage,
      neg,
      conj,
    } satisfies TensorEntry
  }
  const flagged = (made: TensorEntry | Opaque, grad: unknown, hooks: unknown) => {
    bool(grad)
    return hooked(hooks) ? new Opaque('a tensor with hooks') : made
  }
  const none = (more: readonly unknown[]) => {
    if (more.length > 0) throw new TypeError('a tensor has unknown arguments')
  }
  return {
    _rebuild_tensor: {
      make: (...[storage, offset, size, stride, ...more]: unknown[]) => {
        none(more)
        return view(storage, offset, size, stride, undefined, null)
      },
    },
    _rebuild_tensor_v2: {
      make: (...[storage, offset, size, stride, grad, hooks, metadata, ...more]: unknown[]) => {
        none(more)
        return flagged(view(storage, offset, size, stride, undefined, metadata), grad, hooks)
      },
    },
    _rebuild_tensor_v3: {
      make: (...[storage, offset, size, stride, grad, hooks, dtype, metadata, ...more]: unknown[]) => {
        none(more)
        return flagged(view(storage, offset, size, stride, dtype ?? null, metadata), grad, hooks)
      },
    },
  } satisfies Record<string, Global>
}
