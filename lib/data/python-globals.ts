import { type ElementType, elements, parseElementType, plainElements } from './element.js'
import type { Global, Globals } from './pickle-machine.js'

/** A numpy array found inside a pickle: its elements as plain values, row-major. */
export interface NdArray {
  shape: readonly number[]
  data: readonly unknown[]
}
interface NumpyType {
  element: ElementType
}

const iterable = (value: unknown): Iterable<unknown> => {
  if (value === undefined) return []
  if (Array.isArray(value) || value instanceof Set) return value
  throw new TypeError('expected a list')
}
const map = (items?: unknown): Map<unknown, unknown> => {
  if (items instanceof Map) return new Map(items)
  return new Map(
    [...iterable(items)].map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw new TypeError('expected pairs')
      return pair as [unknown, unknown]
    }),
  )
}
const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError('expected a text')
  return value
}
const raw = (value: unknown): Buffer => {
  if (Buffer.isBuffer(value)) return value
  return Buffer.from(text(value), 'latin1') // Python 2 wrote bytes as text
}
const elementType = (value: unknown): ElementType => {
  const { element } = (value ?? {}) as Partial<NumpyType>
  if (element === undefined) throw new TypeError('expected a numpy dtype')
  return element
}
const decode = (bytes: Buffer, type: ElementType, count: number): unknown[] => {
  if (bytes.length !== count * type.size) throw new RangeError('a numpy value has another size than its type')
  const values = plainElements(bytes, type)
  if (values === undefined) throw new TypeError('a numpy value of this type is not read')
  return values
}

const numpyType: Global = {
  make: (descr) => {
    const element = parseElementType(text(descr))
    if (element === undefined) throw new TypeError(`the numpy type ${descr} is not read`)
    return { element } satisfies NumpyType
  },
  build: (made, state) => {
    const [, order] = state as unknown[]
    const type = made as NumpyType
    type.element = { ...type.element, swap: order === '>' }
  },
}
const ndArray = (content: unknown, dtype: unknown, shape: unknown, order: unknown): NdArray => {
  if (!Array.isArray(shape) || (order === 'F' && shape.length > 1))
    throw new TypeError('a numpy array stored by columns is not read')
  const count = elements(shape)
  const type = elementType(dtype)
  const data = type.kind === 'object' ? [...iterable(content)] : decode(raw(content), type, count)
  if (data.length !== count) throw new RangeError('a numpy array has another size than its shape')
  return { shape, data }
}
const numpyArray: Global = {
  make: () => ({ shape: [0], data: [] }) satisfies NdArray,
  build: (made, state) => {
    const [, shape, dtype, fortran, content] = state as unknown[]
    Object.assign(made as NdArray, ndArray(content, dtype, shape, fortran === true ? 'F' : 'C'))
  },
}
const numpyScalar: Global = { make: (dtype, bytes) => decode(raw(bytes), elementType(dtype), 1)[0] }

const named = (modules: readonly string[], globals: Readonly<Record<string, Global>>): [string, Global][] =>
  modules.flatMap((module) => Object.entries(globals).map(([name, global]): [string, Global] => [`${module}.${name}`, global]))

/** The plain types of Python and numpy that a pickle may name. */
export const PLAIN_GLOBALS: Globals = new Map([
  ...named(['builtins', '__builtin__'], {
    dict: { make: map },
    list: { make: (items) => [...iterable(items)] },
    tuple: { make: (items) => [...iterable(items)] },
    set: { make: (items) => new Set(iterable(items)) },
    frozenset: { make: (items) => new Set(iterable(items)) },
    str: { make: (value = '') => text(value) },
    int: { make: (value = 0) => (typeof value === 'bigint' ? value : Math.trunc(Number(value))) },
    float: { make: (value = 0) => Number(value) },
    bool: { make: (value = false) => Boolean(value) },
    bytes: { make: (value = '') => raw(value) },
    bytearray: { make: (value = '') => raw(value) },
  }),
  ...named(['collections'], {
    OrderedDict: { make: map },
    Counter: { make: map },
    defaultdict: { make: (_, items) => map(items) },
  }),
  ...named(['_codecs'], { encode: { make: (value) => raw(value) } }),
  ...named(['numpy'], { dtype: numpyType, ndarray: { make: () => ({ shape: [0], data: [] }) } }),
  ...named(['numpy.core.multiarray', 'numpy._core.multiarray'], { _reconstruct: numpyArray, scalar: numpyScalar }),
  ...named(['numpy.core.numeric', 'numpy._core.numeric'], { _frombuffer: { make: ndArray } }),
])
