import { type ElementType, elements, parseElementType, plainElements, unreadType } from './element.js'
import { Opaque } from './opaque.js'
import type { Global, Globals } from './pickle-globals.js'
import { scalarText } from './plain.js'

/** A numpy array inside a pickle; its elements are not decoded yet. */
export interface NdArray {
  readonly ndarray: true
  shape: readonly number[]
  type: ElementType
  /** Whether elements are stored in column-major order. */
  fortran: boolean
  /** Bytes of its elements; for the object type, the objects themselves. */
  content: Buffer | readonly unknown[]
}
export const isNdArray = (value: unknown): value is NdArray =>
  typeof value === 'object' && value !== null && (value as Partial<NdArray>).ndarray === true

interface NumpyType {
  element: ElementType
}

const whole = (value: unknown = 0) => (typeof value === 'bigint' ? value : Math.trunc(Number(scalarText(value))))
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
  return Buffer.from(text(value), 'latin1') // Python 2 pickles bytes as text
}
const elementType = (value: unknown): ElementType => {
  const { element } = (value ?? {}) as Partial<NumpyType>
  if (element === undefined) throw new TypeError('expected a numpy dtype')
  return element
}
const decode = (bytes: Buffer, type: ElementType): unknown => {
  if (type.kind === 'unread') return new Opaque(`a numpy value of type ${type.name}`)
  if (bytes.length !== type.size) throw new RangeError('the size of a numpy value differs from that of its type')
  const values = plainElements(bytes, type)
  return values === undefined ? new Opaque(`a numpy value of type ${type.kind}`) : values[0]
}

const numpyType: Global = {
  make: (descr) => {
    const { opaque } = (descr ?? {}) as Partial<Global>
    if (opaque === 'ml_dtypes.bfloat16') return { element: { kind: 'bfloat', size: 2, swap: false } } satisfies NumpyType
    if (opaque !== undefined) return { element: unreadType(opaque, 0) } satisfies NumpyType
    const element = parseElementType(text(descr))
    if (element === undefined) throw new TypeError(`the numpy type ${descr} is not supported`)
    return { element } satisfies NumpyType
  },
  build: (made, state) => {
    const [, order, , fields] = state as unknown[]
    const type = made as NumpyType
    if (fields !== undefined && fields !== null) type.element = unreadType('record', type.element.size)
    else type.element = { ...type.element, swap: order === '>' }
  },
}
const ndArray = (content: unknown, dtype: unknown, shape: unknown, order: unknown): NdArray => {
  const count = Array.isArray(shape) ? elements(shape) : Infinity
  const type = elementType(dtype)
  const held = type.kind === 'object' ? [...iterable(content)] : raw(content)
  if (type.kind !== 'unread' && held.length !== count * (type.size || 1))
    throw new RangeError('the size of a numpy array differs from that of its shape')
  return { ndarray: true, shape: shape as number[], type, fortran: order === 'F', content: held }
}
const empty = (): NdArray => ({ ndarray: true, shape: [0], type: unreadType('none', 0), fortran: false, content: [] })
const numpyArray: Global = {
  make: empty,
  build: (made, state) => {
    const [, shape, dtype, fortran, content] = state as unknown[]
    Object.assign(made as NdArray, ndArray(content, dtype, shape, fortran === true ? 'F' : 'C'))
  },
}
const numpyScalar: Global = { make: (dtype, bytes) => decode(raw(bytes), elementType(dtype)) }
/** numpy pickles variable-length strings as a list of texts. */
const numpyStrings: Global = { make: () => ({ element: { kind: 'object', size: 0, swap: false } }) satisfies NumpyType }

const named = (modules: readonly string[], globals: Readonly<Record<string, Global>>): [string, Global][] =>
  modules.flatMap((module) => Object.entries(globals).map(([name, global]): [string, Global] => [`${module}.${name}`, global]))

/** Modules that have held Lightning's AttributeDict. */
const DICTS = ['lightning_fabric', 'lightning.fabric', 'pytorch_lightning', 'lightning.pytorch'].flatMap((root) => [
  `${root}.utilities.data`,
  `${root}.utilities.parsing`,
])
function reconstruct(of: unknown, base: unknown, state: unknown): unknown {
  const make = (of as Global | null)?.make
  if (make === undefined) throw new TypeError('expected a class')
  return (of as Global).opaque === undefined && state !== null && base !== undefined ? make(state) : make()
}

/** Harmless functions whose values are not supported; their results become Opaque. */
const unreadValues = (...names: readonly string[]): Record<string, Global> =>
  Object.fromEntries(names.map((name) => [name, { make: () => new Opaque(`a value made by ${name}`) }]))

/** The plain Python and numpy types that a pickle may name. */
export const PLAIN_GLOBALS: Globals = new Map([
  ...named(['builtins', '__builtin__'], {
    dict: { make: map },
    list: { make: (items) => [...iterable(items)] },
    tuple: { make: (items) => [...iterable(items)] },
    set: { make: (items) => new Set(iterable(items)) },
    frozenset: { make: (items) => new Set(iterable(items)) },
    str: { make: (value = '') => text(value) },
    int: { make: whole },
    long: { make: whole },
    float: { make: (value = 0) => Number(scalarText(value)) },
    bool: { make: (value = false) => Boolean(value) },
    bytes: { make: (value = '') => raw(value) },
    bytearray: { make: (value = '') => raw(value) },
    object: { value: 'object' },
    ...unreadValues('complex', 'range', 'xrange', 'slice'),
    Ellipsis: { value: 'Ellipsis' },
    NotImplemented: { value: 'NotImplemented' },
  }),
  ...named(['re'], unreadValues('_compile')),
  ...named(['numpy.random._pickle'], unreadValues('__generator_ctor', '__randomstate_ctor', '__bit_generator_ctor')),
  ...named(['numpy.random.bit_generator'], unreadValues('__pyx_unpickle_SeedSequence')),
  ...named(['collections'], {
    OrderedDict: { make: map },
    Counter: { make: map },
    defaultdict: { make: (_, items) => map(items) },
  }),
  ...named(DICTS, { AttributeDict: { make: map } }),
  // protocols 0 and 1 construct objects of Python classes with it
  ...named(['copyreg', 'copy_reg'], { _reconstructor: { make: reconstruct } }),
  ...named(['_codecs'], { encode: { make: (value) => raw(value) } }),
  ...named(['numpy'], { dtype: numpyType, ndarray: { make: empty } }),
  ...named(['numpy.core.multiarray', 'numpy._core.multiarray'], { _reconstruct: numpyArray, scalar: numpyScalar }),
  ...named(['numpy._core._internal'], { _convert_to_stringdtype_kwargs: numpyStrings }),
  ...named(['numpy.core.numeric', 'numpy._core.numeric'], { _frombuffer: { make: ndArray } }),
])
