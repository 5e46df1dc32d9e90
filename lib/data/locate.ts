import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { LvmError } from '../errors.js'
import type { Card } from './base.js'
import { damaged } from './file.js'

const VECTORS = ['.npy', '.npz', '.safetensors']
const SIDES = ['.jsonl.gz', '.jsonl']
const CARD_FIELDS = ['space', 'source', 'licence', 'encoder'] as const

/** The files that make up one base. */
export interface BaseFiles {
  readonly vectors: string
  readonly side: string | undefined
  readonly card: string | undefined
}

/** Finds the file of vectors, the side file and the card of a base that is named with or without an extension. Errors: FILE_MISSING, BAD_OPTION. */
export function locateBase(path: string): BaseFiles {
  const ending = [...VECTORS, ...SIDES].find((end) => path.endsWith(end))
  if (path.endsWith('.parquet'))
    throw damaged(path, 'parquet files are not read; save the vectors as .npy, with a .jsonl beside them')
  const stem = ending === undefined ? path : path.slice(0, -ending.length)
  const beside = (ends: readonly string[]) => ends.map((end) => stem + end).filter((file) => existsSync(file))
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
    throw new LvmError('FILE_MISSING', `data: expected vectors for "${path}" but none of these is there: ${tried}`)
  }
  return { vectors, side: beside(SIDES)[0], card: beside(['.card.json'])[0] }
}

/** Reads a card. Errors: DATA_FORMAT. */
export async function readCard(path: string): Promise<Card> {
  let card: unknown
  try {
    card = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw damaged(path, 'it is not JSON', error)
  }
  if (typeof card !== 'object' || card === null || Array.isArray(card)) throw damaged(path, 'expected an object')
  const fields = card as Record<string, unknown>
  for (const key of CARD_FIELDS) {
    if (fields[key] !== undefined && (typeof fields[key] !== 'string' || fields[key] === ''))
      throw damaged(path, `expected a text for "${key}"`)
  }
  return Object.fromEntries(CARD_FIELDS.flatMap((key) => (fields[key] === undefined ? [] : [[key, fields[key]]])))
}
