import { plainCopy } from '../door.js'
import { LvmError, shown } from '../errors.js'

/** Nested lists of numbers; all lists of one level have the same length. */
export type Numbers = readonly (number | Numbers)[]

/** Elements of a tensor as nested lists; without dimensions one element. */
export type Nested = number | boolean | Nested[]

/** Largest number of dimensions of a tensor, and so of nested lists. */
const MAX_DIMENSIONS = 64
/** Largest number of elements in nested lists; a typed array takes an eighth of the memory. */
const MAX_NUMBERS = 2 ** 28

const refuse = (owner: string, what: string) => new LvmError('BAD_ARGUMENT', `${owner}: expected ${what}`)
const place = (at: readonly number[]) => at.map((i) => `[${i}]`).join('')

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

/** Length of the first list on each level. */
function shapeOf(owner: string, list: readonly unknown[]): number[] {
  const shape: number[] = []
  for (let level: unknown = list; Array.isArray(level); level = level[0]) {
    if (shape.length === MAX_DIMENSIONS) throw refuse(owner, `lists nested at most ${MAX_DIMENSIONS} deep`)
    shape.push(level.length)
  }
  const count = shape.reduce((a, b) => a * b, 1)
  if (count > MAX_NUMBERS) throw refuse(owner, `at most ${MAX_NUMBERS} numbers in lists but received ${count}; use a typed array`)
  return shape
}

/** Flattens nested lists into one row-major array and returns their shape. Errors: BAD_ARGUMENT for unequal lengths or items that are not numbers. */
export function flattened(owner: string, list: readonly unknown[]): { array: Float32Array; shape: number[] } {
  return readable(owner, () => {
    const shape = shapeOf(owner, list)
    const array = new Float32Array(shape.reduce((a, b) => a * b, 1))
    let count = 0
    const fill = (level: readonly unknown[], at: readonly number[]): void => {
      const length = shape[at.length]!
      if (level.length !== length)
        throw refuse(owner, `${length} elements in each list, as in the first, but ${place(at)} has ${level.length}`)
      const inner = at.length + 1 < shape.length
      for (let i = 0; i < length; i++) {
        const item = level[i]
        if (inner && Array.isArray(item)) fill(item, [...at, i])
        else if (!inner && typeof item === 'number') array[count++] = item
        else
          throw refuse(
            owner,
            `${inner ? `a list of ${shape[at.length + 1]}` : 'a number'} at ${place([...at, i])} but received ${shown(item)}`,
          )
      }
    }
    fill(list, [])
    return { array, shape }
  })
}

/** Nested lists of row-major elements. */
export function nested(elements: readonly (number | boolean)[], shape: readonly number[]): Nested {
  if (shape.length === 0) return elements[0]!
  const [size = 0, ...inner] = shape
  const each = size === 0 ? 0 : elements.length / size
  return Array.from({ length: size }, (_, i) => nested(elements.slice(i * each, (i + 1) * each), inner))
}
