import { asLvmError, badOption, LvmError, shown } from './errors.js'

/** A check for one argument, or for one key of an options object. */
export interface Check {
  readonly expected: string
  accepts(value: unknown): boolean
  /** Replaces an accepted value before the function receives it. */
  readonly convert?: (value: unknown, owner: string, name: string) => unknown
  /** Replaces an accepted value, also undefined, before the function runs, which waits for it; only in functions that return a promise. */
  readonly load?: (value: unknown, place: Place) => Promise<unknown>
}
/** Where a value was given. */
export interface Place {
  readonly owner: string
  readonly name: string
  /** The options object that holds it; empty for an argument. */
  readonly options: Record<string, unknown>
  readonly signal: AbortSignal | undefined
}
/** The keys of an options object that are checked here. */
interface Keys {
  readonly keys: Readonly<Record<string, Check>>
  /** Allows further keys, which `resolve` checks. */
  readonly more: boolean
}
/** The arguments of a function by name, in order. */
export type Parameters = Readonly<Record<string, Check | Keys>>

/** Length limit of a path or name. Units: characters. */
const LONGEST = 4096
/** Length limit of a list of paths or names. */
const MANY = 10_000

const isWord = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST && !value.includes('\0')

/** A path or a name. */
export const word: Check = { expected: `text of 1 to ${LONGEST} characters`, accepts: isWord }
/** A list of paths or names. */
export const words: Check = {
  expected: `a list of texts of 1 to ${LONGEST} characters`,
  accepts: (value) => Array.isArray(value) && value.length <= MANY && value.every(isWord),
}
export const wordOrWords: Check = {
  expected: `${word.expected}, or a list of them`,
  accepts: (value) => word.accepts(value) || words.accepts(value),
}
export const yesOrNo: Check = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' }
export const count: Check = {
  expected: 'an integer ≥ 1',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
}
const MOST_THREADS = 1024
export const threadCount: Check = {
  expected: `an integer from 1 to ${MOST_THREADS}`,
  accepts: (value) => count.accepts(value) && (value as number) <= MOST_THREADS,
}
/** Error of a function of the caller; one of ours, such as from a verb that it calls, stays as it is. */
const threw = (owner: string, name: string, cause: unknown): LvmError =>
  cause instanceof LvmError
    ? cause
    : new LvmError(
        'BAD_OPTION',
        `${owner}: expected a function for "${name}" that does not throw but it threw ${shown(cause instanceof Error ? String(cause) : cause)}`,
        {
          cause,
        },
      )

/** A function of the caller; an error that it throws becomes an LvmError. */
export const callback: Check = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
  convert:
    (value, owner, name) =>
    (...given: unknown[]) => {
      try {
        return (value as (...given: unknown[]) => unknown)(...given)
      } catch (cause) {
        throw threw(owner, name, cause)
      }
    },
}
/** As `callback`, for a function that may return a promise, which is awaited. */
export const asyncCallback: Check = {
  ...callback,
  convert:
    (value, owner, name) =>
    async (...given: unknown[]) => {
      try {
        return await (value as (...given: unknown[]) => unknown)(...given)
      } catch (cause) {
        throw threw(owner, name, cause)
      }
    },
}
export const abortSignal: Check = { expected: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal }
export const oneOf = (values: readonly string[]): Check => ({
  expected: `one of ${values.join(', ')}`,
  accepts: (value) => values.some((known) => known === value),
})
/** Makes a check accept undefined as well. */
export const optional = (check: Check): Check => ({
  ...check,
  accepts: (value) => value === undefined || check.accepts(value),
})
/** An options object with only these keys. */
export const only = (keys: Readonly<Record<string, Check>>): Keys => ({ keys, more: false })
/** An options object with these keys, and others that `resolve` checks. */
export const withFields = (keys: Readonly<Record<string, Check>>): Keys => ({ keys, more: true })

/**
 * Copies the own properties of a plain object, reading each once, so that getters and proxies run only here; undefined for any other value.
 *
 * Errors: those that a getter throws.
 */
export function plainCopy(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return undefined
  return Object.fromEntries(Object.entries(value))
}

function snapshot(owner: string, name: string, value: unknown): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  try {
    copy = plainCopy(value)
  } catch {} // refused below, like any value that is not a plain object
  if (copy === undefined) throw badOption(owner, name, 'a plain object of options', value)
  return copy
}

