import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { textHash } from './hash.js'
import { names } from './leftovers.js'
import { publish } from './write.js'

/** Stored bytes, and facts about them. */
export interface CacheEntry<About extends object> {
  readonly about: About
  readonly bytes: Uint8Array
}

const ENDING = '.cache'
const fileOf = (folder: string, key: string) => join(folder, `${textHash(key).slice(0, 32)}${ENDING}`)
/** Bytes of several arrays, one after the other. */
export const joinBytes = (parts: readonly NodeJS.ArrayBufferView[]): Uint8Array =>
  Buffer.concat(parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)))

/** First line of an entry. */
interface Head {
  readonly key: string
  readonly about: object
  /** SHA-256 of the rest of this line and of the bytes. */
  readonly digest: string
}
const digestOf = (key: string, about: object, bytes: Uint8Array): string =>
  createHash('sha256')
    .update(JSON.stringify([key, about]))
    .update('\n')
    .update(bytes)
    .digest('hex')

/** Entry of a key; undefined when there is none, or when its file is of another key, cut short or damaged. */
export async function readEntry<About extends object>(folder: string, key: string): Promise<CacheEntry<About> | undefined> {
  const path = fileOf(folder, key)
  try {
    const file = await readFile(path)
    const end = file.indexOf(10)
    const head = JSON.parse(file.toString('utf8', 0, end)) as Head
    const bytes = Uint8Array.from(file.subarray(end + 1)) // a copy is aligned for numbers of any size
    if (head.key !== key || head.digest !== digestOf(key, head.about, bytes)) return undefined
    const now = new Date()
    await utimes(path, now, now).catch(() => {}) // the least recently used entries are removed first
    return { about: head.about as About, bytes }
  } catch {
    return undefined
  }
}

/** Removes the least recently used entries beyond `most` bytes, never the one just written. */
async function shrink(folder: string, most: number, written: string): Promise<void> {
  const found: { path: string; bytes: number; used: number }[] = []
  for (const name of await names(folder)) {
    if (!name.endsWith(ENDING)) continue
    const path = join(folder, name)
    const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 })) // another process may have removed it
    found.push({ path, bytes: size, used: path === written ? Infinity : mtimeMs })
  }
  let left = found.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { path, bytes } of found.sort((a, b) => a.used - b.used)) {
    if (left <= most || path === written) break
    await rm(path, { force: true })
    left -= bytes
  }
}

/**
 * Stores an entry, and keeps the folder below `most` bytes; an entry of more than half of that is not stored.
 *
 * The file appears whole or not at all, whoever else writes it. Errors are ignored: the entry is made again the next time.
 */
export async function writeEntry(folder: string, key: string, { about, bytes }: CacheEntry<object>, most: number): Promise<void> {
  if (bytes.length > most / 2) return
  const path = fileOf(folder, key)
  const head: Head = { key, about, digest: digestOf(key, about, bytes) }
  try {
    await mkdir(folder, { recursive: true })
    await publish({ [path]: [`${JSON.stringify(head)}\n`, bytes] })
    await shrink(folder, most, path)
  } catch {}
}
