import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError, LvmError } from '../errors.js'
import { bytes } from '../show.js'

/** Free bytes for this user on the disk of a folder, which need not exist yet. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error
    return freeBytes(dirname(folder))
  }
}

/** Requires this many free bytes. Errors: NO_DISK with needed and free bytes. */
export async function requireDisk(folder: string, needed: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free < needed) {
    throw new LvmError('NO_DISK', `${folder}: expected ${bytes(needed)} of free disk space but there are ${bytes(free)}`)
  }
}

/** Adds to the error of a failed save a sentence about the intact files and, for a full disk, the free bytes. */
export async function saveError(error: unknown, folder: string, safe: string): Promise<unknown> {
  const known = fileError(error, `could not save in ${folder}`)
  if (!(known instanceof LvmError)) return error
  const full = known.code === 'NO_DISK' && (await freeBytes(folder).catch(() => undefined))
  const free = typeof full === 'number' ? ` (${bytes(full)} free)` : ''
  return new LvmError(known.code, `${known.message}${free}; ${safe}`, { cause: error, hint: known.commandHint })
}
