import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInflateRaw, inflateRawSync } from 'node:zlib'
import { cut, LvmError } from '../errors.js'

/** One file of an archive or a folder. */
export interface Member {
  /** With forward slashes. */
  readonly name: string
  readonly size: number
  /** Its CRC-32, where the archive states one. */
  readonly crc?: number
  chunks(): Chunks
}
/** A file's bytes, piece by piece. */
export type Chunks = AsyncIterable<Buffer>

const END = 0x06054b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50

const broken = (path: string, what: string) =>
  new LvmError('LIBTORCH_FETCH', `libtorch: expected a whole zip file but ${path} ${what}`, {
    hint: 'fetch it again, or unpack it yourself and use --from FOLDER',
  })

async function bytes(file: FileHandle, path: string, start: number, length: number): Promise<Buffer> {
  const { size } = await file.stat()
  if (start + length > size) throw broken(path, 'is cut short') // before Node aborts on a length that is no 32-bit number
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, start)
  if (bytesRead < length) throw broken(path, 'is cut short')
  return buffer
}

/** The files of a zip archive (stored or deflated, below 4 GB), as its central directory lists them. */
export async function zipMembers(path: string): Promise<Member[]> {
  const file = await open(path)
  try {
    return await members(file, path)
  } catch (error) {
    if (error instanceof LvmError) throw error
    throw broken(path, `has a directory that cannot be read: ${cut((error as Error).message)}`) // sizes in it that lie outside the file
  } finally {
    await file.close()
  }
}

async function members(file: FileHandle, path: string): Promise<Member[]> {
  const { size } = await file.stat()
  const tail = await bytes(file, path, Math.max(0, size - 65_557), Math.min(size, 65_557))
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0 || tail.length < end + 22 || tail.readUInt32LE(end) !== END) throw broken(path, 'has no directory at its end')
  const [count, length, start] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
  if (start === 0xffffffff || count === 0xffff) throw broken(path, 'is a zip64 file, which is not read here')
  const directory = await bytes(file, path, start, length)
  const found: Member[] = []
  for (let at = 0; found.length < count; ) {
    if (at + 46 > length || directory.readUInt32LE(at) !== ENTRY) throw broken(path, 'has a damaged directory')
    const [packed, size, offset] = [
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 42),
    ]
    const [name, extra, note] = [
      directory.readUInt16LE(at + 28),
      directory.readUInt16LE(at + 30),
      directory.readUInt16LE(at + 32),
    ]
    const method = directory.readUInt16LE(at + 10)
    const text = directory.toString('utf8', at + 46, at + 46 + name)
    found.push({
      name: text,
      size,
      crc: directory.readUInt32LE(at + 16),
      chunks: () => contents(path, { text, method, packed, offset, size }),
    })
    at += 46 + name + extra + note
  }
  return found
}

interface Entry {
  readonly text: string
  readonly method: number
  readonly packed: number
  readonly offset: number
  readonly size: number
}

/** Errors: LIBTORCH_FETCH for more bytes than the directory says, as a bomb would give. */
async function* contents(path: string, entry: Entry): Chunks {
  let left = entry.size
  for await (const chunk of inflated(path, entry)) {
    left -= chunk.length
    if (left < 0) throw broken(path, `unpacks to more than its directory says at ${cut(entry.text)}`)
    yield chunk
  }
}

async function* inflated(path: string, m: Entry): Chunks {
  const file = await open(path)
  try {
    const header = await bytes(file, path, m.offset, 30)
    if (header.readUInt32LE(0) !== LOCAL || (m.method !== 0 && m.method !== 8))
      throw broken(path, `cannot be read at ${cut(m.text)}`)
    // The local header's name and extra field may be longer than the directory's.
    const start = m.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
    if (m.packed < 1 << 20) {
      const packed = await bytes(file, path, start, m.packed)
      yield m.method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, m.size) })
      return
    }
    const raw = file.createReadStream({ start, end: start + m.packed - 1, autoClose: false, highWaterMark: 1 << 20 })
    yield* m.method === 0 ? raw : raw.compose(createInflateRaw({ chunkSize: 1 << 20 }))
  } catch (error) {
    if (error instanceof LvmError) throw error
    throw broken(path, `cannot be inflated at ${cut(m.text)}: ${(error as Error).message}`)
  } finally {
    await file.close()
  }
}

/** A file as a member; links are followed. */
export const fileMember = async (path: string, name: string): Promise<Member> => ({
  name,
  size: (await stat(path)).size,
  chunks: () => createReadStream(path),
})

/** The files below a folder, their names beginning with `prefix`. */
export async function folderMembers(folder: string, prefix: string): Promise<Member[]> {
  const found: Member[] = []
  for (const entry of await readdir(folder)) {
    const [path, name] = [join(folder, entry), `${prefix}/${entry}`]
    if ((await stat(path)).isDirectory()) found.push(...(await folderMembers(path, name)))
    else found.push(await fileMember(path, name))
  }
  return found
}
