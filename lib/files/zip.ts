import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { badCrc, checkCrc, collect, damaged, drain, fileSize, type Read, readBytes, streamBytes } from './read-file.js'

/** One file inside a zip. */
export interface ZipEntry {
  readonly name: string
  readonly method: number
  readonly size: number
  readonly packed: number
  readonly crc: number
  readonly header: number
}
export interface Zip {
  readonly path: string
  /** Offset of the central directory; entries end before it. */
  readonly end: number
  readonly entries: ReadonlyMap<string, ZipEntry>
  readonly limits: Limits
}

const STORED = 0
const DEFLATED = 8
/** Maximum compression ratio of deflate; an entry that claims more is refused. */
const MAX_RATIO = 1032

/** Reads an unsigned 64-bit integer; values above 2^53 become Infinity, so that every bounds check refuses them. */
const u64 = (bytes: Buffer, at: number): number => {
  const value = bytes.readBigUInt64LE(at)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Infinity
}

interface Directory {
  readonly offset: number
  readonly length: number
  readonly count: number
}
async function directory(path: string, size: number, limits: Limits): Promise<Directory> {
  const tail = await readBytes(path, size - Math.min(size, 65_557), Math.min(size, 65_557))
  let at = tail.length - 22
  while (at >= 0 && !(tail.readUInt32LE(at) === 0x06054b50 && at + 22 + tail.readUInt16LE(at + 20) === tail.length)) at--
  if (at < 0) throw damaged(path, 'expected a zip file but it has no end record: it is truncated or something else')
  const found = { count: tail.readUInt16LE(at + 10), length: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) }
  const end = size - tail.length + at
  if (at < 20 || tail.readUInt32LE(at - 20) !== 0x07064b50) return checked(path, found, end, limits)
  const record = u64(tail, at - 12)
  if (record + 56 > end) throw damaged(path, 'its zip64 end record lies outside the file')
  const big = await readBytes(path, record, 56)
  if (big.readUInt32LE(0) !== 0x06064b50) throw damaged(path, 'its zip64 end record is damaged')
  return checked(path, { count: u64(big, 32), length: u64(big, 40), offset: u64(big, 48) }, record, limits)
}

function checked(path: string, d: Directory, end: number, { zipDirectoryBytes, zipEntries }: Limits): Directory {
  if (d.offset + d.length > end || d.count * 46 > d.length) throw damaged(path, 'its zip directory lies outside the file')
  if (d.length > zipDirectoryBytes) throw damaged(path, `expected a zip directory of at most ${zipDirectoryBytes} bytes`)
  if (d.count > zipEntries) throw damaged(path, `expected a zip of at most ${zipEntries} files but it holds ${d.count}`)
  return d
}

/** Reads the sizes that do not fit 32 bits from the zip64 extra field, where they have this order. */
function widen(path: string, extra: Buffer, narrow: { size: number; packed: number; header: number }) {
  const wide = { ...narrow }
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    const field = extra.subarray(at + 4, at + 4 + length)
    at += 4 + length
    if (extra.readUInt16LE(at - 4 - length) !== 1) continue
    let next = 0
    for (const key of ['size', 'packed', 'header'] as const) {
      if (narrow[key] !== 0xffffffff) continue
      if (next + 8 > field.length) throw damaged(path, 'a zip64 field is too short')
      wide[key] = u64(field, next)
      next += 8
    }
  }
  return wide
}

const isUnsafeName = (name: string) =>
  name === '' || name.includes('\0') || name.includes('\\') || name.startsWith('/') || name.split('/').includes('..')

function parseEntry(path: string, bytes: Buffer, at: number, end: number): { entry: ZipEntry; next: number } {
  if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) throw damaged(path, 'its zip directory is damaged')
  const nameEnd = at + 46 + bytes.readUInt16LE(at + 28)
  const extraEnd = nameEnd + bytes.readUInt16LE(at + 30)
  const next = extraEnd + bytes.readUInt16LE(at + 32)
  if (next > bytes.length) throw damaged(path, 'its zip directory is damaged')
  const name = bytes.toString('utf8', at + 46, nameEnd)
  if (isUnsafeName(name)) throw damaged(path, `the entry name ${JSON.stringify(name)} is not allowed`)
  if (bytes.readUInt16LE(at + 8) & 1) throw damaged(path, `"${name}" is encrypted`)
  const narrow = { size: bytes.readUInt32LE(at + 24), packed: bytes.readUInt32LE(at + 20), header: bytes.readUInt32LE(at + 42) }
  const sizes = widen(path, bytes.subarray(nameEnd, extraEnd), narrow)
  const method = bytes.readUInt16LE(at + 10)
  if (sizes.header + 30 + sizes.packed > end) throw damaged(path, `"${name}" lies outside the file`)
  const plausible = method === STORED ? sizes.size === sizes.packed : sizes.size <= sizes.packed * MAX_RATIO + 64
  if (!plausible) throw damaged(path, `"${name}" claims ${sizes.size} bytes, which its ${sizes.packed} stored bytes cannot hold`)
  return { entry: { name, method, crc: bytes.readUInt32LE(at + 16), ...sizes }, next }
}

