import { createHash } from 'node:crypto'
import { LvmError, shown } from '../errors.js'
import { fileSize, streamBytes } from './read-file.js'

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

/** SHA-256 of a file, in hex; `read` receives the number of bytes read so far. */
export async function sha256(path: string, read: (bytes: number) => void = () => {}): Promise<string> {
  const hash = createHash('sha256')
  let done = 0
  for await (const piece of streamBytes(path, 0, await fileSize(path))) {
    hash.update(piece)
    done += piece.length
    read(done)
  }
  return hash.digest('hex')
}
