import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { LvmError } from '../errors.js'

/** The one error for a file that is not what it should be. */
export const damaged = (path: string, sentence: string, cause?: unknown, hint?: string): LvmError =>
  new LvmError('DATA_FORMAT', `${path}: ${sentence}`, {
    ...(cause !== undefined && { cause }),
    ...(hint !== undefined && { hint }),
  })

/** The bytes a file holds. Errors: FILE_MISSING, DATA_FORMAT for a folder. */
export async function fileSize(path: string): Promise<number> {
  const found = await stat(path).catch((cause) => {
    throw new LvmError('FILE_MISSING', `${path}: expected a file but there is none`, { cause })
  })
  if (!found.isFile()) throw damaged(path, 'expected a file but it is not one')
  return found.size
}

/** Changes with the content of a file, with the file system's word for it. */
export async function fileStamp(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
  return [dev, ino, size, mtimeNs].join(' ')
}

/** The most that one read asks for: Node aborts the process from 2^31 on. Units: bytes */
const AT_ONCE = 1 << 30

/** Reads a part of a file. */
export type Read = (offset: number, length: number) => Promise<Buffer>

/** Opens a file once for many small reads. Errors: DATA_FORMAT for a part that lies behind its end. */
export async function withFile<T>(path: string, use: (read: Read) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return await use(async (offset, length) => {
      if (offset + length > size) throw damaged(path, `expected ${offset + length} bytes at least but it holds ${size}`)
      const bytes = Buffer.allocUnsafe(length)
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, Math.min(length - done, AT_ONCE), offset + done)
        if (bytesRead === 0) throw damaged(path, 'it became shorter while it was read')
        done += bytesRead
      }
      return bytes
    })
  } finally {
    await file.close()
  }
}

/** A part of a file. Errors: DATA_FORMAT when the file ends before it. */
export const readBytes = (path: string, offset: number, length: number): Promise<Buffer> =>
  withFile(path, (read) => read(offset, length))

/** A part of a file, piece by piece. */
export async function* streamBytes(path: string, offset: number, length: number): AsyncGenerator<Buffer> {
  if (length === 0) return
  let left = length
  for await (const piece of createReadStream(path, { start: offset, end: offset + length - 1, highWaterMark: 1 << 20 })) {
    left -= (piece as Buffer).length
    yield piece as Buffer
  }
  if (left !== 0) throw damaged(path, `expected ${offset + length} bytes at least but it ends ${left} earlier`)
}

/** The pieces of a stream as one buffer of exactly `length` bytes. */
export async function collect(path: string, pieces: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let held = 0
  for await (const piece of pieces) {
    parts.push(piece)
    held += piece.length
  }
  if (held !== length) throw damaged(path, `expected ${length} bytes but received ${held}`)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, held)
}

/** Reads a stream to its end for the sake of its checks. */
export async function drain(pieces: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of pieces);
}

export const badCrc = (path: string, name: string): LvmError =>
  damaged(path, `"${name}" is damaged: its CRC-32 is not the one that was stored`)

/** Passes pieces on, and fails at their end when their CRC-32 is another one. */
export async function* checkCrc(path: string, name: string, pieces: AsyncIterable<Buffer>, crc: number): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const piece of pieces) {
    seen = crc32(piece, seen)
    yield piece
  }
  if (seen !== crc) throw badCrc(path, name)
}
