import { manner } from './manner.js'

const RED = 31
const GREEN = 32
const YELLOW = 33
const BOLD = 1

/** Whether text on a stream has colours: as the options say, then NO_COLOR, then FORCE_COLOR, else on a terminal. */
export function hasColour(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (manner.color !== undefined) return manner.color
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return stream.isTTY === true && TERM !== 'dumb'
}

const painted = (code: number, text: string) => `\x1b[${code}m${text}\x1b[${code === BOLD ? 22 : 39}m`
const VERDICTS: Readonly<Record<string, number>> = { PASS: GREEN, WARN: YELLOW, FAIL: RED }

/** Colours verdicts and the headings of a help; the text has no control characters. */
export const colouredAnswer = (text: string): string =>
  text
    .replace(/\b(?:PASS|WARN|FAIL)\b/g, (word) => painted(VERDICTS[word]!, word))
    .replace(/^[A-Z][a-z]+(?: of every verb)?:$/gm, (heading) => painted(BOLD, heading))

/** Colours the code of an error and the word before a warning or a fix. */
export const colouredDiagnostic = (text: string): string =>
  text
    .replace(/^[A-Z]+(?:_[A-Z]+)*:/gm, (code) => painted(RED, code))
    .replace(/^warning:/gm, (word) => painted(YELLOW, word))
    .replace(/^fix:/gm, (word) => painted(BOLD, word))
