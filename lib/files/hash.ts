import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { LvmError, shown } from '../errors.js'
import { damaged, fileSize } from './read-file.js'

/** Bytes read at once. */
const PIECE = 1 << 20

const ordered = (key: string, value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new LvmError('INTERNAL', `canonical JSON: expected a finite number for "${key}" but received ${shown(value)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Writes JSON with sorted keys and no spaces, so that equal values give equal text. Errors: INTERNAL for NaN and Inf, which JSON lacks. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, ordered)

/** SHA-256 of a text, in hex. */
export const textHash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** SHA-256 of a value's canonical JSON, in hex; it identifies specs, data cards and manifests. */
export const jsonHash = (value: unknown): string => textHash(canonicalJson(value))

/** SHA-256 of a file, in hex; `read` receives the number of bytes read so far. Errors: FILE_MISSING; DATA_FORMAT if it becomes shorter. */
export async function sha256(path: string, read: (bytes: number) => void = () => {}): Promise<string> {
  const size = await fileSize(path)
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, PIECE)) // one for all pieces: fresh ones cost as much as the hash
  const file = await open(path)
  try {
    for (let done = 0; done < size; read(done)) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - done), done)
      if (bytesRead === 0) throw damaged(path, `expected ${size} bytes at least but it ends ${size - done} earlier`)
      hash.update(buffer.subarray(0, bytesRead))
      done += bytesRead
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}
