import { shown } from '../../errors.js'
import { parseJson } from '../../files/json.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import { lines } from '../../files/lines.js'
import { notUtf8 } from '../../files/not-utf8.js'
import { damaged } from '../../files/read-file.js'
import { cleanText } from '../sentences/clean-text.js'
import { paragraphsOf } from '../sentences/paragraphs.js'
import { type Article, categoriesIn } from './article.js'
import { FIX } from './decode-bytes.js'
import type { TextFile } from './text-files.js'

/** Keys of a record with its text, its article and its categories; undefined where the default may be missing. */
export interface RecordKeys {
  readonly text: string
  readonly article: string | undefined
  readonly category: string | undefined
}
export const DEFAULT_KEYS = { text: 'text', article: 'article_id', category: 'categories' } as const

type Fields = Readonly<Record<string, unknown>>
const has = (value: unknown): boolean => value !== undefined && value !== null

/** Reads the objects of a file with their line numbers; blank lines are skipped. */
async function* recordsOf({ path }: TextFile): AsyncGenerator<[Fields, number]> {
  const before = { bytes: 0, lines: 0 }
  for await (const { texts, bytes, broken } of lines(path)) {
    if (broken) throw notUtf8(path, bytes, FIX, before)
    for (const [i, line] of texts.entries()) {
      if (line.trim() === '') continue
      const number = before.lines + i + 1
      let value: unknown
      try {
        value = parseJson(line, DEFAULT_LIMITS.jsonDepth)
      } catch (error) {
        const fault = error instanceof RangeError ? error.message : 'it is not JSON'
        throw damaged(path, `line ${number}: ${fault}`, error, 'expected one JSON object a line')
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw damaged(path, `line ${number}: expected an object but received ${shown(value)}`)
      yield [value as Fields, number]
    }
    before.bytes += bytes.length + 1
    before.lines += texts.length
  }
}

function textIn(path: string, number: number, record: Fields, key: string): string {
  const value = record[key]
  if (value === null) return ''
  if (typeof value === 'string') return value
  const keys = Object.keys(record).slice(0, 12).join(', ')
  throw damaged(
    path,
    `line ${number}: expected a text for "${key}" but received ${shown(value)}; its keys are ${keys}`,
    undefined,
    'name the key of the text with --text',
  )
}

function idIn(path: string, number: number, record: Fields, keys: RecordKeys): string | undefined {
  const key = keys.article ?? DEFAULT_KEYS.article
  const value = record[key]
  const isId = typeof value === 'string' ? value !== '' : Number.isSafeInteger(value)
  if (isId) return String(value)
  if (keys.article === undefined && !has(value)) return undefined
  throw damaged(path, `line ${number}: expected a text or a whole number for "${key}" but received ${shown(value)}`)
}

interface Open {
  id: string
  place: string
  title: string | undefined
  categories: readonly string[]
  paragraphs: string[]
  size: number
}

/**
 * Reads the articles of a file with one JSON object per line.
 *
 * Consecutive records with the same article are one article; a record without one is an article of its own.
 * Errors: DATA_FORMAT with the line.
 */
export async function* readRecords(file: TextFile, keys: RecordKeys): AsyncGenerator<Article> {
  let open: Open | undefined
  for await (const [record, number] of recordsOf(file)) {
    const named = idIn(file.path, number, record, keys)
    const id = named ?? `${file.name}:${number}`
    if (open !== undefined && open.id !== id) {
      yield open
      open = undefined
    }
    const text = textIn(file.path, number, record, keys.text)
    if (open === undefined) {
      const title = typeof record.title === 'string' ? cleanText(record.title) : ''
      const categories = categoriesIn(record[keys.category ?? DEFAULT_KEYS.category])
      open = { id, place: `${file.path}, line ${number}`, title: title || undefined, categories, paragraphs: [], size: 0 }
    }
    open.size += text.length
    if (open.size > DEFAULT_LIMITS.textBytes)
      throw damaged(file.path, `line ${number}: article ${shown(id)} is longer than ${DEFAULT_LIMITS.textBytes} characters`)
    for (const paragraph of paragraphsOf(text)) open.paragraphs.push(paragraph)
  }
  if (open !== undefined) yield open
}
