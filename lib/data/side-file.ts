import { LvmError } from '../errors.js'
import type { Articles } from './base.js'
import { damaged } from './file.js'
import { lines } from './lines.js'

/** What a side file says about the rows of a base, its texts left out. */
export interface Side {
  readonly articles: Articles | undefined
  readonly positions: Int32Array | undefined
  readonly titles: ReadonlyMap<string, string>
  readonly categories: ReadonlyMap<string, readonly string[]>
}

interface Line {
  readonly article_id?: unknown
  readonly title?: unknown
  readonly index?: unknown
  readonly text?: unknown
  readonly categories?: unknown
}

/** The objects of a JSON-lines file with their line numbers; blank lines are skipped. */
async function* objects(path: string): AsyncGenerator<[Line, number]> {
  let number = 0
  for await (const batch of lines(path)) {
    for (const line of batch) {
      number++
      if (line.trim() === '') continue
      let value: unknown
      try {
        value = JSON.parse(line)
      } catch (error) {
        throw damaged(path, `line ${number} is not JSON`, error)
      }
      if (typeof value !== 'object' || value === null) throw damaged(path, `line ${number} is not an object`)
      yield [value as Line, number]
    }
  }
}

const isId = (value: unknown): value is string | number => typeof value === 'string' || Number.isSafeInteger(value)

/** Gives every distinct id a number, in order of appearance. */
export function articleTable(rows: number) {
  const numbers = new Map<string, number>()
  const of = new Int32Array(rows)
  return {
    add(row: number, id: string): void {
      if (!numbers.has(id)) numbers.set(id, numbers.size)
      of[row] = numbers.get(id)!
    },
    articles: (): Articles => ({ ids: [...numbers.keys()], of }),
  }
}

/** Reads a side file, one object for each of `rows` vectors. Errors: DATA_FORMAT, DATA_SHAPE when it has more or fewer. */
export async function readSide(path: string, rows: number): Promise<Side> {
  const table = articleTable(rows)
  const positions = new Int32Array(rows)
  const titles = new Map<string, string>()
  const categories = new Map<string, readonly string[]>()
  let row = 0
  const having = { id: 0, index: 0 }
  for await (const [{ article_id: id, index, title, categories: names }, number] of objects(path)) {
    if (row < rows && isId(id)) {
      table.add(row, String(id))
      having.id++
      if (typeof title === 'string' && !titles.has(String(id))) titles.set(String(id), title)
      if (Array.isArray(names) && !categories.has(String(id))) categories.set(String(id), names.map(String))
    } else if (id !== undefined && !isId(id))
      throw damaged(path, `line ${number}: expected a text or whole number for "article_id"`)
    if (index !== undefined) {
      if (!Number.isInteger(index) || Math.abs(index as number) > 2 ** 31 - 1)
        throw damaged(path, `line ${number}: expected a whole number for "index"`)
      positions[row] = index as number
      having.index++
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

/** The texts of a side file; undefined when a line has none. */
export async function readTexts(path: string): Promise<readonly string[] | undefined> {
  const texts: string[] = []
  for await (const [{ text }] of objects(path)) {
    if (typeof text !== 'string') return undefined
    texts.push(text)
  }
  return texts
}
