import { isAbsolute, relative } from 'node:path'
import { asLvmError } from '../lib/errors.js'

/** What a table cell may hold; nothing is shown as «–». */
export type Cell = string | number | null | undefined
/** Columns by their title: how each cell is read from a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>

/** One line, or several, on stdout. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** One line on stderr, where it disturbs no pipe. */
export const diagnostic = (line: string): void => void process.stderr.write(`${line}\n`)

/** The whole answer of a verb that answers once: one JSON document, or text. */
export const answer = (document: object, text: () => string, json: boolean): void =>
  print(json ? JSON.stringify(document, null, 2) : text())

/** One event of long work, as a line of JSON. */
export const event = (document: object): void => print(JSON.stringify(document))

/** Ends with an error: `code: message` and `fix: hint` on stderr, a last JSON line on stdout with --json, and the exit code. */
export function fail(error: unknown, json = false): void {
  const { code, message, hint, exit } = asLvmError(error)
  diagnostic(`${code}: ${message}\nfix: ${hint}`)
  if (json) event({ type: 'error', version: 1, code, message, hint, exit })
  process.exitCode = exit
}

const numeric = /^[-+±]?[\d.,]+(e[-+]?\d+)?( ?[%A-Za-z]{1,3})?$/

/** Aligned plain text under a row of titles; columns of numbers are set flush right. */
export function table<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const titles = Object.keys(columns)
  const cells = rows.map((row) => Object.values(columns).map((read) => String(read(row) ?? '–')))
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i]!.length)))
  const flushRight = titles.map((_, i) => cells.length > 0 && cells.every((line) => line[i] === '–' || numeric.test(line[i]!)))
  const align = (line: readonly string[]) =>
    line
      .map((cell, i) => (flushRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [titles, ...cells].map(align).join('\n')
}

/** A whole number with its thousands marked: 5,120,768. */
export const count = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 })

/** A size a person reads at once: 512 B, 20.5 MB, 1.6 GB. */
export function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3))
  return `${step === 0 ? n : (n / 1000 ** step).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`
}

/** A span of time: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** A path as a person would type it here: relative where it lies below the working directory. */
export function nearby(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}
