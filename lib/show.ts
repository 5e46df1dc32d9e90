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
