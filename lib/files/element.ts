/** Element types of tensors. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'

/** Type of the elements of a stored array. */
export interface ElementType {
  readonly kind: 'float' | 'bfloat' | 'int' | 'uint' | 'bool' | 'complex' | 'text' | 'bytes' | 'object' | 'unread'
  /** Bytes of one element; for objects, which have no fixed size, 0. */
  readonly size: number
  /** Name of an unsupported type in its file. */
  readonly name?: string
  /** Stored in big-endian order. */
  readonly swap: boolean
}

const KINDS: Readonly<Record<string, [ElementType['kind'], readonly number[]]>> = {
  f: ['float', [2, 4, 8]],
  i: ['int', [1, 2, 4, 8]],
  u: ['uint', [1, 2, 4, 8]],
  b: ['bool', [1]],
  c: ['complex', [8, 16]],
}

/** A type whose elements cannot be read; a file may hold such arrays beside the needed ones. */
export const unreadType = (name: string, size: number): ElementType => ({ kind: 'unread', size, swap: false, name })

/** Times, raw bytes and extended-precision numbers. */
const UNREAD = /^[<>|=]?([mM]8(\[[\w/]{1,20}\])?|V\d{1,7}|f(12|16)|c(24|32))$/

/** Parses a type string of numpy (`<f2`, `|b1`, `<U36`, `|O`); undefined for any other text. */
export function parseElementType(descr: string): ElementType | undefined {
  const [, order = '', letter = '', digits = ''] = /^([<>|=]?)([a-zA-Z])(\d{0,7})(?:\[[\w/]{1,20}\])?$/.exec(descr) ?? []
  const swap = order === '>'
  const size = Number(digits)
  if (letter === 'O') return { kind: 'object', size: 0, swap: false }
  if (letter === 'U') return { kind: 'text', size: size * 4, swap }
  if (letter === 'S' || letter === 'a') return { kind: 'bytes', size, swap: false }
  if (letter === 'V' && size === 2) return { kind: 'bfloat', size: 2, swap } // ml_dtypes stores bfloat16 this way
  const [kind, sizes] = KINDS[letter] ?? []
  if (kind !== undefined && sizes!.includes(size)) return { kind, size, swap: swap && size > 1 }
  return UNREAD.test(descr) ? unreadType(descr, size) : undefined
}

/** The tensor dtype with this element format, ignoring byte order; undefined when there is none. */
export function dtypeOf({ kind, size }: ElementType): DType | undefined {
  if (kind === 'bool') return 'bool'
  if (kind === 'bfloat') return 'bfloat16'
  if (kind === 'uint') return size === 1 ? 'uint8' : undefined
  return kind === 'float' || kind === 'int' || kind === 'complex' ? (`${kind}${size * 8}` as DType) : undefined
}

/** Name of an element type for messages: `float16`, `text[36]`, `object`. */
export function elementName({ kind, size, name }: ElementType): string {
  if (name !== undefined) return name
  if (kind === 'object' || kind === 'bool') return kind
  if (kind === 'text') return `text[${size / 4}]`
  return kind === 'bytes' ? `bytes[${size}]` : `${kind}${size * 8}`
}

/** An element as a plain value. */
export type Plain = number | bigint | string | boolean

function text32(bytes: Buffer, at: number, size: number, swap: boolean): string {
  let end = at + size
  while (end > at && bytes.readUInt32LE(end - 4) === 0) end -= 4
  let text = ''
  for (let i = at; i < end; i += 4) text += String.fromCodePoint(swap ? bytes.readUInt32BE(i) : bytes.readUInt32LE(i))
  return text
}

function text8(bytes: Buffer, at: number, size: number): string {
  let end = at + size
  while (end > at && bytes[end - 1] === 0) end--
  return bytes.toString('utf8', at, end)
}

const narrow = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

/** Converts the elements of an array to plain values; undefined for types without plain values. Errors: RangeError for text that is not Unicode. */
export function plainElements(bytes: Buffer, type: ElementType): Plain[] | undefined {
  const { kind, size, swap } = type
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const readers: Readonly<Record<string, (at: number) => Plain>> = {
    float4: (at) => view.getFloat32(at, !swap),
    float8: (at) => view.getFloat64(at, !swap),
    int1: (at) => view.getInt8(at),
    int2: (at) => view.getInt16(at, !swap),
    int4: (at) => view.getInt32(at, !swap),
    int8: (at) => narrow(view.getBigInt64(at, !swap)),
    uint1: (at) => view.getUint8(at),
    uint2: (at) => view.getUint16(at, !swap),
    uint4: (at) => view.getUint32(at, !swap),
    uint8: (at) => narrow(view.getBigUint64(at, !swap)),
    bool1: (at) => bytes[at] !== 0,
  }
  const read =
    kind === 'text'
      ? (at: number) => text32(bytes, at, size, swap)
      : kind === 'bytes'
        ? (at: number) => text8(bytes, at, size)
        : readers[`${kind}${size}`]
  return read && size > 0 ? Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => read(i * size)) : undefined
}

/** Number of elements of a shape; Infinity when the shape is invalid or the number exceeds 2^53. */
export function elements(shape: readonly unknown[]): number {
  let product = 1
  for (const n of shape) product *= Number.isSafeInteger(n) && (n as number) >= 0 ? (n as number) : Infinity
  return Number.isSafeInteger(product) ? product : shape.includes(0) && shape.every((n) => Number.isSafeInteger(n)) ? 0 : Infinity
}
