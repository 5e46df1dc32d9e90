import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LvmError } from '../errors.js'

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** Free bytes for this user where a folder is, or will be. */
async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error
    return freeBytes(dirname(folder))
  }
}

/** Makes sure that so much can be written. Errors: NO_DISK with the figures. */
export async function requireDisk(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free < bytes) {
    throw new LvmError('NO_DISK', `${folder}: expected ${megabytes(bytes)} of free disk space but there are ${megabytes(free)}`)
  }
}

/** A full disk as NO_DISK with the figures and what is still safe; any other error as it is. */
export async function diskError(error: unknown, folder: string, safe: string): Promise<unknown> {
  const code = (error as NodeJS.ErrnoException).code
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'NO_DISK') return error
  if (error instanceof LvmError) return new LvmError('NO_DISK', `${error.message}; ${safe}`, { cause: error })
  const why = code === 'EDQUOT' ? 'the disk quota is used up' : `the disk is full (${megabytes(await freeBytes(folder))} free)`
  return new LvmError('NO_DISK', `${folder}: ${why}; ${safe}`, { cause: error })
}
