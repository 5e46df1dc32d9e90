import { shown } from '../errors.js'
import { needed } from '../files/opaque.js'
import { damaged } from '../files/read-file.js'
import { loadValues } from '../torch/load-array.js'
import { articleTable } from './articles.js'
import type { Articles } from './base.js'
import type { Layout } from './keys.js'

/** Article, position and crossing of each row, as far as the file has them. */
export interface RowFacts {
  readonly articles?: Articles
  readonly positions?: Int32Array
  readonly crossing?: Uint8Array
}

function articlesOf(path: string, name: string, values: readonly unknown[]): Articles {
  const table = articleTable(path, values.length)
  values.forEach((value, row) => {
    table.add(row, needed(path, value), `"${name}" row ${row}`)
  })
  return table.articles()
}

function positionsOf(path: string, name: string, values: readonly unknown[]): Int32Array {
  return Int32Array.from(values, (value, row) => {
    if (!Number.isInteger(value) || Math.abs(value as number) > 2 ** 31 - 1) {
      throw damaged(path, `"${name}" row ${row}: expected an integer as position but received ${shown(value)}`)
    }
    return value as number
  })
}

const field = (rows: readonly unknown[], ...names: readonly string[]): unknown[] | undefined => {
  const name = names.find((key) => rows.every((row) => row instanceof Map && row.has(key)))
  return name === undefined ? undefined : rows.map((row) => (row as Map<string, unknown>).get(name))
}

function fromMetadata(path: string, rows: readonly unknown[]): RowFacts {
  const article = field(rows, 'article_index', 'article_id')
  const position = field(rows, 'target_chunk_index', 'chunk_index')
  const last = field(rows, 'last_context_article')
  const crosses =
    field(rows, 'crosses_article', 'crosses_article_boundary') ??
    last?.map((id, row) => article !== undefined && id !== article[row])
  return {
    ...(article && { articles: articlesOf(path, 'metadata', article) }),
    ...(position && { positions: positionsOf(path, 'metadata', position) }),
    ...(crosses && { crossing: Uint8Array.from(crosses, (yes) => (yes === true || yes === 1 ? 1 : 0)) }),
  }
}

/** Reads article, position and crossing of each row from the arrays that hold them. Errors: DATA_FORMAT, DATA_UNSAFE. */
export async function readRowFacts({ vectors: { path }, ...layout }: Layout): Promise<RowFacts> {
  const facts: RowFacts[] = []
  if (layout.metadata !== undefined) facts.push(fromMetadata(path, await loadValues(layout.metadata)))
  if (layout.positions !== undefined && facts[0]?.positions === undefined) {
    facts.push({ positions: positionsOf(path, layout.positions.name, await loadValues(layout.positions)) })
  }
  if (layout.truth !== undefined) {
    const { name } = layout.truth
    const keys = await loadValues(layout.truth)
    const column = (n: number) => keys.filter((_, i) => i % 2 === n)
    facts.push({ articles: articlesOf(path, name, column(0)), positions: positionsOf(path, name, column(1)) })
  }
  if (layout.articles !== undefined)
    facts.push({ articles: articlesOf(path, layout.articles.name, await loadValues(layout.articles)) })
  return Object.assign({}, ...facts)
}
