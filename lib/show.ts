import { createHash } from 'node:crypto'

/** Control characters, line separators, bidi overrides and isolates, lone surrogates: a terminal would execute them or display misleading text. */
const UNSAFE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
/** Characters that XML 1.0 and HTML forbid, and those that reorder the text around them. */
const NOT_XML = /[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff\u202a-\u202e\u2066-\u2069]/gu
/** The first characters that make a cell a formula in a spreadsheet; leading apostrophes match too, so that `csvText` can be undone. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const hex = (char: string) => char.charCodeAt(0).toString(16)
const escaped = (char: string) =>
  NAMED[char] ?? (char <= '\xff' ? `\\x${hex(char).padStart(2, '0')}` : `\\u${hex(char).padStart(4, '0')}`)

/** Escapes the control characters of a text for a terminal; line breaks stay. */
export const terminalText = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(UNSAFE, (char) => (char === '\n' ? char : escaped(char)))

/** Escapes the control characters and line breaks of a text, for one line of a terminal such as a table cell. */
export const oneLine = (text: string): string => text.replace(UNSAFE, escaped)

/** Writes a value as JSON that is safe on a terminal and parses to the same value. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSAFE, (char) => (char === '\n' ? char : `\\u${hex(char).padStart(4, '0')}`))

/** Replaces by U+FFFD the characters that XML and HTML forbid; the text is not yet escaped. */
export const xmlText = (text: string): string => text.replace(NOT_XML, '\ufffd')

/** Prefixes a text with an apostrophe where a spreadsheet would read it as a formula. */
const csvText = (text: string): string => (FORMULA.test(text) ? `'${text}` : text)
/** Undoes `csvText`. */
export const fromCsvText = (text: string): string => (text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text)

/** Writes one cell of a CSV file; null and undefined become an empty cell. Source: RFC 4180; formulas as OWASP's «CSV Injection» advises. */
export function csvCell(value: string | number | null | undefined): string {
  if (typeof value !== 'string') return String(value ?? '')
  const text = xmlText(csvText(value))
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Makes a name for a file or an anchor from letters, digits, `.`, `-` and `_`; different texts get different names. */
export function plainName(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N}._-]+/gu, '_')
  return plain === text ? text : `${plain}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
}

/** Quotes a word for pasting into a shell: bash and zsh, on Windows cmd. */
export function shellWord(word: string, platform: NodeJS.Platform = process.platform): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(word)) return word
  if (platform === 'win32') return `"${word.replaceAll('"', '""')}"`
  if (oneLine(word) === word) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${oneLine(word.replace(/[\\']/g, '\\$&'))}'`
}

/** Placeholder for a missing value. */
export const NONE = '–'

/** Formats an integer with thousands separators: 5,120,768. */
export const count = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 })
/** Writes a number with its noun: 1 row, 1,234 rows. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`

/** Formats a size: 512 B, 20.5 MB, 1.6 GB. */
export function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3))
  return `${step === 0 ? n : (n / 1000 ** step).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`
}

/** Formats a size in GB, so that all sizes of a column share one unit: 0.7 GB. */
export const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`

/** Formats a duration: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** Formats a number of parameters: 5.1M, 1.6B. */
export const millions = (n: number): string => {
  const [scaled, letter] = n >= 1e9 ? [n / 1e9, 'B'] : n >= 1e6 ? [n / 1e6, 'M'] : [n / 1e3, 'k']
  return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toFixed(1))}${letter}`
}

/** Formats a number with fixed decimals and U+2212 as minus sign; a value that rounds to zero gets no sign. */
export function fixed(x: number, digits: number, plus = ''): string {
  const text = Math.abs(x).toFixed(digits)
  return `${x < 0 && Number(text) !== 0 ? '−' : plus}${text}`
}

/** Formats a squared error: six decimals, or scientific notation below 1e-5. */
export const mse = (x: number): string => (x !== 0 && Math.abs(x) < 1e-5 ? x.toExponential(2) : fixed(x, 6))

/** Formats a cosine or another number below 1, without the zero before the point: .4558, −.0123. */
export const decimal = (x: number, plus = '', digits = 4): string => fixed(x, digits, plus).replace(/^([−+]?)0\./, '$1.')
/** Formats as `decimal`, with a plus sign before positive numbers. */
export const signedDecimal = (x: number): string => decimal(x, '+')

/** Formats a share in percent: 4.2 %. */
export const percent = (share: number, digits = 1): string => `${fixed(100 * share, digits)} %`

/** Formats an interval by its two ends; – when there is none. */
export const span = (interval: readonly [number, number] | null, show: (x: number) => string = decimal): string =>
  interval === null ? NONE : `${show(interval[0])} … ${show(interval[1])}`

