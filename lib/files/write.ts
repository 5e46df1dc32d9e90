import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError } from '../errors.js'
import { ownLeftover, removeAtExit, removeStale } from './leftovers.js'

type Piece = string | NodeJS.ArrayBufferView
/** Content of a file: complete, or in pieces that are made during the write. */
export type Content = Piece | Iterable<Piece> | AsyncIterable<Piece>

/** Size limit of one write call: the system accepts less than 2 GiB. Units: bytes. */
const CHUNK = 64 << 20
/** Texts are joined into pieces of this size. Units: characters. */
const TEXT_PIECE = 1 << 20

/** Makes a unique temporary path in a folder; the file is removed when the process exits. */
export function temporary(folder: string, ending = ''): string {
  removeAtExit(folder)
  return join(folder, `${ownLeftover}${randomBytes(6).toString('hex')}${ending}`)
}

/** Writes all bytes in chunks, and repeats after partial writes. */
export async function writeAll(file: Pick<FileHandle, 'write'>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(CHUNK, bytes.length - at))
    if (bytesWritten === 0) throw Object.assign(new Error('the system wrote no byte'), { code: 'ENOSPC' })
    at += bytesWritten
  }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array> {
  let lines = ''
  for await (const piece of typeof content === 'string' || ArrayBuffer.isView(content) ? [content] : content) {
    if (typeof piece === 'string') lines += piece
    if (lines !== '' && (lines.length > TEXT_PIECE || typeof piece !== 'string')) {
      yield Buffer.from(lines)
      lines = ''
    }
    if (typeof piece !== 'string') yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
  }
  if (lines !== '') yield Buffer.from(lines)
}

/** Writes a new file and syncs it to disk; `called` is its name in errors. Errors: NO_DISK, FILE_ACCESS, OPEN_FILES, those of the content. */
export async function writeNew(path: string, content: Content, called = path): Promise<void> {
  const coded = (error: unknown): never => {
    throw fileError(error, `could not write ${called}`)
  }
  const file = await open(path, 'wx').catch(coded)
  try {
    for await (const piece of pieces(content)) await writeAll(file, piece).catch(coded)
    await file.sync().catch(coded)
  } finally {
    await file.close().catch(coded)
  }
}

/** Syncs a file to disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Syncs the entries of a folder to disk, where the system supports it. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Copies a file (copy-on-write where the file system supports it) and syncs it to disk. */
export async function copyWhole(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await syncFile(to)
  } catch (error) {
    throw fileError(error, `could not write ${to}`)
  }
}

/**
 * Writes files atomically: all are written under temporary names and then renamed, so a reader sees the old file or the new one.
 *
 * Missing folders are created.
 * Errors: NO_DISK, FILE_ACCESS, OPEN_FILES, those of the contents; on a failed write no file has changed.
 */
export async function publish(files: Readonly<Record<string, Content>>): Promise<void> {
  const folders = [...new Set(Object.keys(files).map((path) => dirname(path)))]
  const written = new Map(Object.keys(files).map((path) => [path, temporary(dirname(path))]))
  let at = ''
  try {
    for (at of folders) {
      await mkdir(at, { recursive: true })
      await removeStale(at)
    }
    for (const [path, content] of Object.entries(files)) {
      at = path
      await writeNew(written.get(path)!, content, path)
    }
    for (const [path, part] of written) {
      at = path
      await rename(part, path)
    }
    for (at of folders) await syncFolder(at)
  } catch (error) {
    throw fileError(error, `could not write ${at}`)
  } finally {
    for (const part of written.values()) await rm(part, { force: true }).catch(() => {})
  }
}

/** Replaces a text file atomically. */
export const replaceText = (folder: string, name: string, text: string): Promise<void> => publish({ [join(folder, name)]: text })

/** Replaces a small text file atomically and synchronously. */
export function publishSync(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const part = temporary(dirname(path))
  try {
    const file = openSync(part, 'wx')
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(part, path)
  } finally {
    rmSync(part, { force: true })
  }
}
