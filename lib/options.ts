import { word } from './door.js'
import { badOption } from './errors.js'

/** One option: its kind, default, one-line help and a description of the allowed values. */
export interface Field<T> {
  readonly kind: 'integer' | 'real' | 'choice' | 'flag' | 'text'
  readonly default: T
  readonly about: string
  readonly expected: string
  /** Heading in help and docs. */
  readonly group?: string
  readonly choices?: readonly string[]
  /** Another spelling of the flag. */
  readonly alias?: string
  accepts(value: unknown): boolean
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

/** Fills in defaults, rejects unknown keys and invalid values, and freezes the result; nothing downstream checks again. */
export function resolve<F extends Fields>(owner: string, fields: F, given: Readonly<Record<string, unknown>> = {}): Options<F> {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fields, key)) throw badOption(owner, key, `a known option (${Object.keys(fields).join(', ')})`, given[key])
  }
  const pairs = Object.entries(fields).map(([key, field]) => {
    const value = given[key] === undefined ? field.default : given[key]
    if (!field.accepts(value)) throw badOption(owner, key, field.expected, value)
    return [key, value]
  })
  return Object.freeze(Object.fromEntries(pairs)) as Options<F>
}