/** Reads the directory of a zip file and checks every size and offset against the file. Errors: DATA_FORMAT, FILE_MISSING. */
export async function openZip(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Zip> {
  const { offset, length, count } = await directory(path, await fileSize(path), limits)
  const bytes = await readBytes(path, offset, length)
  const entries = new Map<string, ZipEntry>()
  for (let i = 0, at = 0; i < count; i++) {
    const { entry, next } = parseEntry(path, bytes, at, offset)
    if (entries.has(entry.name)) throw damaged(path, `it holds "${entry.name}" twice`)
    entries.set(entry.name, entry)
    at = next
  }
  let reached = 0
  for (const entry of [...entries.values()].sort((a, b) => a.header - b.header)) {
    if (entry.header < reached) throw damaged(path, `"${entry.name}" overlaps another entry`)
    reached = entry.header + 30 + entry.packed
  }
  return { path, end: offset, entries, limits }
}

/** Offset of the data of an entry in the file; `bytes` start at its local header. Errors: DATA_FORMAT. */
export function offsetIn(zip: Zip, entry: ZipEntry, bytes: Buffer): number {
  const name = Buffer.from(entry.name)
  const offset = entry.header + 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28)
  const same =
    bytes.readUInt32LE(0) === 0x04034b50 && bytes.readUInt16LE(8) === entry.method && bytes.readUInt16LE(26) === name.length
  if (!same || offset + entry.packed > zip.end) throw damaged(zip.path, `the local header of "${entry.name}" is damaged`)
  if (!bytes.subarray(30, 30 + name.length).equals(name))
    throw damaged(zip.path, `the local header of "${entry.name}" names another file`)
  return offset
}

/** Reads the local header of an entry and returns the offset of its data. Errors: DATA_FORMAT. */
export async function entryOffset(
  zip: Zip,
  entry: ZipEntry,
  read: Read = (at, n) => readBytes(zip.path, at, n),
): Promise<number> {
  return offsetIn(zip, entry, await read(entry.header, 30 + Buffer.byteLength(entry.name)))
}

export const isStored = (entry: ZipEntry): boolean => entry.method === STORED

async function* inflate(zip: Zip, entry: ZipEntry, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: 1 << 18 })
  const fed = pipeline(packed, inflater).catch(() => {}) // the iterator below throws the same error
  let size = 0
  try {
    for await (const piece of inflater) {
      size += (piece as Buffer).length
      if (size > entry.size) break
      yield piece as Buffer
    }
    await fed
  } catch (error) {
    throw damaged(zip.path, `"${entry.name}" cannot be inflated`, error)
  }
  if (size !== entry.size) throw damaged(zip.path, `"${entry.name}" does not inflate to the ${entry.size} bytes it claims`)
}

/** Streams the decompressed bytes of an entry; size and CRC-32 are verified at the end. Errors: DATA_FORMAT. */
export async function* streamEntry(zip: Zip, entry: ZipEntry): AsyncGenerator<Buffer> {
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw damaged(
      zip.path,
      `"${entry.name}" uses compression method ${entry.method}; only stored and deflated entries are supported`,
    )
  }
  const { unpackedBytes, unpackedRatio } = zip.limits
  const most = unpackedBytes + unpackedRatio * entry.packed
  if (!isStored(entry) && entry.size > most)
    throw damaged(zip.path, `"${entry.name}" unpacks from ${entry.packed} bytes to ${entry.size}; at most ${most} are unpacked`)
  const packed = streamBytes(zip.path, await entryOffset(zip, entry), entry.packed)
  yield* checkCrc(zip.path, entry.name, isStored(entry) ? packed : inflate(zip, entry, packed), entry.crc)
}

/** Stored entries up to this size are read in one call, so that the file is not opened once per entry. Units: bytes. */
const SMALL = 1 << 20

/** Verifies the checksum of an entry. Errors: DATA_FORMAT. */
export async function verifyEntry(zip: Zip, entry: ZipEntry, read: Read): Promise<void> {
  const isSmall = isStored(entry) && entry.packed <= SMALL
  const bytes = isSmall ? await read(await entryOffset(zip, entry, read), entry.packed) : undefined
  if (bytes === undefined) await drain(streamEntry(zip, entry))
  else if (crc32(bytes) !== entry.crc) throw badCrc(zip.path, entry.name)
}

/** Reads all bytes of an entry. Errors: DATA_FORMAT. */
export async function readEntry(zip: Zip, entry: ZipEntry): Promise<Buffer> {
  if (entry.size > zip.limits.pickleBytes) throw damaged(zip.path, `"${entry.name}" is too large to be read at once`)
  return collect(zip.path, streamEntry(zip, entry), entry.size)
}