/** Formats a p value to four decimals. */
export const pValue = (p: number): string => (p < 1e-4 ? '< .0001' : decimal(p))

/** Columns that a table may take; none has a limit unless a terminal has one. */
let widest = Number.POSITIVE_INFINITY
/** Makes all further tables fit a terminal. */
export function fitTables(columns: number): void {
  widest = columns
}

/** Width to which a long column of text may be narrowed, and the space between two columns. */
const [NARROW, GAP] = [24, 2]

/** Breaks a text that is longer than a line between words. */
export function broken(text: string, width: number): string[] {
  if (text.length <= width) return [text]
  const lines = ['']
  for (const word of text.split(' ')) {
    if (lines.at(-1) !== '' && lines.at(-1)!.length + 1 + word.length > width) lines.push(word)
    else lines.push(`${lines.pop()} ${word}`.trimStart())
  }
  return lines
}

/** Cells as aligned columns: what is too wide breaks its longest texts into lines, then goes on below, with its first column again. */
function laid(lines: readonly (readonly string[])[], alignRight: readonly boolean[]): string {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  const total = (of: readonly number[]) => of.reduce((sum, width) => sum + width + GAP, -GAP)
  for (let excess = total(widths) - widest; excess > 0 && excess < Number.POSITIVE_INFINITY; excess = total(widths) - widest) {
    const longest = widths.reduce((best, width, i) => (!alignRight[i] && width > (widths[best] ?? NARROW) ? i : best), -1)
    if (longest < 0 || widths[longest]! <= NARROW) break
    const parts = lines.flatMap((line) => broken(line[longest]!, Math.max(NARROW, widths[longest]! - excess)))
    const width = Math.max(...parts.map(({ length }) => length))
    if (width >= widths[longest]!) break
    widths[longest] = width
  }
  const blocks: number[][] = [[0]]
  for (const i of widths.keys()) {
    if (i === 0) continue
    const block = blocks.at(-1)!
    if (block.length > 1 && total([...block, i].map((j) => widths[j]!)) > widest) blocks.push([0, i])
    else block.push(i)
  }
  const align = (line: readonly string[], block: readonly number[]) => {
    const cells = block.map((i) => broken(line[i]!, widths[i]!))
    const height = Math.max(...cells.map(({ length }) => length))
    const pad = (cell: string, i: number) => (alignRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
    const row = (y: number) =>
      cells
        .map((cell, at) => pad(cell[y] ?? '', block[at]!))
        .join(' '.repeat(GAP))
        .trimEnd()
    return Array.from({ length: height }, (_, y) => row(y)).join('\n')
  }
  return blocks.map((block) => lines.map((line) => align(line, block)).join('\n')).join('\n\n')
}

/** Formats lines of cells as aligned columns: the first left-aligned, the others right-aligned. */
export function aligned(table: readonly (readonly string[])[]): string {
  const lines = table.map((line) => line.map(oneLine))
  return laid(
    lines,
    lines[0]!.map((_, i) => i > 0),
  )
}

/** The value of a table cell; null and undefined are shown as «–». */
export type Cell = string | number | null | undefined
/** The columns of a table by title, each with the function that reads its cell from a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>

const numeric = /^[-+±]?[\d.,]+(e[-+]?\d+)?( ?[%A-Za-z]{1,3})?$/

/** Formats rows as a plain-text table under a line of titles; columns of numbers are right-aligned. */
export function table<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const titles = Object.keys(columns)
  const cells = rows.map((row) => Object.values(columns).map((read) => oneLine(String(read(row) ?? '–'))))
  const alignRight = titles.map((_, i) => cells.length > 0 && cells.every((line) => line[i] === '–' || numeric.test(line[i]!)))
  return laid([titles, ...cells], alignRight)
}

/** Converts an option name to its flag: maxWindows → max-windows. */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Edit distance: insertions, deletions, substitutions and swaps of neighbours. Source: Damerau 1964, as optimal string alignment. */
export function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : i)))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      d[i]![j] = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + change)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1)
    }
  }
  return d[a.length]![b.length]!
}

/** Finds the known word that was probably meant: one with this prefix, or the nearest one within a third of its letters. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const begun = word.length >= 3 ? known.find((k) => k.startsWith(word)) : undefined
  const [best] = known.map((k) => ({ k, d: distance(word, k) })).sort((x, y) => x.d - y.d)
  return begun ?? (best && best.d <= Math.max(1, Math.floor(Math.max(word.length, best.k.length) / 3)) ? best.k : undefined)
}
