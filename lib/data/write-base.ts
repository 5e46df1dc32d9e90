import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { resolve as absolute, dirname } from 'node:path'
import { abortSignal, asyncDoor, callback, optional, withFields, word } from '../door.js'
import { fileError, LvmError } from '../errors.js'
import { syncFile, syncFolder, temporary, writeNew } from '../files/write.js'
import { asCalled } from '../hints.js'
import { type Given, resolve } from '../options.js'
import { sourceOf } from '../sources/source-path.js'
import { SIDED, writeTable, writtenEnding } from '../sources/write-table.js'
import { stoppedBy } from '../stages.js'
import type { Base } from './base.js'
import { baseTable } from './base-table.js'
import { convertFields } from './data-fields.js'
import { type Data, someData } from './given-data.js'
import { openBase } from './open.js'
import { cardOf } from './written-card.js'

/** Options of `writeBase`: any field of `convertFields`, and how to watch and end it. */
export interface WriteBaseOptions extends Given<typeof convertFields> {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly rows: number; readonly of: number }) => void
}
/** Result of `writeBase`. */
export interface WrittenBase {
  readonly version: 1
  readonly path: string
  readonly side_file: string | null
  readonly card: string | null
  readonly rows: number
  readonly dim: number
  readonly articles: number | null
  readonly content_hash: string
}

const ARGS = {
  path: word,
  data: { expected: someData.expected, accepts: someData.accepts }, // openBase loads it
  options: withFields({ signal: optional(abortSignal), onProgress: optional(callback) }),
}

const called = () => asCalled(['data convert', 'to'], ['writeBase', 'path'])

/** Writes a base to files under temporary names and renames them together. Errors: those of writing; INTERRUPTED. */
async function publishBase(
  base: Base,
  path: string,
  card: string | undefined,
  o: Pick<WriteBaseOptions, 'signal' | 'onProgress'>,
) {
  const ending = writtenEnding(...called(), path)
  const stem = path.slice(0, -ending.length)
  const parts = [temporary(dirname(path), ending), temporary(dirname(path)), temporary(dirname(path))] as const
  const names = [path, `${stem}.jsonl`, `${stem}.card.json`] as const
  try {
    await mkdir(dirname(path), { recursive: true })
    const table = await baseTable(called()[0], base)
    const { sided } = await writeTable(ending, table, { vectors: parts[0], side: parts[1] }, (rows) => {
      if (o.signal?.aborted) throw stoppedBy(o.signal)
      o.onProgress?.({ rows, of: base.rows })
    })
    if (card !== undefined) await writeNew(parts[2], card, names[2])
    const written = [true, sided, card !== undefined]
    for (const [i, part] of parts.entries()) if (written[i]) await syncFile(part)
    for (const [i, part] of parts.entries()) if (written[i]) await rename(part, names[i]!)
    await syncFolder(dirname(path))
    return { side: sided ? names[1] : null, card: card === undefined ? null : names[2] }
  } catch (error) {
    throw fileError(error, `could not write ${path}`)
  } finally {
    for (const part of parts) await rm(part, { force: true })
  }
}

/** Requires that nothing is lost: the file, the one beside it, or the data itself. Errors: BAD_OPTION. */
function requireNew(path: string, ending: string, overwrite: boolean, data: Data): void {
  const side = `${path.slice(0, -ending.length)}.jsonl`
  const from = typeof data === 'string' ? absolute(sourceOf(data).file) : undefined
  for (const file of SIDED.includes(ending) ? [path, side, `${side}.gz`] : [path]) {
    if (!existsSync(file) || (overwrite && absolute(file) !== from)) continue
    const hint =
      absolute(file) === from
        ? 'choose a name in which no file of the data is replaced'
        : 'choose another name, or use --overwrite'
    const [owner, key] = called()
    throw new LvmError('BAD_OPTION', `${owner}: expected new files for "${key}" but ${file} exists`, { hint })
  }
}

/**
 * Writes data as a file: `.npy` or `.safetensors` with a `.jsonl` of the facts about its rows, or any other format that `data convert` knows, and a card.
 *
 * Errors: those of openBase; BAD_OPTION for another ending; and for a file that exists, unless `overwrite`; NO_DISK; INTERRUPTED by `signal`.
 */
export const writeBase = asyncDoor(
  'writeBase',
  ARGS,
  async (path: string, data: Data, options: WriteBaseOptions = {}): Promise<WrittenBase> => {
    const { signal, onProgress, ...given } = options
    const { overwrite, source, licence, ...how } = resolve(called()[0], convertFields, given)
    const ending = writtenEnding(...called(), path)
    requireNew(path, ending, overwrite, data)
    const base = await openBase(data, how, { ...(signal && { signal }) })
    try {
      const facts = cardOf(base, { source, licence })
      const isThere = how.space === undefined && !source && !licence && existsSync(`${path.slice(0, -ending.length)}.card.json`)
      const card = isThere || facts === undefined ? undefined : `${JSON.stringify(facts, null, 2)}\n`
      const { side, card: written } = await publishBase(base, path, card, {
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      })
      const { rows, dim, articles } = base
      return {
        version: 1,
        path,
        side_file: side,
        card: written,
        rows,
        dim,
        articles: articles?.ids.length ?? null,
        content_hash: await base.contentHash(),
      }
    } finally {
      base.dispose()
    }
  },
)
