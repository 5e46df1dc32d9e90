import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { LvmError } from '../errors.js'
import { readJsonObject } from '../files/json.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { damaged } from '../files/read-file.js'
import type { Card } from './base.js'
import { readEncoderTag } from './encoder-tag.js'

const VECTORS = ['.npy', '.npz', '.safetensors']
const SIDES = ['.jsonl.gz', '.jsonl']
const CARD_TEXTS = ['space', 'source', 'licence'] as const

/** The files that make up one base. */
export interface BaseFiles {
  readonly vectors: string
  readonly side: string | undefined
  readonly card: string | undefined
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
 * `path` may omit the extension; extensions match in upper and lower case.
 * Errors: FILE_MISSING, BAD_OPTION, DATA_FORMAT for parquet.
 */
export function locateBase(path: string): BaseFiles {
  const lower = path.toLowerCase()
  const ending = [...VECTORS, ...SIDES].find((end) => lower.endsWith(end))
  if (lower.endsWith('.parquet'))
    throw damaged(path, 'parquet files are not supported; save the vectors as .npy, with a .jsonl beside them')
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
  const named = ending !== undefined && VECTORS.includes(ending)
  const found = named ? [path].filter((file) => existsSync(file)) : beside(VECTORS)
  if (found.length > 1) {
    throw new LvmError('BAD_OPTION', `data: expected one base for "${path}" but there are ${found.join(' and ')}`, {
      hint: 'name the file with its extension',
    })
  }
  const vectors = found[0] ?? (existsSync(path) && ending === undefined ? path : undefined)
  if (vectors === undefined) {
    const tried = named ? path : VECTORS.map((end) => stem + end).join(', ')
    throw new LvmError('FILE_MISSING', `data: expected vectors for "${path}" but none of these files exists: ${tried}`)
  }
  return { vectors, side: beside(SIDES)[0], card: beside(['.card.json'])[0] }
}

/** Reads a card. Errors: DATA_FORMAT. */
export async function readCard(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Card> {
  const fields = await readJsonObject(path, limits)
  const known = CARD_TEXTS.filter((key) => fields[key] !== undefined && fields[key] !== null)
  for (const key of known)
    if (typeof fields[key] !== 'string' || fields[key] === '') throw damaged(path, `expected a text for "${key}"`)
  const { encoder } = fields
  const texts = Object.fromEntries(known.map((key) => [key, fields[key]]))
  return encoder === undefined || encoder === null ? texts : { ...texts, encoder: readEncoderTag(path, encoder) }
}
