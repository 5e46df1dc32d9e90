import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceText } from '../files/write.js'
import type { BaselineName } from './baselines-fit.js'
import type { Rows } from './baselines-rows.js'

/** One baseline's figures, as written to validation_results.json. */
export interface BaselineFigures {
  readonly cosine: number
  /** Null without training rows, because there is no mean to subtract. */
  readonly cosine_centred: number | null
  readonly mse_raw: number
  readonly mse_unit: number
  readonly params: Readonly<Record<string, number>>
}

/** Figures of all baselines on the same windows. */
export interface BaselineResults {
  readonly figures: Readonly<Partial<Record<BaselineName, BaselineFigures>>>
  /** One cosine per window, in the order of `rows.ids`. */
  readonly cosines: Readonly<Partial<Record<BaselineName, Float64Array>>>
  /** Mean of the training targets. */
  readonly centre: Float64Array | null
}

/** Part of the cache key. Raise it when a change of code changes a baseline's result. */
const VERSION = 2

const sha256 = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const bytes = (array: Int32Array | Float64Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function rowsKey({ base, windows, ids }: Rows): string {
  const columns = [windows.first, windows.target, windows.article].map((column) => bytes(ids.map((id) => column[id]!)))
  return sha256(`${base.hash} ${base.part} ${base.normalized} ${windows.context} ${windows.dim} ${ids.length} `, ...columns)
}

/** Hash of everything the baselines depend on: data, training windows, evaluated windows, context. */
export const cacheKey = (train: Rows | undefined, rows: Rows): string =>
  sha256(`${VERSION} ${train === undefined ? '' : rowsKey(train)} ${rowsKey(rows)}`)

const fileName = (key: string) => `baselines-${key.slice(0, 16)}.json`
const pack = (values: Float64Array) => Buffer.from(bytes(values)).toString('base64')
const unpack = (text: string) => new Float64Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer)
const mapped = <A, B>(record: Readonly<Partial<Record<BaselineName, A>>>, f: (value: A) => B): Partial<Record<BaselineName, B>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]))

interface Packed {
  readonly figures: BaselineResults['figures']
  readonly cosines: Partial<Record<BaselineName, string>>
  readonly centre: string | null
}

/** Cached results for a key; undefined when there are none or the file's digest does not match. */
export async function readCached(folder: string, key: string): Promise<BaselineResults | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(folder, fileName(key)), 'utf8')) as {
      key: string
      digest: string
      packed: Packed
    }
    if (stored.key !== key || stored.digest !== sha256(JSON.stringify(stored.packed))) return undefined
    const { figures, cosines, centre } = stored.packed
    return { figures, cosines: mapped(cosines, unpack), centre: centre === null ? null : unpack(centre) }
  } catch {
    return undefined
  }
}

/** Caches results for the next evaluation. Write errors are ignored: the next evaluation computes the results again. */
export async function writeCached(folder: string, key: string, { figures, cosines, centre }: BaselineResults): Promise<void> {
  const packed: Packed = { figures, cosines: mapped(cosines, pack), centre: centre && pack(centre) }
  try {
    await mkdir(folder, { recursive: true })
    await replaceText(folder, fileName(key), JSON.stringify({ key, digest: sha256(JSON.stringify(packed)), packed }))
  } catch {}
}
