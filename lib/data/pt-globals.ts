import type { DType } from '../native.js'
import { elements } from './element.js'
import type { Global, Globals } from './pickle-machine.js'
import { PLAIN_GLOBALS } from './python-globals.js'

/** A block of elements of one dtype in a .pt file. */
export interface Storage {
  readonly key: string
  readonly dtype: DType
  readonly elements: number
  offsetInFile: number
}
/** A tensor in a .pt file: a view of a storage. */
export interface TensorEntry {
  readonly tensor: true
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** In elements, from the begin of its storage. */
  readonly storageOffset: number
  readonly storage: Storage
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
const STORAGES: Readonly<Record<string, DType>> = {
  Float: 'float32',
  Double: 'float64',
  Half: 'float16',
  BFloat16: 'bfloat16',
  Long: 'int64',
  Int: 'int32',
  Short: 'int16',
  Char: 'int8',
  Byte: 'uint8',
  Bool: 'bool',
  ComplexFloat: 'complex64',
  ComplexDouble: 'complex128',
}
/** An expanded tensor repeats its elements, so the file does not bound its size; this does. */
const EXPANDED_LIMIT = 1 << 30

const whole = (value: unknown): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new RangeError('a size, stride or offset is not a whole number ≥ 0')
  return value as number
}
const wholes = (value: unknown): number[] => {
  if (!Array.isArray(value) || value.length > 64) throw new TypeError('a shape is damaged')
  return value.map(whole)
}

/** The elements of its storage that a view reaches, from its offset on. */
export function span(shape: readonly number[], strides: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((reach, n, i) => reach + (n - 1) * strides[i]!, 1)
}

function rebuildTensor(storage: unknown, offset: unknown, size: unknown, stride: unknown): TensorEntry {
  const { dtype, elements: held } = (storage ?? {}) as Partial<Storage>
  if (dtype === undefined || held === undefined) throw new TypeError('a tensor has no storage')
  const [shape, strides, storageOffset] = [wholes(size), wholes(stride), whole(offset)]
  if (shape.length !== strides.length) throw new RangeError('a tensor has more sizes than strides, or fewer')
  const reach = span(shape, strides)
  if (reach > 0 && !(storageOffset + reach <= held))
    throw new RangeError(`a tensor of shape [${shape.join(', ')}] reaches past its storage`)
  if (!(elements(shape) <= Math.max(reach, EXPANDED_LIMIT)))
    throw new RangeError(`a tensor of shape [${shape.join(', ')}] is too large`)
  return { tensor: true, dtype, shape, strides, storageOffset, storage: storage as Storage }
}

/** What .pt files may name: plain values, tensors, and the few Python objects that training scripts leave beside them. */
export function ptGlobals(warn: (sentence: string) => void): Globals {
  const parameter: Global = { make: (tensor) => tensor }
  const path: Global = {
    make: (...parts) => {
      warn('it holds a pathlib path: read as text')
      return parts.map(String).join('/').replace(/^\/\//, '/')
    },
  }
  const namespace: Global = {
    make: () => {
      warn('it holds an argparse.Namespace: read as a dict')
      return new Map()
    },
    build: (made, state) => {
      if (!(made instanceof Map && state instanceof Map)) throw new TypeError('a Namespace is damaged')
      for (const [key, value] of state) made.set(key, value)
    },
  }
  const storages = Object.entries(STORAGES).flatMap(([name, dtype]) =>
    ['torch', 'torch.cuda'].map((module): [string, Global] => [`${module}.${name}Storage`, { value: dtype }]),
  )
  const dtypes = Object.keys(ITEM_SIZE).map((dtype): [string, Global] => [`torch.${dtype}`, { value: dtype }])
  const paths = ['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path'].flatMap((name) =>
    ['pathlib', 'pathlib._local'].map((module): [string, Global] => [`${module}.${name}`, path]),
  )
  return new Map([
    ...PLAIN_GLOBALS,
    ...storages,
    ...dtypes,
    ...paths,
    ['argparse.Namespace', namespace],
    ['torch._utils._rebuild_tensor', { make: rebuildTensor }],
    ['torch._utils._rebuild_tensor_v2', { make: rebuildTensor }],
    ['torch._utils._rebuild_parameter', parameter],
    ['torch._utils._rebuild_parameter_with_state', parameter],
    ['torch.Size', { make: wholes }],
    ['torch.device', { make: (...parts) => parts.join(':') }],
  ])
}
