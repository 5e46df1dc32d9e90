import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LvmError } from '../errors.js'
import { requireDisk } from '../files/disk.js'
import { sha256, textHash } from '../files/hash.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { fileSize, fileStamp } from '../files/read-file.js'
import { replaceText, temporary } from '../files/write.js'
import { cacheRoot } from '../libtorch/paths.js'
import { stoppedBy } from '../stages.js'
import { convertFile, type Watch } from './convert.js'
import { aboutMemory, type GivenData, givenTable, spaceOf } from './given-table.js'
import type { SourcePath } from './source-path.js'
import { rolesOf } from './table.js'
import { type WrittenRows, writeRows } from './write-rows.js'

/** Version of the kept files; a change of how they are made raises it. */
const VERSION = 1
/** Days after which vectors that nobody used are removed. */
const UNUSED_DAYS = 14
const NAME = 'base'
const MEMORY = 'memory:'

/** A base in the cache. */
export interface Kept {
  readonly vectors: string
  readonly side: string | undefined
  readonly card: string | undefined
}

/** Folder of the bases that were converted from other formats; LVM_TORCH_DATA_CACHE sets it. */
export const keptRoot = (): string => resolve(process.env.LVM_TORCH_DATA_CACHE || join(cacheRoot(), 'data'))

/** Whether a path names data that came from memory. */
export const isFromMemory = (path: string): boolean => path.startsWith(MEMORY)

function keptIn(folder: string): Kept | undefined {
  const at = (end: string) => (existsSync(join(folder, NAME + end)) ? join(folder, NAME + end) : undefined)
  const vectors = at('.npy')
  return vectors === undefined ? undefined : { vectors, side: at('.jsonl'), card: at('.card.json') }
}

async function removeUnused(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const found = await stat(join(root, name)).catch(() => undefined) // another process may have removed it
    if (found && Date.now() - found.mtimeMs > UNUSED_DAYS * 86_400_000)
      await rm(join(root, name), { recursive: true, force: true })
  }
}

/** Writes a base into a temporary folder, and gives it the name that `nameOf` chooses. */
async function keep(
  write: (to: { vectors: string; side: string }, folder: string) => Promise<WrittenRows>,
  nameOf: (folder: string) => string | Promise<string>,
): Promise<string> {
  const root = keptRoot()
  await mkdir(root, { recursive: true })
  await removeUnused(root)
  const part = temporary(root)
  try {
    await mkdir(part)
    await write({ vectors: join(part, `${NAME}.npy`), side: join(part, `${NAME}.jsonl`) }, part)
    const folder = join(root, await nameOf(part))
    await rename(part, folder).catch((error) => {
      if (!existsSync(folder)) throw error // otherwise another process has just made the same
    })
    return folder
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

const touched = async (folder: string): Promise<Kept | undefined> => {
  const now = new Date()
  await utimes(folder, now, now).catch(() => {})
  return keptIn(folder)
}

/**
 * The vectors of a file of another format as `.npy` in the cache; they are made again when the file has changed.
 *
 * Errors: those of the format; NO_DISK.
 */
export async function keptFile(source: SourcePath, limits: Limits = DEFAULT_LIMITS, watch: Watch = {}): Promise<Kept> {
  const size = await fileSize(source.file)
  const key = JSON.stringify([VERSION, resolve(source.file), await fileStamp(source.file), source.selection])
  const name = textHash(key).slice(0, 32)
  const known = await touched(join(keptRoot(), name))
  if (known !== undefined) return known
  await requireDisk(keptRoot(), size)
  return keptIn(
    await keep(
      (to) => convertFile(source, to, limits, watch),
      () => name,
    ),
  )!
}

async function hashIn(folder: string): Promise<string> {
  const { vectors, side } = keptIn(folder)!
  const hashes = [await sha256(vectors), ...(side === undefined ? [] : [await sha256(side)])]
  return hashes.length === 1 ? hashes[0]! : textHash(hashes.map((hex) => `${hex}\n`).join(''))
}

/** Writes vectors in memory to the cache, and returns the path that names them. Errors: BAD_OPTION, DATA_SHAPE, DATA_FORMAT, NO_DISK, INTERRUPTED. */
export async function keepGiven(owner: string, data: GivenData, signal?: AbortSignal): Promise<string> {
  try {
    return await kept(owner, data, signal)
  } catch (error) {
    throw error instanceof LvmError ? aboutMemory(error) : error
  }
}

async function kept(owner: string, data: GivenData, signal: AbortSignal | undefined): Promise<string> {
  const table = await givenTable(owner, data, signal)
  const space = spaceOf(data)
  const folder = await keep(
    async (to, folder) => {
      const written = await writeRows(table, rolesOf(table, {}), to, () => {
        if (signal?.aborted) throw stoppedBy(signal)
      })
      if (space !== undefined) await replaceText(folder, `${NAME}.card.json`, `${JSON.stringify({ space })}\n`)
      return written
    },
    async (part) => `memory-${textHash(`${await hashIn(part)} ${space ?? ''}`).slice(0, 16)}`,
  )
  await touched(folder)
  return `${MEMORY}${folder.slice(folder.lastIndexOf('memory-') + 'memory-'.length)}`
}

/** The kept files of data that came from memory. Errors: FILE_MISSING when they are gone. */
export function keptGiven(path: string): Kept {
  const kept = keptIn(join(keptRoot(), path.replace(MEMORY, 'memory-')))
  if (kept !== undefined) return kept
  throw new LvmError(
    'FILE_MISSING',
    `${path}: these vectors came from the memory of a program, and their copy in the cache is gone`,
    {
      hint: 'pass the same vectors as "data" again, or name a file of them with --data; writeBase(path, data) writes one',
    },
  )
}
