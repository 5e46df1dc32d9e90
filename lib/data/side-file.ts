import { LvmError, shown } from '../errors.js'
import { parseJson } from '../files/json.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { lines } from '../files/lines.js'
import { damaged } from '../files/read-file.js'
import { isShardIndex, readShardIndex, shardPath } from '../files/shard-index.js'
import { articleTable } from './articles.js'
import type { Articles } from './base.js'

/** Facts of a side file about the rows of a base, without the texts. */
export interface Side {
  readonly articles: Articles | undefined
  readonly positions: Int32Array | undefined
  readonly titles: ReadonlyMap<string, string>
  readonly categories: ReadonlyMap<string, readonly string[]>
}

export interface Line {
  readonly article_id?: unknown
  readonly title?: unknown
  readonly index?: unknown
  readonly text?: unknown
  readonly categories?: unknown
}

/** The side files of a base: one, or in a folder of shards one for each. */
async function sideFiles(path: string, limits: Limits): Promise<string[]> {
  if (!isShardIndex(path)) return [path]
  const { shards } = await readShardIndex(path, limits)
  return shards.flatMap(({ side }) => (side === null ? [] : [shardPath(path, side)]))
}

async function* allLines(
  path: string,
  limits: Limits,
): AsyncGenerator<{ readonly texts: readonly string[]; readonly broken: boolean }> {
  for (const file of await sideFiles(path, limits)) yield* lines(file, limits)
}

/** Reads the objects of a JSON-lines file with their line numbers; skips blank lines. Errors: DATA_FORMAT, also for far more lines than `rows`. */
export async function* objects(path: string, limits: Limits, rows = Infinity): AsyncGenerator<[Line, number]> {
  let number = 0
  let blank = 0
  for await (const { texts, broken } of allLines(path, limits)) {
    for (const line of texts) {
      number++
      if (number > rows + limits.extraLines || blank > limits.extraLines)
        throw damaged(path, `it has more than ${limits.extraLines} lines beyond the last vector, or blank ones`)
      if (line.trim() === '') {
        blank++
        continue
      }
      let value: unknown
      try {
        value = parseJson(line, limits.jsonDepth)
      } catch (error) {
        throw damaged(
          path,
          error instanceof RangeError ? `line ${number}: ${error.message}` : `line ${number} is not JSON`,
          error,
        )
      }
      if (typeof value !== 'object' || value === null) throw damaged(path, `line ${number} is not an object`)
      const { article_id: id } = value as Line
      if (broken && typeof id === 'string' && id.includes('\uFFFD'))
        throw damaged(path, `line ${number}: "article_id" is not in UTF-8`, undefined, 'save the file as UTF-8')
      yield [value as Line, number]
    }
  }
}

const isLabel = (value: unknown) => typeof value === 'string' || typeof value === 'number'
/** Whether a line has a value; Python writes null for none. */
const has = (value: unknown): boolean => value !== undefined && value !== null

/** Reads a side file with one object for each of `rows` vectors. Errors: DATA_FORMAT; DATA_SHAPE for another number of lines. */
export async function readSide(path: string, rows: number, limits: Limits = DEFAULT_LIMITS): Promise<Side> {
  const table = articleTable(path, rows)
  const positions = new Int32Array(rows)
  const titles = new Map<string, string>()
  const categories = new Map<string, readonly string[]>()
  let row = 0
  const having = { id: 0, index: 0 }
  for await (const [{ article_id: id, index, title, categories: names }, number] of objects(path, limits, rows)) {
    if (row < rows) {
      if (has(id)) {
        const known = table.add(row, id, `line ${number}: "article_id"`)
        having.id++
        if (typeof title === 'string' && !titles.has(known)) titles.set(known, title)
        if (Array.isArray(names) && !categories.has(known)) categories.set(known, names.filter(isLabel).map(String))
      }
      if (has(index)) {
        if (!Number.isInteger(index) || Math.abs(index as number) > 2 ** 31 - 1)
          throw damaged(path, `line ${number}: expected an integer for "index" but received ${shown(index)}`)
        positions[row] = index as number
        having.index++
      }
    }
    row++
  }
  if (row !== rows) throw new LvmError('DATA_SHAPE', `${path}: expected ${rows} lines, one for each vector, but received ${row}`)
  for (const [key, count] of [
    ['article_id', having.id],
    ['index', having.index],
  ] as const) {
    if (count !== 0 && count !== rows) throw damaged(path, `"${key}" is on ${count} of ${rows} lines; expected it on all or none`)
  }
  return {
    articles: having.id > 0 ? table.articles() : undefined,
    positions: having.index > 0 ? positions : undefined,
    titles,
    categories,
  }
}

/** Reads the texts of some rows of a side file; undefined when one of them has none. */
export async function readTextsOf(
  path: string,
  rows: ReadonlySet<number>,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Map<number, string> | undefined> {
  const found = new Map<number, string>()
  let row = 0
  for await (const [{ text }] of objects(path, limits)) {
    if (found.size === rows.size) break
    if (rows.has(row)) {
      if (typeof text !== 'string') return undefined
      found.set(row, text)
    }
    row++
  }
  return found.size === rows.size ? found : undefined
}

/** Reads the texts of a side file; undefined when a line has none. */
export async function readTexts(path: string, limits: Limits = DEFAULT_LIMITS): Promise<readonly string[] | undefined> {
  const texts: string[] = []
  for await (const [{ text }] of objects(path, limits)) {
    if (typeof text !== 'string') return undefined
    texts.push(text)
  }
  return texts
}
