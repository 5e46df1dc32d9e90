import type { Options } from 'yargs'
import { badOption } from '../lib/errors.js'
import { type Field, type Fields, resolve } from '../lib/options.js'
import { broken, kebab } from '../lib/show.js'
import { type WatchOption, watchFields } from '../lib/train/watch/watch-fields.js'

export { kebab }

/** Converts text to a number where possible; other text stays as typed, so that the error can quote it. */
const number = (value: unknown) =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value

/** Breaks a text into lines. yargs can do it too, but takes 50 ms for a long help. */
export const wrapped = (text: string, width: number): string => broken(text, width).join('\n')

/** Columns that are left for a description beside the option's name. */
const room = () => Math.max(30, Math.min(process.stdout.columns ?? 100, 120) - 24)

function flag(field: Field<unknown>): Options {
  const { kind, about, expected, group, alias, default: preset } = field
  const allowed = kind === 'flag' || expected === 'text' ? '' : ` (${expected})`
  const unless = preset === undefined || preset === false ? '' : ` [${preset === true ? 'on' : preset}]`
  return {
    describe: wrapped(`${about}${allowed}${unless}`, room() - (kind === 'flag' ? '  [boolean]'.length : 0)),
    ...(group === undefined ? {} : { group: `${group}:` }),
    ...(alias === undefined ? {} : { alias }),
    ...(kind === 'flag' ? { type: 'boolean' } : { requiresArg: true }),
    ...(kind === 'integer' || kind === 'real' ? { coerce: number } : {}),
  }
}

/** Converts an option table to yargs flags. yargs gets no defaults, so only typed options reach the library. */
export const flags = (fields: Fields): Record<string, Options> =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [kebab(key), flag(field)]))

/** Returns the typed options of a table under their library names. */
export const given = (fields: Fields, argv: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.keys(fields).flatMap((key) => (argv[key] === undefined ? [] : [[key, argv[key]]])))

/** Value of an option on a command line that is not parsed yet. Errors: BAD_OPTION for several. */
export function valueOn(words: readonly string[], option: string): string | undefined {
  const values = words.flatMap((word, i) =>
    word === option ? [words[i + 1] ?? ''] : word.startsWith(`${option}=`) ? [word.slice(option.length + 1)] : [],
  )
  const verb = words.find((word) => !word.startsWith('-')) ?? 'lvm-torch'
  if (values.length > 1) throw badOption(verb, option.slice(2), 'one value', values, `give ${option} once`)
  return values[0] || undefined
}

/** Where the page of --watch and --watch-port is served. Errors: BAD_OPTION. */
export function watchOn(verb: string, argv: Readonly<Record<string, unknown>>): WatchOption {
  const { watch, watchPort: port } = resolve(verb, watchFields, given(watchFields, argv))
  if (argv.watch === false && port !== undefined) throw badOption(verb, 'watchPort', 'no value with --no-watch', port)
  return port === undefined ? watch : { port }
}
