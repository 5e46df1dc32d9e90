import { plainCopy } from '../door.js'
import { LvmError, shown } from '../errors.js'

/** Nested lists of numbers; all lists of one level have the same length. */
export type Numbers = readonly (number | Numbers)[]

/** Nested lists of elements of one type; all lists of one level have the same length. */
export type Values = readonly (number | bigint | boolean | Values)[]

/** Elements of a tensor as nested lists; without dimensions one element. */
export type Nested = number | boolean | Nested[]

/** Largest number of dimensions of a tensor, and so of nested lists. */
export const MAX_DIMENSIONS = 64

export const refuse = (owner: string, what: string): LvmError => new LvmError('BAD_ARGUMENT', `${owner}: expected ${what}`)

/** Calls `read` and converts what a caller's getters and proxies throw. Errors: BAD_ARGUMENT. */
export function readable<T>(owner: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof LvmError) throw cause
    throw new LvmError('BAD_ARGUMENT', `${owner}: expected values that can be read but reading them throws`, { cause })
  }
}

/** Copies an object of options and reads each one once. Errors: BAD_ARGUMENT for another type or an unknown option. */
export function optionsOf(owner: string, known: readonly string[], given: unknown): Readonly<Record<string, unknown>> {
  return readable(owner, () => {
    const copy = plainCopy(given)
    if (copy === undefined) throw refuse(owner, `an object of options (${known.join(', ')}) but received ${shown(given)}`)
    const unknown = Object.keys(copy).find((key) => !known.includes(key))
    if (unknown !== undefined) throw refuse(owner, `a known option (${known.join(', ')}) but received ${shown(unknown)}`)
    return copy
  })
}

/** Largest depth and length of lists in arguments; a list that contains itself is refused by its depth. */
const MAX_DEPTH = 16
export const MAX_LENGTH = 2 ** 20

/** Copies nested lists and replaces each item by `item(…)`. Errors: BAD_ARGUMENT. */
export function unwrapped(value: unknown, item: (value: unknown) => unknown, depth = 0): unknown {
  if (!Array.isArray(value)) return item(value)
  if (depth === MAX_DEPTH || value.length > MAX_LENGTH)
    throw refuse('call', `lists nested at most ${MAX_DEPTH} deep, of at most ${MAX_LENGTH} items each`)
  return Array.from<unknown, unknown>(value, (inner) => unwrapped(inner, item, depth + 1))
}

/** Copies a short list of integers and reads each one once. Errors: BAD_ARGUMENT. */
export function sizes(owner: string, name: string, value: unknown): number[] {
  return readable(owner, () => {
    if (!Array.isArray(value) || value.length > MAX_DIMENSIONS)
      throw refuse(owner, `a list of at most ${MAX_DIMENSIONS} integers for "${name}" but received ${shown(value)}`)
    return Array.from<unknown, number>(value, (size) => {
      if (!Number.isInteger(size)) throw refuse(owner, `integers for "${name}" but received ${shown(size)}`)
      return size as number
    })
  })
}

/** Nested lists of row-major elements. */
export function nested(elements: readonly (number | boolean)[], shape: readonly number[]): Nested {
  if (shape.length === 0) return elements[0]!
  const [size = 0, ...inner] = shape
  const each = size === 0 ? 0 : elements.length / size
  return Array.from({ length: size }, (_, i) => nested(elements.slice(i * each, (i + 1) * each), inner))
}
