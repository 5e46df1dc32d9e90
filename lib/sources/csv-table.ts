import type { ParseResult } from 'papaparse'
import { shown } from '../errors.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { lines } from '../files/lines.js'
import { notUtf8 } from '../files/not-utf8.js'
import { damaged } from '../files/read-file.js'
import type { Column, Table, Values } from './table.js'

/** Rows that are read together. */
const TOGETHER = 512
/** Characters from which delimiter and line ends are guessed. */
const BEGINNING = 1 << 16

type Cells = readonly string[]

const FIX = 'save the file as UTF-8; one in Latin-1: iconv -f LATIN1 -t UTF-8 OLD.csv > NEW.csv'

/** Streams the rows of a file, with the delimiter that its beginning suggests. Errors: DATA_FORMAT. */
async function* rowsOf(path: string, limits: Limits): AsyncGenerator<Cells> {
  const { parse, Parser } = await import('../packages/papaparse.js')
  let [rest, row] = ['', 0]
  let parser: InstanceType<typeof Parser> | undefined
  const rowsIn = function* (isLast: boolean): Generator<Cells> {
    if (parser === undefined) {
      const { meta } = parse(rest.slice(0, BEGINNING), { preview: 10, skipEmptyLines: true })
      parser = new Parser({ delimiter: meta.delimiter, newline: meta.linebreak as '\n' })
    }
    const { data, errors, meta } = parser.parse(rest, 0, !isLast) as ParseResult<string[]>
    const [bad] = errors.filter(({ code }) => isLast || code === 'InvalidQuotes') // the end of a quoted cell may follow later
    if (bad !== undefined)
      throw damaged(path, `row ${row + (bad.row ?? 0) + 1} has a quote that is not closed, or not doubled within a quoted cell`)
    row += data.length
    rest = rest.slice(meta.cursor)
    for (const cells of data) if (cells.length > 1 || cells[0]!.trim() !== '') yield cells
  }
  const before = { bytes: 0, lines: 0 }
  for await (const { texts, bytes, broken } of lines(path, limits)) {
    if (broken) throw notUtf8(path, bytes, FIX, before)
    before.bytes += bytes.length + 1
    before.lines += texts.length
    rest += `${texts.join('\n')}\n`
    yield* rowsIn(false)
    if (rest.length > limits.lineBytes) throw damaged(path, `row ${row + 1} is longer than ${limits.lineBytes} characters`)
  }
  yield* rowsIn(true)
}

/** Columns of numbers that differ only in the number at the end of their names, such as e0, e1, … */
interface Group {
  readonly name: string
  readonly cells: readonly number[]
}

const isNumber = (cell: string | undefined): boolean => cell !== undefined && cell.trim() !== '' && Number.isFinite(Number(cell))
/** A number that is missing or not finite, which the checks of vectors report. */
const NOT_FINITE = /^\s*(nan|na|null|none|[-+]?inf(inity)?)?\s*$/i
/** The letters of a list of numbers are those of exponents, NaN and infinities. */
const isList = (cell = ''): boolean => /^\s*\[[^a-z]*\]\s*$/i.test(cell.replace(/\de[-+]?\d|\bnan\b|\binf(inity)?\b/gi, ''))

/** Whether names are 0, 1, 2, …, which pandas writes for columns without names. */
const isCounted = (names: Cells): boolean => names.length > 1 && names.every((name, i) => name === String(i))

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

/** The numbers in a cell such as "[0.1, 0.2]", with commas or spaces between them; the cell itself where it holds text. */
function numbersIn(cell: string): number[] | string {
  const items = cell
    .replace(/[[\]]/g, ' ')
    .trim()
    .split(/[\s,;]+/)
  return isList(cell) || items.every(isNumber) ? items.map(Number) : cell
}

/**
 * Opens a file of delimited text: vectors are columns with numbered names, a column of lists, or all cells of a file without a header.
 *
 * Errors: DATA_FORMAT.
 */
export async function csvTable(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Table> {
  const head: Cells[] = []
  for await (const cells of rowsOf(path, limits)) if (head.push(cells) === 2) break
  const [names = [], first = names] = head
  const bare = names.every(isNumber) && !isCounted(names)
  const value = bare ? undefined : names.find((name) => isNumber(name) && !/^\s*\d+\s*$/.test(name))
  if (value !== undefined)
    throw damaged(
      path,
      `expected the names of its columns in row 1 but received ${shown(value)}`,
      undefined,
      'add a row of names',
    )
  const group = bare ? { name: 'vectors', cells: names.map((_, i) => i) } : groupOf(names, first)
  const inGroup = new Set(group?.cells)
  const others: (Column & { cell: number })[] = names.flatMap((name, cell) => {
    if (inGroup.has(cell)) return []
    return [{ name, cell, kind: isList(first[cell]) ? 'vectors' : 'value' } as const]
  })
  const columns: Column[] = [...others, ...(group ? [{ name: group.name, kind: 'vectors' } as const] : [])]

  const numberIn = (cell = '', row: number, i: number): number => {
    if (isNumber(cell)) return Number(cell)
    if (NOT_FINITE.test(cell)) return Number.NaN
    throw damaged(path, `row ${row}: expected a number in column ${bare ? i + 1 : names[i]} but received ${shown(cell)}`)
  }
  const readerOf = (name: string): ((cells: Cells, row: number) => unknown) => {
    if (name === group?.name) return (cells, row) => group.cells.map((i) => numberIn(cells[i], row, i))
    const { cell, kind } = others.find((column) => column.name === name)!
    return kind === 'vectors' ? (cells: Cells) => numbersIn(cells[cell] ?? '') : (cells: Cells) => cells[cell]
  }
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const readers = wanted.map((name) => [name, readerOf(name)] as const)
    const taken = (rows: readonly Cells[], first: number) =>
      new Map(readers.map(([name, value]) => [name, rows.map((cells, i) => value(cells, first + i))] as const))
    let [held, row] = [[] as Cells[], 0]
    for await (const cells of rowsOf(path, limits)) {
      if (row++ === 0 && !bare) continue
      if (cells.length !== names.length)
        throw damaged(path, `row ${row} has ${cells.length} cells, not the ${names.length} of the first row`)
      held.push(cells)
      if (held.length < TOGETHER) continue
      yield taken(held, row - held.length + 1)
      held = []
    }
    if (held.length > 0) yield taken(held, row - held.length + 1)
  }
  return { path, format: 'csv', columns, read }
}
