import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { damaged } from '../files/read-file.js'
import type { Column, Table, Values } from './table.js'

/** Rows that are read together. */
const TOGETHER = 512

type Cells = readonly string[]

/** Streams the rows of a file, with the delimiter that its beginning suggests. */
async function* rowsOf(path: string): AsyncGenerator<Cells> {
  const { default: papaparse } = await import('papaparse')
  const file = createReadStream(path, { encoding: 'utf8' })
  const text = /\.gz$/i.test(path) ? createReadStream(path).pipe(createGunzip()).setEncoding('utf8') : file
  const parser = text.pipe(papaparse.parse(papaparse.NODE_STREAM_INPUT, { skipEmptyLines: true }))
  text.on('error', (error: Error) => parser.destroy(error))
  try {
    for await (const cells of parser) yield cells as Cells
  } finally {
    file.destroy()
    text.destroy()
  }
}

/** Columns of numbers that differ only in the number at the end of their names, such as e0, e1, … */
interface Group {
  readonly name: string
  readonly cells: readonly number[]
}

const isNumber = (cell: string | undefined): boolean => cell !== undefined && cell.trim() !== '' && Number.isFinite(Number(cell))
const isList = (cell: string | undefined): boolean => /^\s*\[[^a-z]*\]\s*$/i.test(cell ?? '')

function groupOf(names: Cells, first: Cells): Group | undefined {
  const groups = new Map<string, number[]>()
  for (const [i, name] of names.entries()) {
    const prefix = /^(.*?)[_.\- ]?\d+$/.exec(name)?.[1]
    if (prefix === undefined || !isNumber(first[i])) continue
    groups.set(prefix, [...(groups.get(prefix) ?? []), i])
  }
  const [largest] = [...groups].sort(([, a], [, b]) => b.length - a.length)
  return largest && largest[1].length > 1 ? { name: largest[0] || 'vectors', cells: largest[1] } : undefined
}

/** The numbers in a cell such as "[0.1, 0.2]", with commas or spaces between them. */
const numbersIn = (cell: string): number[] =>
  cell
    .replace(/[[\]]/g, ' ')
    .trim()
    .split(/[\s,;]+/)
    .map(Number)

/**
 * Opens a file of delimited text: vectors are columns with numbered names, a column of lists, or all cells of a file without a header.
 *
 * Errors: DATA_FORMAT.
 */
export async function csvTable(path: string): Promise<Table> {
  const head: Cells[] = []
  for await (const cells of rowsOf(path)) if (head.push(cells) === 2) break
  const [names = [], first = names] = head
  const bare = names.every(isNumber)
  const group = bare ? { name: 'vectors', cells: names.map((_, i) => i) } : groupOf(names, first)
  const inGroup = new Set(group?.cells)
  const others: (Column & { cell: number })[] = names.flatMap((name, cell) => {
    if (inGroup.has(cell)) return []
    return [{ name, cell, kind: isList(first[cell]) ? 'vectors' : 'value' } as const]
  })
  const columns: Column[] = [...others, ...(group ? [{ name: group.name, kind: 'vectors' } as const] : [])]

  const readerOf = (name: string): ((cells: Cells) => unknown) => {
    if (name === group?.name)
      return (cells: Cells) => group.cells.map((i) => (isNumber(cells[i]) ? Number(cells[i]) : Number.NaN))
    const { cell, kind } = others.find((column) => column.name === name)!
    return kind === 'vectors' ? (cells: Cells) => numbersIn(cells[cell] ?? '') : (cells: Cells) => cells[cell]
  }
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const readers = wanted.map((name) => [name, readerOf(name)] as const)
    const taken = (rows: readonly Cells[]) => new Map(readers.map(([name, value]) => [name, rows.map(value)] as const))
    let [held, row] = [[] as Cells[], 0]
    for await (const cells of rowsOf(path)) {
      if (row++ === 0 && !bare) continue
      if (cells.length !== names.length)
        throw damaged(path, `row ${row} has ${cells.length} cells, not the ${names.length} of the first row`)
      held.push(cells)
      if (held.length < TOGETHER) continue
      yield taken(held)
      held = []
    }
    if (held.length > 0) yield taken(held)
  }
  return { path, format: 'csv', columns, read }
}
