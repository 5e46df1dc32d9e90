import { type Read, withFile } from '../files/read-file.js'

/** The dynamic section of a shared library. Source: System V ABI, chapter 5; Linux Standard Base, «Symbol Versioning» */
export interface Elf {
  readonly needed: readonly string[]
  /** Search folders for `needed`, with `$ORIGIN`. */
  readonly searched: readonly string[]
  /** Versions that it needs from other libraries, such as `GLIBC_2.28`. */
  readonly versions: readonly string[]
}

const PROGRAM = { load: 1, dynamic: 2 }
const TAG = { needed: 1, strtab: 5, strsz: 10, rpath: 15, runpath: 29, verneed: 0x6ffffffe, verneednum: 0x6fffffff }
const HEADER_BYTES = 64
/** Upper bound on the string table and on the dynamic section; libtorch_cpu has 40 MB of names. Units: bytes */
const MOST = 256 << 20
/** Upper bound on the list of needed versions. Units: bytes */
const VERSION_BYTES = 1 << 16

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly bytes: number
}

const u64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at))

async function segments(read: Read): Promise<Segment[] | undefined> {
  const header = await read(0, HEADER_BYTES)
  const is64LittleEndian = header.length === HEADER_BYTES && header.toString('hex', 0, 6) === '7f454c460201'
  if (!is64LittleEndian) return undefined
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)]
  const table = await read(u64(header, 32), size * count)
  return Array.from({ length: count }, (_, i) => {
    const at = i * size
    return {
      type: table.readUInt32LE(at),
      offset: u64(table, at + 8),
      address: u64(table, at + 16),
      bytes: u64(table, at + 32),
    }
  })
}

/** Entries of the list of needed versions: one record per library, each with a chain of versions. */
function versionNames(list: Buffer, count: number, name: (at: number) => string): string[] {
  const found: string[] = []
  for (let i = 0, at = 0; i < count; i++) {
    let version = at + list.readUInt32LE(at + 8)
    for (let j = list.readUInt16LE(at + 2); j > 0; j--) {
      found.push(name(list.readUInt32LE(version + 8)))
      version += list.readUInt32LE(version + 12)
    }
    at += list.readUInt32LE(at + 12)
  }
  return found
}

/** Reads the libraries and versions that a shared library needs; undefined for a file that is not 64-bit little-endian ELF. */
export const readElf = (path: string): Promise<Elf | undefined> =>
  withFile(path, async (read) => {
    const all = await segments(read)
    const dynamic = all?.find(({ type }) => type === PROGRAM.dynamic)
    if (all === undefined || dynamic === undefined) return undefined
    /** Reads from an address to the end of its segment, at most `length` bytes. */
    const readAt = (address: number, length: number) => {
      const part = all.find((s) => s.type === PROGRAM.load && address >= s.address && address < s.address + s.bytes)
      const into = address - (part?.address ?? address)
      return part === undefined ? Buffer.alloc(0) : read(part.offset + into, Math.min(length, part.bytes - into))
    }
    const section = await read(dynamic.offset, Math.min(dynamic.bytes, MOST))
    const tags = Array.from(
      { length: section.length >> 4 },
      (_, i) => [u64(section, i << 4), u64(section, (i << 4) + 8)] as const,
    )
    const tagged = (tag: number) => tags.find(([t]) => t === tag)?.[1]
    const [table, size] = [tagged(TAG.strtab), tagged(TAG.strsz)]
    if (table === undefined || size === undefined || size > MOST) return undefined
    const names = await readAt(table, size)
    const name = (at: number) => names.toString('utf8', at, names.indexOf(0, at))
    const namesOf = (...wanted: number[]) => tags.filter(([tag]) => wanted.includes(tag)).map(([, at]) => name(at))
    const versions = tagged(TAG.verneed)
    const records = versions === undefined ? Buffer.alloc(0) : await readAt(versions, VERSION_BYTES)
    const count = records.length === 0 ? 0 : (tagged(TAG.verneednum) ?? 0)
    return {
      needed: namesOf(TAG.needed),
      searched: namesOf(TAG.rpath, TAG.runpath).flatMap((list) => list.split(':')),
      versions: [...new Set(versionNames(records, count, name))].sort(),
    }
  })
