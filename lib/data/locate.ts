import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { badOption, LvmError } from '../errors.js'
import { readJsonObject } from '../files/json.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { damaged } from '../files/read-file.js'
import { isShardIndex, readShardIndex, SHARD_INDEX } from '../files/shard-index.js'
import { isFromMemory, keptFile, keptGiven } from '../sources/kept-base.js'
import { CONVERTED, pathWith, type SourcePath, sourceOf } from '../sources/source-path.js'
import { stage, stopSignal } from '../stages.js'
import type { Card } from './base.js'
import { readEncoderTag } from './encoder-tag.js'

const VECTORS = ['.npy', '.npz', '.safetensors']
const SIDES = ['.jsonl.gz', '.jsonl']
const CARD_TEXTS = ['space', 'source', 'licence'] as const

/** The files that make up one base; in a folder of shards, its index stands for each. */
export interface BaseFiles {
  /** Name of the base: its file, with the chosen columns. */
  readonly path: string
  readonly vectors: string
  readonly side: string | undefined
  readonly card: string | undefined
  /** The chosen array of a file with several. */
  readonly array?: string | undefined
  /** A file of another format, which is converted before it is used. */
  readonly source?: SourcePath
}

/** The names in a folder; empty when it cannot be listed. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/**
 * Finds the vectors, the side file and the card of a base.
 *
 * `path` may omit the extension; extensions match in upper and lower case. `FILE#NAME` chooses one of several arrays or columns.
 * Errors: FILE_MISSING, BAD_OPTION.
 */
export function locateBase(path: string): BaseFiles {
  if (isFromMemory(path)) return { path, ...keptGiven(path) }
  const { file, selection } = sourceOf(path)
  const { vectors, side, card } = filesOf(file)
  if (isShardIndex(vectors)) return { path: dirname(vectors), vectors, side, card, array: selection.vectors }
  const named = { path: pathWith(vectors, selection), vectors, card }
  if (!VECTORS.some((end) => vectors.toLowerCase().endsWith(end)) && isConverted(vectors))
    return { ...named, side: vectors === side ? undefined : side, source: { file: vectors, selection } }
  const { vectors: array, ...others } = selection
  const [role] = Object.keys(others)
  if (role !== undefined)
    throw badOption(
      'data',
      role,
      'no such option for this format, where a .jsonl beside the vectors says it,',
      path,
      `leave --${role} out`,
    )
  return { ...named, side, array }
}

const isConverted = (path: string) => [...CONVERTED, ...SIDES].some((end) => path.toLowerCase().endsWith(end))

/** Finds the files of a base, and converts its vectors first where they are in another format. Errors: those of `locateBase` and of the format. */
export async function baseFiles(path: string, limits: Limits = DEFAULT_LIMITS): Promise<BaseFiles> {
  const files = locateBase(path)
  if (files.source === undefined) return files
  const kept = await stage('convert the data', () => keptFile(files.source!, limits, { signal: stopSignal() }))
  return { ...files, vectors: kept.vectors, side: kept.side ?? files.side, card: files.card ?? kept.card }
}

/** The index of the shards in a folder, or of a path that is an index itself. */
function shardIndexOf(path: string): string | undefined {
  const index = isShardIndex(path) ? path : join(path, SHARD_INDEX)
  return existsSync(index) ? index : undefined
}

/** The files of an index; a damaged one is refused when it is opened. */
function shardFiles(index: string): Pick<BaseFiles, 'vectors' | 'side' | 'card'> {
  let said: { shards?: { side?: unknown }[]; card?: unknown } | null = null
  try {
    said = JSON.parse(readFileSync(index, 'utf8'))
  } catch {}
  return { vectors: index, side: said?.shards?.[0]?.side ? index : undefined, card: said?.card ? index : undefined }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

function filesOf(path: string): Pick<BaseFiles, 'vectors' | 'side' | 'card'> {
  const index = shardIndexOf(path)
  const lower = path.toLowerCase()
  const ending = [...VECTORS, ...CONVERTED, ...SIDES].find((end) => lower.endsWith(end))
  const stem = ending === undefined ? path : path.slice(0, -ending.length)
  const name = basename(stem)
  const endings = namesIn(dirname(stem))
    .filter((other) => other.startsWith(name))
    .map((other) => other.slice(name.length))
  const beside = (ends: readonly string[]) =>
    ends.flatMap((end) => {
      const found = existsSync(stem + end) ? end : endings.find((other) => other.toLowerCase() === end)
      return found === undefined ? [] : [stem + found]
    })
  const named = ending !== undefined && !SIDES.includes(ending)
  const own = named ? [path].filter((file) => existsSync(file)) : beside(VECTORS)
  const exact = beside(SIDES).filter((side) => side === path)
  const found = named || own.length > 0 ? own : exact.length > 0 ? exact : beside(CONVERTED)
  if (index !== undefined) found.push(index)
  if (found.length > 1) {
    throw new LvmError('BAD_OPTION', `data: expected one base for "${path}" but there are ${found.join(' and ')}`, {
      hint: 'name the file with its extension',
    })
  }
  if (index !== undefined) return shardFiles(index)
  if (found.length === 0 && isFolder(path))
    throw new LvmError('FILE_MISSING', `data: expected ${SHARD_INDEX} in the folder ${path}, as data shard writes it`, {
      hint: 'name a file of vectors, or a folder that data shard made',
    })
  const vectors = found[0] ?? (existsSync(path) && ending === undefined ? path : undefined)
  if (vectors === undefined) {
    const tried = named ? path : VECTORS.map((end) => stem + end).join(', ')
    throw new LvmError('FILE_MISSING', `data: expected vectors for "${path}" but none of these files exists: ${tried}`)
  }
  return { vectors, side: beside(SIDES)[0], card: beside(['.card.json'])[0] }
}

/** Reads a card, also that in an index of shards. Errors: DATA_FORMAT. */
export async function readCard(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Card> {
  const fields = isShardIndex(path) ? ((await readShardIndex(path, limits)).card ?? {}) : await readJsonObject(path, limits)
  const known = CARD_TEXTS.filter((key) => fields[key] !== undefined && fields[key] !== null)
  for (const key of known)
    if (typeof fields[key] !== 'string' || fields[key] === '') throw damaged(path, `expected a text for "${key}"`)
  const { encoder } = fields
  const texts = Object.fromEntries(known.map((key) => [key, fields[key]]))
  return encoder === undefined || encoder === null ? texts : { ...texts, encoder: readEncoderTag(path, encoder) }
}
