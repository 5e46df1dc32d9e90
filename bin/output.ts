export { bytes, count, duration } from '../lib/show.js'
export { nearby } from './command-line.js'

import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { asLvmError } from '../lib/errors.js'
import { broken, jsonText, terminalText } from '../lib/show.js'
import { colouredAnswer, colouredDiagnostic, hasColour } from './colour.js'
import { runnable } from './command-line.js'
import { clearLine, muteLine } from './live-line.js'
import { manner } from './manner.js'
import { stagesSoFar } from './profile.js'

let log: number | undefined
/** Also appends all further lines to a file; a failure to do so only ends the copy. */
export function copyOutput(path: string): void {
  log = openSync(path, 'a')
}
const copied = (line: string): string => {
  try {
    if (log !== undefined) writeSync(log, line)
  } catch {
    log = undefined // such as a full disk
  }
  return line
}

/** Columns of a row of a table, and commands, which are copied in one piece. */
const WHOLE = /\S {2,}\S|(^|\s)(run:|npx|npm|lvm-torch) |\$ /
/** Breaks long sentences between words on a terminal, which would break them anywhere. */
export const wrapped = (text: string, { isTTY, columns = 0 }: { isTTY?: boolean; columns?: number }): string =>
  !isTTY || columns < 20
    ? text
    : text
        .split('\n')
        .map((line) => {
          const margin = /^ */.exec(line)![0]
          if (line.length <= columns || WHOLE.test(line.slice(margin.length))) return line
          return broken(line.slice(margin.length), columns - margin.length)
            .map((part) => margin + part)
            .join('\n')
        })
        .join('\n')

/** Writes one line to stdout. */
function write(text: string, dress = (plain: string) => plain): void {
  muteLine()
  copied(`${text}\n`)
  process.stdout.write(`${dress(wrapped(text, process.stdout))}\n`)
}

/** Prints text on stdout, without control characters. */
export const print = (text: string): void =>
  write(terminalText(runnable(text)), hasColour(process.stdout) ? colouredAnswer : undefined)

/** Writes pieces to stdout as fast as its reader takes them; `plain` pieces hold no control characters. */
export async function flowing(pieces: AsyncIterable<string>, plain: boolean): Promise<void> {
  muteLine()
  for await (const piece of pieces) {
    if (!process.stdout.write(copied(plain ? piece : terminalText(piece)))) await once(process.stdout, 'drain')
  }
}

/** Prints a line on stderr, outside the output that a pipe reads. */
export function diagnostic(line: string): void {
  clearLine()
  const text = wrapped(copied(`${terminalText(runnable(line))}\n`), process.stderr)
  process.stderr.write(hasColour(process.stderr) ? colouredDiagnostic(text) : text)
}

/** Prints a line about the work on stderr; with --quiet only a warning. */
export function note(line: string): void {
  if (!manner.quiet || line.startsWith('warning:')) diagnostic(line)
}

let answers = 0
/** Whether a verb has printed its whole answer. */
export const answered = (): boolean => answers > 0

/** Prints the whole answer of a verb: one JSON document, or text. */
export function answer(document: object, text: () => string, json: boolean): void {
  answers++
  const profile = json ? stagesSoFar() : undefined
  if (json) write(jsonText(profile === undefined ? document : { ...document, profile }, 2))
  else print(text())
}

/** Prints one event of long work as a line of JSON. */
export const event = (document: object): void => write(jsonText(document))

/** Prints an error as `code: message` and `fix: hint` on stderr, with --json also as an event on stdout, and sets the exit code. */
export function fail(error: unknown, json = false): void {
  const { code, message, commandHint: hint, exit, reported } = asLvmError(error)
  process.exitCode = exit
  if (reported) return
  diagnostic(`${code}: ${message}\nfix: ${hint}`)
  if (manner.verbose) diagnostic(inspect(error))
  if (json) event({ type: 'error', version: 1, code, message, hint, exit })
}
