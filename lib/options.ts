import { plainCopy, word, words } from './door.js'
import { badOption } from './errors.js'

/** One option: its kind, default, one-line help and a description of the allowed values. */
export interface Field<T> {
  readonly kind: 'integer' | 'real' | 'choice' | 'flag' | 'text' | 'list' | 'factors'
  readonly default: T
  readonly about: string
  readonly expected: string
  /** Heading in help and docs. */
  readonly group?: string
  readonly choices?: readonly string[]
  /** Another spelling of the flag. */
  readonly alias?: string
  accepts(value: unknown): boolean
  /** Converts an accepted value, such as its text on a command line, to the value of the option. */
  read?(value: unknown): T
}
/** A table of options by camelCase name. */
export type Fields = Readonly<Record<string, Field<unknown>>>
/** The values of a table, as `resolve` returns them. */
export type Options<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }
/** The options of a table as a caller may give them. */
export type Given<F extends Fields> = { readonly [K in keyof F]?: Options<F>[K] | undefined }

const bounds = (kind: string, min: number, max: number) =>
  max === Infinity ? (min === -Infinity ? kind : `${kind} ≥ ${min}`) : `${kind} from ${min} to ${max}`

/** An integer option between two bounds; with `default: undefined` it may be omitted. */
export const integer = <const D extends number | undefined>(o: {
  default: D
  min: number
  max?: number
  about: string
  group?: string
}): Field<number | D> => ({
  ...o,
  kind: 'integer',
  expected: bounds('an integer', o.min, o.max ?? Infinity),
  accepts: (v) =>
    (v === undefined && o.default === undefined) ||
    (Number.isSafeInteger(v) && (v as number) >= o.min && (v as number) <= (o.max ?? Infinity)),
})

/** A finite number option between two bounds; with `default: undefined` it may be omitted. */
export const real = <const D extends number | undefined>(o: {
  default: D
  min: number
  max?: number
  about: string
  group?: string
}): Field<number | D> => ({
  ...o,
  kind: 'real',
  expected: bounds('a number', o.min, o.max ?? Infinity),
  accepts: (v) =>
    (v === undefined && o.default === undefined) ||
    (Number.isFinite(v) && (v as number) >= o.min && (v as number) <= (o.max ?? Infinity)),
})

/** A number option that also takes the word `auto`, whose value the program chooses. */
export const orAuto = <T extends number>(field: Field<T>): Field<T | 'auto'> => ({
  ...field,
  expected: `${field.expected}, or auto`,
  accepts: (v) => v === 'auto' || field.accepts(v),
})

/** An option with a fixed set of words; with `default: undefined` it may be omitted. */
export const choice = <const T extends string, const D extends T | undefined>(
  of: readonly T[],
  o: { default: D; about: string; group?: string },
): Field<T | D> => ({
  ...o,
  kind: 'choice',
  choices: of,
  expected: `one of ${of.join(', ')}`,
  accepts: (v) => (v === undefined && o.default === undefined) || of.includes(v as T),
})

/** A boolean option. */
export const flag = (o: { default: boolean; about: string; group?: string; alias?: string }): Field<boolean> => ({
  ...o,
  kind: 'flag',
  expected: 'true or false',
  accepts: (v) => typeof v === 'boolean',
})

interface TextOptions {
  about: string
  group?: string
  expected?: string
  matches?: { test(value: string): boolean }
  /** The empty text is allowed. */
  empty?: boolean
}
/** A text option, usually a path or a name; `matches` restricts it, and with `default: undefined` it may be omitted. */
export function text(o: TextOptions & { default: string }): Field<string>
export function text(o: TextOptions & { default: undefined }): Field<string | undefined>
export function text(o: TextOptions & { default: string | undefined }): Field<string | undefined> {
  return {
    ...o,
    kind: 'text',
    expected: o.expected ?? 'text',
    accepts: (v) =>
      (v === undefined && o.default === undefined) ||
      (o.empty === true && v === '') ||
      (word.accepts(v) && (o.matches?.test(v as string) ?? true)),
  }
}

const items = (text: string) => text.split(',').map((item) => item.trim())
/** Most items of a list. */
const MOST = 10_000
/** List of texts of a value or of its text: a,b. */
function listOf(value: unknown): unknown {
  if (typeof value === 'string') return items(value)
  if (!Array.isArray(value) || value.length > MOST) return value
  return Array.from<unknown>(value).flatMap((item) => (typeof item === 'string' ? items(item) : [item]))
}
/** Whether a value passes; a getter or proxy that throws does not. */
function passes(test: () => boolean): boolean {
  try {
    return test()
  } catch {
    return false
  }
}

/** An option that is a list of texts, on the command line separated by commas. */
export const list = (o: { about: string; expected: string; group?: string }): Field<readonly string[] | undefined> => ({
  ...o,
  kind: 'list',
  default: undefined,
  accepts: (v) =>
    v === undefined ||
    passes(() => {
      const list = listOf(v)
      return words.accepts(list) && (list as unknown[]).length > 0
    }),
  read: (v) => Object.freeze(listOf(v)) as readonly string[],
})

const isFactor = (f: unknown) => Number.isFinite(f) && (f as number) > 0
/** Factors by name of a value or of its text: a=0.5,b=2. */
function factorsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'string') return plainCopy(value)
  const pairs = items(value).map((item) => [item.slice(0, item.lastIndexOf('=')), item.slice(item.lastIndexOf('=') + 1)] as const)
  return Object.fromEntries(pairs.map(([name, factor]) => [name, factor.trim() === '' ? Number.NaN : Number(factor)]))
}

/** An option that gives names factors above 0, on the command line as a=0.5,b=2. */
export const factors = (o: {
  about: string
  expected: string
  group?: string
}): Field<Readonly<Record<string, number>> | undefined> => ({
  ...o,
  kind: 'factors',
  default: undefined,
  accepts: (v) =>
    v === undefined ||
    passes(() => {
      const pairs = Object.entries(factorsOf(v) ?? {})
      return pairs.length > 0 && pairs.length <= MOST && pairs.every(([name, f]) => word.accepts(name) && isFactor(f))
    }),
  read: (v) => Object.freeze(factorsOf(v)) as Readonly<Record<string, number>>,
})

/** Value of an option in the form that `resolve` returns. */
export const readAs = ({ read }: Field<unknown>, value: unknown): unknown =>
  value === undefined || read === undefined ? value : read(value)

/** Fills in defaults, rejects unknown keys and invalid values, and freezes the result; nothing downstream checks again. */
export function resolve<F extends Fields>(owner: string, fields: F, given: Readonly<Record<string, unknown>> = {}): Options<F> {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fields, key)) throw badOption(owner, key, `a known option (${Object.keys(fields).join(', ')})`, given[key])
  }
  const pairs = Object.entries(fields).map(([key, field]) => {
    const value = given[key] === undefined ? field.default : given[key]
    if (!field.accepts(value)) throw badOption(owner, key, field.expected, value)
    return [key, readAs(field, value)]
  })
  return Object.freeze(Object.fromEntries(pairs)) as Options<F>
}
