import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError, LvmError } from '../errors.js'
import { bytes } from '../show.js'

/** Free bytes for this user where a folder is, or will be. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error
    return freeBytes(dirname(folder))
  }
}

/** Makes sure that so much can be written. Errors: NO_DISK with the figures. */
export async function requireDisk(folder: string, needed: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free < needed) {
    throw new LvmError('NO_DISK', `${folder}: expected ${bytes(needed)} of free disk space but there are ${bytes(free)}`)
  }
}

/** An error of a save with what is still whole; a full disk with its figures. */
export async function saveError(error: unknown, folder: string, safe: string): Promise<unknown> {
  const known = fileError(error, `could not save in ${folder}`)
  if (!(known instanceof LvmError)) return error
  const full = known.code === 'NO_DISK' && (await freeBytes(folder).catch(() => undefined))
  const free = typeof full === 'number' ? ` (${bytes(full)} free)` : ''
  return new LvmError(known.code, `${known.message}${free}; ${safe}`, { cause: error, hint: known.commandHint })
}
