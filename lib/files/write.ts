import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileError } from '../errors.js'
import { ownLeftover, removeAtExit, removeStale } from './leftovers.js'

type Piece = string | NodeJS.ArrayBufferView
/** What a file is to hold, whole or in pieces that are made as they are written. */
export type Content = Piece | Iterable<Piece> | AsyncIterable<Piece>

/** One call writes so much at most: the system takes less than 2 GiB at a time. Units: bytes. */
const CHUNK = 64 << 20
/** Lines are collected into pieces of this size. Units: characters. */
const LINES = 1 << 20

/** A name below a folder that nobody else uses, of this process and this machine; it is removed when the process exits. */
export function temporary(folder: string, ending = ''): string {
  removeAtExit(folder)
  return join(folder, `${ownLeftover}${randomBytes(6).toString('hex')}${ending}`)
}

/** Writes all bytes, in chunks, however few the system takes at a time. */
export async function writeAll(file: Pick<FileHandle, 'write'>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(CHUNK, bytes.length - at))
    if (bytesWritten === 0) throw Object.assign(new Error('the system took no byte'), { code: 'ENOSPC' })
    at += bytesWritten
  }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array> {
  let lines = ''
  for await (const piece of typeof content === 'string' || ArrayBuffer.isView(content) ? [content] : content) {
    if (typeof piece === 'string') lines += piece
    if (lines !== '' && (lines.length > LINES || typeof piece !== 'string')) {
      yield Buffer.from(lines)
      lines = ''
    }
    if (typeof piece !== 'string') yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
  }
  if (lines !== '') yield Buffer.from(lines)
}

/** Writes a new file and forces it onto the disk; `called` is its name in an error. Errors: NO_DISK, FILE_ACCESS, OPEN_FILES, those of the content. */
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

/** Forces a file's bytes onto the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Forces the names in a folder onto the disk, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** A copy with bytes of its own, forced onto the disk; file systems that can share blocks until one side changes do. */
export async function copyWhole(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await syncFile(to)
  } catch (error) {
    throw fileError(error, `could not write ${to}`)
  }
}

/**
 * Writes files by their paths, all of them before the first gets its name: a reader sees the old file or the new one, whatever happens.
 *
 * Folders are made where they are missing. Errors: NO_DISK, FILE_ACCESS, OPEN_FILES, those of the contents; then no file has changed.
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

/** Replaces a text file, as `publish` does. */
export const replaceText = (folder: string, name: string, text: string): Promise<void> => publish({ [join(folder, name)]: text })

/** Replaces a small text file at once, as `publish` does. */
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
