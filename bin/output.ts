export { bytes, count, duration } from '../lib/show.js'

import { isAbsolute, relative } from 'node:path'
import { asLvmError } from '../lib/errors.js'
import { jsonText, terminalText } from '../lib/show.js'

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

/** A path as a person would type it here: relative where it lies below the working directory. */
export function nearby(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}
