import type { Options } from 'yargs'
import type { Field, Fields } from '../lib/options.js'
import { kebab } from '../lib/show.js'

export { kebab }

/** A number where the text is one; anything else stays as typed, so that the error can quote it. */
const number = (value: unknown) =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value

/** Breaks a text into lines; yargs could, but takes 50 ms to measure the words of a long help, and help should come at once. */
export function wrapped(text: string, width: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    if (lines.at(-1) !== '' && lines.at(-1)!.length + 1 + word.length > width) lines.push(word)
    else lines.push(`${lines.pop()} ${word}`.trimStart())
  }
  return lines.join('\n')
}

/** What the terminal leaves to the text beside the names of the options. */
const room = () => Math.max(30, Math.min(process.stdout.columns ?? 100, 120) - 24)

function flag(field: Field<unknown>): Options {
  const { kind, about, expected, group, default: preset } = field
  const allowed = kind === 'flag' || expected === 'text' ? '' : ` (${expected})`
  const unless = preset === undefined || preset === false ? '' : ` [${preset === true ? 'on' : preset}]`
  return {
    describe: wrapped(`${about}${allowed}${unless}`, room() - (kind === 'flag' ? '  [boolean]'.length : 0)),
    ...(group === undefined ? {} : { group: `${group}:` }),
    ...(kind === 'flag' ? { type: 'boolean' } : { requiresArg: true }),
    ...(kind === 'integer' || kind === 'real' ? { coerce: number } : {}),
  }
}

/** Turns an option table into yargs flags; yargs is told no default, so only what was typed reaches the library. */
export const flags = (fields: Fields): Record<string, Options> =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [kebab(key), flag(field)]))

/** The options of a table that were typed, by their library name. */
export const given = (fields: Fields, argv: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.keys(fields).flatMap((key) => (argv[key] === undefined ? [] : [[key, argv[key]]])))
