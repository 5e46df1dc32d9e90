import type { DType } from './element.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { Opaque } from './opaque.js'
import type { Global, Globals } from './pickle-globals.js'
import { keyText, scalarText } from './plain.js'
import { bool, hooked, ITEM_SIZE, rebuilding, type StorageType, wholesOf } from './pt-tensors.js'
import { PLAIN_GLOBALS } from './python-globals.js'

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
/** Element sizes of storages without a dtype: untyped bytes and quantised tensors. Units: bytes. */
const UNTYPED: Readonly<Record<string, number>> = {
  'torch.storage.UntypedStorage': 1,
  'torch.UntypedStorage': 1,
  'torch.QUInt8Storage': 1,
  'torch.QInt8Storage': 1,
  'torch.QInt32Storage': 4,
  'torch.QUInt4x2Storage': 1,
  'torch.QUInt2x4Storage': 1,
}
/** Names in torch that are constants: unsupported dtypes, layouts, quantisation schemes. */
const CONSTANTS = `uint16 uint32 uint64 complex32 quint8 qint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e5m2 float8_e4m3fnuz
  float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 per_tensor_affine per_channel_affine per_channel_affine_float_qparams per_tensor_symmetric
  per_channel_symmetric strided sparse_coo sparse_csr jagged contiguous_format channels_last preserve_format`.split(/\s+/)
/** Unsupported kinds of tensors by the function that rebuilds them. */
const UNREAD: Readonly<Record<string, string>> = {
  _rebuild_sparse_tensor: 'a sparse tensor',
  _rebuild_sparse_csr_tensor: 'a sparse tensor',
  _rebuild_nested_tensor: 'a nested tensor',
  _rebuild_qtensor: 'a quantised tensor',
  _rebuild_meta_tensor_no_storage: 'a tensor without values (device "meta")',
  _rebuild_wrapper_subclass: 'a tensor of a class of its own',
  _rebuild_device_tensor_from_numpy: 'a tensor of another device',
  _rebuild_device_tensor_from_cpu_tensor: 'a tensor of another device',
  _rebuild_xla_tensor: 'a tensor of another device',
}

/** Placeholder for the tensor classes of PyTorch itself. */
const PLAIN_TENSOR = { class: 'torch.Tensor' }
const isTensor = (value: unknown) => value instanceof Opaque || (typeof value === 'object' && value !== null && 'tensor' in value)

type Entry = [name: string, global: Global]
const storageEntries = Object.entries(STORAGES).flatMap(([name, dtype]) =>
  ['torch', 'torch.cuda'].map((module): Entry => {
    const value: StorageType = { name: dtype, dtype, size: ITEM_SIZE[dtype] }
    return [`${module}.${name}Storage`, { value }]
  }),
)
const untypedEntries = Object.entries(UNTYPED).map(([name, size]): Entry => {
  const value: StorageType = { name: name.replace(/^.*\.|Storage$/g, ''), dtype: undefined, size }
  return [name, { value }]
})
const constantEntries = [...Object.keys(ITEM_SIZE), ...CONSTANTS].map((name): Entry => [`torch.${name}`, { value: name }])
const unreadEntries = Object.entries(UNREAD).map(
  ([name, what]): Entry => [`torch._utils.${name}`, { make: () => new Opaque(what) }],
)
const classEntries = ['torch.Tensor', 'torch._tensor.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer'].map(
  (name): Entry => [name, { value: PLAIN_TENSOR }],
)

/** Entries that rebuild tensors, parameters, and tensors of PyTorch's own classes. */
function tensorEntries(warn: (sentence: string) => void, tensorAxes: number): Entry[] {
  const rebuilt = rebuilding(tensorAxes)
  const attributes = (state: unknown) => {
    const parts = Array.isArray(state) ? state.slice(0, 2) : [state] // a dict, or a dict and the values of __slots__
    const names = parts.flatMap((part) => (part instanceof Map ? [...part.keys()].map(keyText) : []))
    const own = names.filter((name) => name !== '_is_buffer' && name !== 'persistent')
    if (own.length > 0) warn(`it holds tensors with attributes (${own.slice(0, 5).join(', ')}): left out`)
  }
  const parameter: Global = {
    make: (tensor, grad, hooks, state) => {
      if (!isTensor(tensor)) throw new TypeError('a parameter has no tensor')
      bool(grad)
      attributes(state)
      return hooked(hooks) ? new Opaque('a parameter with hooks') : tensor
    },
  }
  /** A tensor with a class: read only when the class is one of PyTorch itself. */
  const fromType: Global = {
    make: (rebuild, type, args, state) => {
      if (type !== PLAIN_TENSOR) return new Opaque(`a tensor of class ${(type as Global | null)?.opaque ?? 'unknown'}`)
      if (!Object.values<unknown>(rebuilt).includes(rebuild) && rebuild !== parameter)
        return new Opaque('a tensor of an unknown kind')
      if (!Array.isArray(args)) throw new TypeError('a tensor is damaged')
      attributes(state)
      return (rebuild as Global).make!(...args)
    },
  }
  return [
    ...Object.entries(rebuilt).map(([name, global]): Entry => [`torch._utils.${name}`, global]),
    ['torch._utils._rebuild_parameter', parameter],
    ['torch._utils._rebuild_parameter_with_state', parameter],
    ['torch._tensor._rebuild_from_type', fromType],
    ['torch._tensor._rebuild_from_type_v2', fromType],
    ['torch.Size', { make: wholesOf(tensorAxes) }],
  ]
}

/** Entries that read paths and namespaces of Python as plain values. */
function pythonEntries(warn: (sentence: string) => void): Entry[] {
  const path: Global = {
    make: (...parts) => {
      warn('it holds a pathlib path: read as text')
      return parts.map(scalarText).join('/').replace(/^\/\//, '/')
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
  const paths = ['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path'].flatMap((name) =>
    ['pathlib', 'pathlib._local'].map((module): Entry => [`${module}.${name}`, path]),
  )
  return [...paths, ['argparse.Namespace', namespace], ['types.SimpleNamespace', namespace]]
}

/** Python globals that a .pt file may name: plain values, tensors, and a few Python objects common in training scripts. */
export function ptGlobals(warn: (sentence: string) => void, { tensorAxes }: Limits = DEFAULT_LIMITS): Globals {
  return new Map<string, Global>([
    ...PLAIN_GLOBALS,
    ...storageEntries,
    ...untypedEntries,
    ...constantEntries,
    ...unreadEntries,
    ...classEntries,
    ...tensorEntries(warn, tensorAxes),
    ...pythonEntries(warn),
    ['torch.serialization._get_layout', { make: scalarText }],
    ['torch.device', { make: (...parts) => parts.map(scalarText).join(':') }],
  ])
}
