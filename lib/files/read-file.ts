import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { LvmError } from '../errors.js'

/** Makes the error for a damaged or unexpected file: DATA_FORMAT. */
export const damaged = (path: string, sentence: string, cause?: unknown, hint?: string): LvmError =>
  new LvmError('DATA_FORMAT', `${path}: ${sentence}`, {
    ...(cause !== undefined && { cause }),
    ...(hint !== undefined && { hint }),
  })

/** Size of a file. Errors: FILE_MISSING; DATA_FORMAT for a folder. Units: bytes. */
export async function fileSize(path: string): Promise<number> {
  const found = await stat(path).catch((cause) => {
    throw new LvmError('FILE_MISSING', `${path}: expected a file but there is none`, { cause })
  })
  if (!found.isFile()) throw damaged(path, 'expected a file but it is not one')
  return found.size
}

/** Fingerprint of a file from its metadata: device, inode, size and modification time. */
export async function fileStamp(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
  return [dev, ino, size, mtimeNs].join(' ')
}

/** Size limit of one read: Node aborts the process from 2^31 bytes on. Units: bytes. */
const READ_BYTES = 1 << 30

/** Reads a part of a file. */
export type Read = (offset: number, length: number) => Promise<Buffer>

/** Opens a file once for many small reads. Errors: DATA_FORMAT for a read beyond its end. */
export async function withFile<T>(path: string, use: (read: Read) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return await use(async (offset, length) => {
      if (offset + length > size) throw damaged(path, `expected ${offset + length} bytes at least but it holds ${size}`)
      const bytes = Buffer.allocUnsafe(length)
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, Math.min(length - done, READ_BYTES), offset + done)
        if (bytesRead === 0) throw damaged(path, 'it became shorter while it was read')
        done += bytesRead
      }
      return bytes
    })
  } finally {
    await file.close()
  }
}

/** Reads a part of a file. Errors: DATA_FORMAT when the file is too short. */
export const readBytes = (path: string, offset: number, length: number): Promise<Buffer> =>
  withFile(path, (read) => read(offset, length))

/** Streams a part of a file. Errors: DATA_FORMAT when the file is too short. */
export async function* streamBytes(path: string, offset: number, length: number): AsyncGenerator<Buffer> {
  if (length === 0) return
  let left = length
  for await (const piece of createReadStream(path, { start: offset, end: offset + length - 1, highWaterMark: 1 << 20 })) {
    left -= (piece as Buffer).length
    yield piece as Buffer
  }
  if (left !== 0) throw damaged(path, `expected ${offset + length} bytes at least but it ends ${left} earlier`)
}

/** Joins a stream into one buffer. Errors: DATA_FORMAT when it does not have exactly `length` bytes. */
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

/** Reads a stream to its end, so that its checks run. */
export async function drain(pieces: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of pieces);
}

export const badCrc = (path: string, name: string): LvmError =>
  damaged(path, `"${name}" is damaged: its CRC-32 differs from the stored one`)

/** Passes pieces through and verifies their CRC-32 at the end. Errors: DATA_FORMAT. */
export async function* checkCrc(path: string, name: string, pieces: AsyncIterable<Buffer>, crc: number): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const piece of pieces) {
    seen = crc32(piece, seen)
    yield piece
  }
  if (seen !== crc) throw badCrc(path, name)
}
