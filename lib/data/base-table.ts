import { badOption } from '../errors.js'
import type { Column, Table, Values } from '../sources/table.js'
import type { Base } from './base.js'

/** Numbers that are read together. */
const TOGETHER = 1 << 20

/** The rows of an open base as a table with the usual names of columns. Errors: BAD_OPTION for sequences. */
export async function baseTable(owner: string, base: Base): Promise<Table> {
  const { path, kind, vectors, rows, dim, articles, positions, titles, categories } = base
  if (kind === 'sequences') throw badOption(owner, 'data', 'rows of vectors, not sequences that are already windows,', path)
  const texts = await base.texts()
  const idOf = (row: number) => articles!.ids[articles!.of[row]!]!
  const facts: Record<string, (row: number) => unknown> = {
    ...(articles && { article_id: idOf }),
    ...(articles && titles && titles.size > 0 && { title: (row) => titles.get(idOf(row)) }),
    ...(positions && { index: (row) => positions[row] }),
    ...(texts && { text: (row) => texts[row] }),
    ...(articles && categories && categories.size > 0 && { categories: (row) => categories.get(idOf(row)) }),
  }
  const half = base.dtype === 'float16'
  const columns: Column[] = [
    { name: 'vectors', kind: 'vectors', ...(half && { half }) },
    ...Object.keys(facts).map((name) => ({ name, kind: 'value' }) as const),
  ]
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const step = Math.max(1, Math.floor(TOGETHER / dim))
    for (let at = 0; at < rows; at += step) {
      const count = Math.min(step, rows - at)
      using part = await vectors.op('aten::narrow', 0, at, count)
      const matrix = { dim, values: (await part.data()) as Float32Array | Uint16Array }
      const of = (name: string) => (name === 'vectors' ? matrix : Array.from({ length: count }, (_, i) => facts[name]!(at + i)))
      yield new Map(wanted.map((name) => [name, of(name)] as const))
    }
  }
  return { path, format: 'base', columns, read }
}
