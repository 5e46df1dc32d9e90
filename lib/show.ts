import { createHash } from 'node:crypto'

/** Controls, line separators, bidi overrides and isolates, lone surrogates: a terminal would act on them, or show other text than is there. */
const UNSAFE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
/** What XML 1.0 and HTML cannot hold, and what would reorder the text beside it. */
const NOT_XML = /[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff\u202a-\u202e\u2066-\u2069]/gu
/** The first characters by which a spreadsheet knows a formula; apostrophes before them count, so that `csvText` can be undone. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const hex = (char: string) => char.charCodeAt(0).toString(16)
const escaped = (char: string) =>
  NAMED[char] ?? (char <= '\xff' ? `\\x${hex(char).padStart(2, '0')}` : `\\u${hex(char).padStart(4, '0')}`)

/** Text for a terminal: lines stay lines, and a character that a terminal would act on is shown as its escape. */
export const terminalText = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(UNSAFE, (char) => (char === '\n' ? char : escaped(char)))

/** Text for one line of a terminal, such as a table cell: line breaks are shown as their escapes too. */
export const oneLine = (text: string): string => text.replace(UNSAFE, escaped)

/** A value as JSON that is safe on a terminal and reads back to the same value. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSAFE, (char) => (char === '\n' ? char : `\\u${hex(char).padStart(4, '0')}`))

/** Text for XML or HTML, not yet escaped: what they cannot hold becomes U+FFFD. */
export const xmlText = (text: string): string => text.replace(NOT_XML, '\ufffd')

/** A text that no spreadsheet takes for a formula. */
const csvText = (text: string): string => (FORMULA.test(text) ? `'${text}` : text)
/** The text that `csvText` was given. */
export const fromCsvText = (text: string): string => (text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text)

/** One cell of a CSV file; nothing is an empty cell. Source: RFC 4180; formulas as OWASP's «CSV Injection» advises. */
export function csvCell(value: string | number | null | undefined): string {
  if (typeof value !== 'string') return String(value ?? '')
  const text = xmlText(csvText(value))
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A name for a file or an anchor: of letters, digits, `.`, `-` and `_`, and unlike for unlike texts. */
export function plainName(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N}._-]+/gu, '_')
  return plain === text ? text : `${plain}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
}

/** A word as it can be pasted into a shell: bash and zsh, on Windows cmd. */
export function shellWord(word: string, platform: NodeJS.Platform = process.platform): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(word)) return word
  if (platform === 'win32') return `"${word.replaceAll('"', '""')}"`
  if (oneLine(word) === word) return `'${word.replaceAll("'", "'\\''")}'`
  return `$'${oneLine(word.replace(/[\\']/g, '\\$&'))}'`
}

/** What stands where there is nothing to show. */
export const NONE = '–'

/** A whole number with its thousands marked: 5,120,768. */
export const count = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 })

/** A size a person reads at once: 512 B, 20.5 MB, 1.6 GB. */
export function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3))
  return `${step === 0 ? n : (n / 1000 ** step).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`
}

/** A size in GB whatever it is, so that a column of them compares at a glance: 0.7 GB. */
export const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`

/** A span of time: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** A number of parameters as the specification writes it: 5.1M, 1.6B. */
export const millions = (n: number): string => {
  const [scaled, letter] = n >= 1e9 ? [n / 1e9, 'B'] : n >= 1e6 ? [n / 1e6, 'M'] : [n / 1e3, 'k']
  return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toFixed(1))}${letter}`
}

/** Decimals with a true minus sign, and none before nothing but zeros. */
export function fixed(x: number, digits: number, plus = ''): string {
  const text = Math.abs(x).toFixed(digits)
  return `${x < 0 && Number(text) !== 0 ? '−' : plus}${text}`
}

/** A squared error: six decimals, or its leading digits where those would all be zero. */
export const mse = (x: number): string => (x !== 0 && Math.abs(x) < 1e-5 ? x.toExponential(2) : fixed(x, 6))

/** Decimals without the zero before the point, which every cosine would share: .4558, −.0123. */
export const decimal = (x: number, plus = '', digits = 4): string => fixed(x, digits, plus).replace(/^([−+]?)0\./, '$1.')
export const signedDecimal = (x: number): string => decimal(x, '+')

/** A share in percent: 4.2 %. */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`

/** The two ends of an interval; – where there is none. */
export const span = (interval: readonly [number, number] | null, show: (x: number) => string = decimal): string =>
  interval === null ? NONE : `${show(interval[0])} … ${show(interval[1])}`

/** A p value to four decimals. */
export const pValue = (p: number): string => (p < 1e-4 ? '< .0001' : decimal(p))

/** Lines of cells as columns, the first flush left and the others flush right. */
export function aligned(table: readonly (readonly string[])[]): string {
  const lines = table.map((line) => line.map(oneLine))
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What a table cell may hold; nothing is shown as «–». */
export type Cell = string | number | null | undefined
/** Columns by their title: how each cell is read from a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>

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

/** An option as the command line writes it: maxWindows → max-windows. */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** How many letters were mistyped, if one word was meant by the other: one left out, added, changed or swapped with its neighbour. */
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

/** The known word that was probably meant: one that begins so, or differs in a third of its letters at most. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const begun = word.length >= 3 ? known.find((k) => k.startsWith(word)) : undefined
  const [best] = known.map((k) => ({ k, d: distance(word, k) })).sort((x, y) => x.d - y.d)
  return begun ?? (best && best.d <= Math.max(1, Math.floor(Math.max(word.length, best.k.length) / 3)) ? best.k : undefined)
}
