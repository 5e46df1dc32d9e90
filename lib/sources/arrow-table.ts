import { damaged, fileSize, type Read, readBytes, withFile } from '../files/read-file.js'
import { roomFor, unpackLz4Frame } from './lz4-frame.js'
import type { Column, Matrix, Table, Values } from './table.js'

type Flechette = typeof import('../packages/flechette.js')
type Codec = Parameters<Flechette['setCompressionCodec']>[1]
type Batch = ReturnType<Flechette['tableFromIPC']>['children'][number]['data'][number]

/** Kinds of a message, and of a type. Source: Arrow's Message.fbs and Schema.fbs. */
const [SCHEMA, BATCH] = [1, 3]
const [FLOAT, LIST, FIXED_LIST, LARGE_LIST] = [3, 12, 16, 21]
/** Longest metadata of one message. Units: bytes. */
const LONGEST = 64 << 20

let codecs: Promise<Flechette> | undefined
/** Loads the library with both codecs of Arrow. */
const library = (): Promise<Flechette> => {
  codecs ??= import('../packages/flechette.js').then((arrow) => {
    const encode = (bytes: Uint8Array) => bytes // nothing is written
    const sized = (decode: (bytes: Uint8Array, size: number) => Uint8Array) => ({ encode, decode }) as Codec // it also receives the size
    arrow.setCompressionCodec(arrow.CompressionType.LZ4_FRAME, sized(unpackLz4Frame))
    arrow.setCompressionCodec(
      arrow.CompressionType.ZSTD,
      sized((bytes, size) => arrow.decompressZstd(bytes, new Uint8Array(roomFor(bytes, size)))),
    )
    return arrow
  })
  return codecs
}

interface Message {
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Kind and body length of a message, from its metadata. Source: FlatBuffers' binary format. */
function envelope(meta: Buffer): { kind: number; body: number } {
  const table = meta.readUInt32LE(0)
  const fields = table - meta.readInt32LE(table)
  const at = (slot: number) => {
    const offset = slot < meta.readUInt16LE(fields) ? meta.readUInt16LE(fields + slot) : 0
    return offset === 0 ? undefined : table + offset
  }
  const [kind, body] = [at(6), at(10)]
  return { kind: kind === undefined ? 0 : meta[kind]!, body: body === undefined ? 0 : Number(meta.readBigInt64LE(body)) }
}

/** Reads the messages of an Arrow file or stream, one at a time. */
async function* messages(path: string, read: Read, size: number): AsyncGenerator<Message> {
  const magic = (await read(0, Math.min(8, size))).toString('latin1', 0, 6)
  let at = magic === 'ARROW1' ? 8 : 0
  while (at + 8 <= size) {
    const head = await read(at, 8)
    const marked = head.readInt32LE(0) === -1 // older files have no mark before the length
    const length = head.readInt32LE(marked ? 4 : 0)
    const start = at + (marked ? 8 : 4)
    if (length === 0) return
    if (length < 0 || length > LONGEST) throw damaged(path, 'the metadata of one of its messages is damaged')
    const { kind, body } = envelope(await read(start, length))
    if (!Number.isSafeInteger(body) || body < 0) throw damaged(path, 'the length of one of its messages is damaged')
    const end = start + length + body
    yield { kind, bytes: await read(at, end - at) }
    at = end
  }
}

/** The vectors of a batch without a copy, where they lie one after the other; undefined otherwise. */
function matrixOf(batch: Batch): Matrix | undefined {
  const { type, children, offsets, nullCount, length } = batch as unknown as {
    type: { typeId: number; stride?: number }
    children: { values: unknown; nullCount: number }[]
    offsets?: Int32Array | BigInt64Array
    nullCount: number
    length: number
  }
  const [child] = children ?? []
  const values = child?.values
  const known = values instanceof Float32Array || values instanceof Float64Array || values instanceof Uint16Array
  if (!known || nullCount > 0 || child!.nullCount > 0 || length === 0) return undefined
  if (type.typeId === FIXED_LIST) return { dim: type.stride!, values: values.subarray(0, length * type.stride!) }
  if (offsets === undefined) return undefined
  const [begin, next] = [Number(offsets[0]), Number(offsets[1])]
  const dim = next - begin
  for (let i = 0; i <= length; i++) if (Number(offsets[i]) !== begin + i * dim) return undefined
  return { dim, values: values.subarray(begin, begin + length * dim) }
}

/** Opens an Arrow file or stream, which is what Feather is too; it is read one record batch at a time. Errors: DATA_FORMAT. */
export async function arrowTable(path: string): Promise<Table> {
  const arrow = await library()
  const size = await fileSize(path)
  const decoded = (parts: readonly Uint8Array[]) => {
    try {
      return arrow.tableFromIPC([...parts])
    } catch (cause) {
      throw damaged(path, `it cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause)
    }
  }
  const columnOf = (field: { name: string; type: unknown }): Column => {
    const { typeId, children } = field.type as { typeId: number; children?: { type: { typeId: number; precision: number } }[] }
    const element = children?.[0]?.type
    const vectors = [LIST, FIXED_LIST, LARGE_LIST].includes(typeId) && element?.typeId === FLOAT
    return { name: field.name, kind: vectors ? 'vectors' : 'value', ...(vectors && element.precision === 0 && { half: true }) }
  }
  const schemaOf = async (read: Read) => {
    for await (const { kind, bytes } of messages(path, read, size)) if (kind === SCHEMA) return decoded([bytes]).schema
    throw damaged(path, 'expected an Arrow file but it holds no schema')
  }
  const { fields } = await withFile(path, schemaOf)
  const columns = fields.map(columnOf)
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const before: Uint8Array[] = [] // schema and dictionaries, which every batch needs
    for await (const { kind, bytes } of messages(path, (offset, length) => readBytes(path, offset, length), size)) {
      if (kind !== BATCH) before.push(bytes)
      else {
        const table = decoded([...before, bytes])
        yield new Map(
          wanted.map((name) => {
            const column = table.getChild(name)
            const [only, ...more] = column.data
            const matrix = only !== undefined && more.length === 0 ? matrixOf(only) : undefined
            return [name, matrix ?? Array.from(column)] as const
          }),
        )
      }
    }
  }
  return { path, format: 'arrow', columns, read }
}
