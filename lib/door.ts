import { asLvmError, badOption, LvmError, shown } from './errors.js'

/** What one argument, or one key of an object of options, may be. */
export interface Check {
  readonly expected: string
  accepts(value: unknown): boolean
  /** What the function is handed instead of an accepted value. */
  readonly handed?: (value: unknown, owner: string, name: string) => unknown
}
/** The keys of an object of options that are checked here. */
interface Keys {
  readonly keys: Readonly<Record<string, Check>>
  /** Whether it may hold more, which `resolve` checks. */
  readonly more: boolean
}
/** The arguments of a function, in order, by name. */
export type Parameters = Readonly<Record<string, Check | Keys>>

/** The longest path or name that is taken, so that sentences with one in them stay readable. */
const LONGEST = 4096
/** More runs or files than anybody compares at once. */
const MANY = 10_000

const isWord = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST && !value.includes('\0')

/** A path or a name. */
export const word: Check = { expected: `text of 1 to ${LONGEST} characters`, accepts: isWord }
/** Several paths or names. */
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
/** A function of the caller; what it throws gets a code too. */
export const callback: Check = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
  handed:
    (value, owner, name) =>
    (...given: unknown[]) => {
      try {
        return (value as (...given: unknown[]) => unknown)(...given)
      } catch (cause) {
        throw new LvmError(
          'BAD_OPTION',
          `${owner}: expected a function for "${name}" that does not throw but it threw ${shown(cause)}`,
          {
            cause,
          },
        )
      }
    },
}
export const abortSignal: Check = { expected: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal }
export const oneOf = (values: readonly string[]): Check => ({
  expected: `one of ${values.join(', ')}`,
  accepts: (value) => values.some((known) => known === value),
})
/** The same, or nothing. */
export const optional = (check: Check): Check => ({
  ...check,
  accepts: (value) => value === undefined || check.accepts(value),
})
/** An object with these keys and no others. */
export const only = (keys: Readonly<Record<string, Check>>): Keys => ({ keys, more: false })
/** An object with these keys, and others that `resolve` checks. */
export const withFields = (keys: Readonly<Record<string, Check>>): Keys => ({ keys, more: true })

/**
 * A copy of the own properties of a plain object, read once: getters and proxies run their code here and nowhere later. Undefined for
 * anything else; throws what reading throws.
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
  } catch {} // nothing that a function takes
  if (copy === undefined) throw badOption(owner, name, 'a plain object of options', value)
  return copy
}

/** One argument as the function may have it. Errors: BAD_OPTION. */
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

/** The value, or a copy of a list, that a check accepts. Errors: BAD_OPTION. */
function accepted(owner: string, name: string, check: Check, value: unknown): unknown {
  try {
    const plain = Array.isArray(value) && value.length <= MANY ? Array.from<unknown>(value) : value
    if (check.accepts(plain)) return plain !== undefined && check.handed ? check.handed(plain, owner, name) : plain
  } catch {} // a proxy or a getter that throws is nothing that a function takes
  throw badOption(owner, name, check.expected, value)
}

/** Arguments as a public function may have them. Errors: BAD_OPTION for the first that it cannot take. */
export function taken(owner: string, parameters: Parameters, given: readonly unknown[]): unknown[] {
  return Object.entries(parameters).map(([name, rule], i) => read(owner, name, rule, given[i]))
}

type Public = (...given: never[]) => unknown

/** A public function whose arguments are checked before it runs, and whose every failure has a code. */
export const door = <F extends Public>(owner: string, parameters: Parameters, run: F): F =>
  ((...given: unknown[]) => {
    try {
      return run(...(taken(owner, parameters, given) as never[]))
    } catch (error) {
      throw asLvmError(error)
    }
  }) as unknown as F

/** The same for a function that returns a promise: it never throws but rejects. */
export const asyncDoor = <F extends (...given: never[]) => Promise<unknown>>(owner: string, parameters: Parameters, run: F): F =>
  (async (...given: unknown[]) => {
    try {
      return await run(...(taken(owner, parameters, given) as never[]))
    } catch (error) {
      throw asLvmError(error)
    }
  }) as unknown as F

/** The same for a function of events: the first that is asked for rejects. */
export const eventDoor = <F extends (...given: never[]) => AsyncGenerator<unknown, void, void>>(
  owner: string,
  parameters: Parameters,
  run: F,
): F =>
  async function* (...given: unknown[]) {
    try {
      yield* run(...(taken(owner, parameters, given) as never[]))
    } catch (error) {
      throw asLvmError(error)
    }
  } as unknown as F

/** A page of a document that another function returned. Errors: BAD_OPTION for anything else. */
export const pageDoor =
  <D extends object>(owner: string, of: string, render: (document: D) => string): ((document: D) => string) =>
  (document) => {
    try {
      return render(document)
    } catch (cause) {
      throw new LvmError('BAD_OPTION', `${owner}: expected what ${of}() returns but received ${shown(document)}`, { cause })
    }
  }
