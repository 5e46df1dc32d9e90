import { isAbsolute, relative } from 'node:path'
import { asLvmError } from '../lib/errors.js'
import { jsonText, oneLine, terminalText } from '../lib/show.js'

export { bytes, count, duration } from '../lib/report/format.js'

/** What a table cell may hold; nothing is shown as «–». */
export type Cell = string | number | null | undefined
/** Columns by their title: how each cell is read from a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>

/** Writes to stdout what is safe there. */
const write = (text: string): void => void process.stdout.write(`${text}\n`)

/** One line, or several, on stdout. */
export const print = (text: string): void => write(terminalText(text))

/** One line on stderr, where it disturbs no pipe. */
export const diagnostic = (line: string): void => void process.stderr.write(`${terminalText(line)}\n`)

/** The whole answer of a verb that answers once: one JSON document, or text. */
export const answer = (document: object, text: () => string, json: boolean): void =>
  json ? write(jsonText(document, 2)) : print(text())

/** One event of long work, as a line of JSON. */
export const event = (document: object): void => write(jsonText(document))

/** Ends with an error: `code: message` and `fix: hint` on stderr, a last JSON line on stdout with --json, and the exit code. */
export function fail(error: unknown, json = false): void {
  const { code, message, commandHint: hint, exit } = asLvmError(error)
  diagnostic(`${code}: ${message}\nfix: ${hint}`)
  if (json) event({ type: 'error', version: 1, code, message, hint, exit })
  process.exitCode = exit
}

const numeric = /^[-+±]?[\d.,]+(e[-+]?\d+)?( ?[%A-Za-z]{1,3})?$/

/** Aligned plain text under a row of titles; columns of numbers are set flush right. */
export function table<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const titles = Object.keys(columns)
  const cells = rows.map((row) => Object.values(columns).map((read) => oneLine(String(read(row) ?? '–'))))
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const flushRight = titles.map((_, i) => cells.length > 0 && cells.every((line) => line[i] === '–' || numeric.test(line[i]!)))
  const align = (line: readonly string[]) =>
    line
      .map((cell, i) => (flushRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [titles, ...cells].map(align).join('\n')
}

/** A path as a person would type it here: relative where it lies below the working directory. */
export function nearby(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}