/** Checks one argument and returns the value to pass on. Errors: BAD_OPTION. */
function read(owner: string, name: string, rule: Check | Keys, value: unknown): unknown {
  if (!('keys' in rule)) return accepted(owner, name, rule, value)
  const copy = value === undefined ? {} : snapshot(owner, name, value)
  const known = Object.keys(rule.keys)
  for (const key of Object.keys(copy)) {
    if (!rule.more && !Object.hasOwn(rule.keys, key))
      throw badOption(owner, key, `a known option (${known.join(', ')})`, copy[key])
  }
  for (const key of known) {
    if (copy[key] !== undefined || !rule.keys[key]!.accepts(undefined))
      copy[key] = accepted(owner, key, rule.keys[key]!, copy[key])
  }
  return copy
}

/** Checks one value and returns it; a list is copied. Errors: BAD_OPTION. */
function accepted(owner: string, name: string, check: Check, value: unknown): unknown {
  try {
    const plain = Array.isArray(value) && value.length <= MANY ? Array.from<unknown>(value) : value
    if (check.accepts(plain)) return plain !== undefined && check.convert ? check.convert(plain, owner, name) : plain
  } catch {} // a proxy or getter that throws counts as an invalid value
  throw badOption(owner, name, check.expected, value)
}

/** Checks the arguments of a public function and returns them. Errors: BAD_OPTION for the first invalid one. */
export function checkedArguments(owner: string, parameters: Parameters, given: readonly unknown[]): unknown[] {
  return Object.entries(parameters).map(([name, rule], i) => read(owner, name, rule, given[i]))
}

/** Replaces the values whose checks load something. */
async function loaded(owner: string, parameters: Parameters, given: unknown[]): Promise<never[]> {
  const signals = given.map((value) => (value as { signal?: unknown } | undefined)?.signal)
  const signal = signals.find((value) => value instanceof AbortSignal)
  for (const [i, [name, rule]] of Object.entries(parameters).entries()) {
    if (!('keys' in rule)) {
      if (rule.load) given[i] = await rule.load(given[i], { owner, name, options: {}, signal })
      continue
    }
    const options = given[i] as Record<string, unknown>
    for (const [key, { load }] of Object.entries(rule.keys)) {
      const value = await load?.(options[key], { owner, name: key, options, signal })
      if (value !== undefined) options[key] = value
    }
  }
  return given as never[]
}

type Public = (...given: never[]) => unknown

/** Wraps a public function: checks its arguments before it runs, and turns every failure into an LvmError. */
export const door = <F extends Public>(owner: string, parameters: Parameters, run: F): F =>
  ((...given: unknown[]) => {
    try {
      return run(...(checkedArguments(owner, parameters, given) as never[]))
    } catch (error) {
      throw asLvmError(error)
    }
  }) as unknown as F

/** Wraps a public function that returns a promise: as `door`, but it rejects and never throws. */
export const asyncDoor = <F extends (...given: never[]) => Promise<unknown>>(owner: string, parameters: Parameters, run: F): F =>
  (async (...given: unknown[]) => {
    try {
      return await run(...(await loaded(owner, parameters, checkedArguments(owner, parameters, given))))
    } catch (error) {
      throw asLvmError(error)
    }
  }) as unknown as F

/** Wraps a public function that yields events: as `door`, but the first `next()` rejects. */
export const eventDoor = <F extends (...given: never[]) => AsyncGenerator<unknown, void, void>>(
  owner: string,
  parameters: Parameters,
  run: F,
): F =>
  async function* (...given: unknown[]) {
    try {
      yield* run(...(await loaded(owner, parameters, checkedArguments(owner, parameters, given))))
    } catch (error) {
      throw asLvmError(error)
    }
  } as unknown as F

/** Wraps a function that renders the result of another function. Errors: BAD_OPTION when the document cannot be rendered. */
export const pageDoor =
  <D extends object>(owner: string, of: string, render: (document: D) => string): ((document: D) => string) =>
  (document) => {
    try {
      return render(document)
    } catch (cause) {
      throw new LvmError('BAD_OPTION', `${owner}: expected the result of ${of}() but received ${shown(document)}`, { cause })
    }
  }
