import { plainCopy } from '../door.js'
import { LvmError, shown } from '../errors.js'

/** Numbers, or lists of them of one length, inside each other to any depth that a tensor has. */
export type Numbers = readonly (number | Numbers)[]

/** The most dimensions a tensor has here, and so the most lists inside each other. */
const DEEPEST = 64
/** More numbers than a list of JavaScript should hold: a typed array takes an eighth of the memory. */
const MOST = 2 ** 28

const refuse = (owner: string, what: string) => new LvmError('BAD_ARGUMENT', `${owner}: expected ${what}`)
const place = (at: readonly number[]) => at.map((i) => `[${i}]`).join('')

/** Runs what reads values of a caller, whose getters and proxies may throw. Errors: BAD_ARGUMENT. */
export function readable<T>(owner: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof LvmError) throw cause
    throw new LvmError('BAD_ARGUMENT', `${owner}: expected values that can be read but reading them throws`, { cause })
  }
}

/** A copy of an object of options, each read once. Errors: BAD_ARGUMENT for what is none, and for unknown ones. */
export function optionsOf(owner: string, known: readonly string[], given: unknown): Readonly<Record<string, unknown>> {
  return readable(owner, () => {
    const copy = plainCopy(given)
    if (copy === undefined) throw refuse(owner, `an object of options (${known.join(', ')}) but received ${shown(given)}`)
    const unknown = Object.keys(copy).find((key) => !known.includes(key))
    if (unknown !== undefined) throw refuse(owner, `a known option (${known.join(', ')}) but received ${shown(unknown)}`)
    return copy
  })
}

/** More lists inside each other than any operator takes, so that one that holds itself ends, and longer ones than it should. */
const [NESTED, LONG] = [16, 2 ** 20] as const

/** A copy of lists inside each other, with something else in place of each item. Errors: BAD_ARGUMENT. */
export function unwrapped(value: unknown, item: (value: unknown) => unknown, depth = 0): unknown {
  if (!Array.isArray(value)) return item(value)
  if (depth === NESTED || value.length > LONG)
    throw refuse('call', `at most ${NESTED} lists inside each other, of at most ${LONG} items`)
  return Array.from<unknown, unknown>(value, (inner) => unwrapped(inner, item, depth + 1))
}

/** Whole numbers of a short list, each read once. Errors: BAD_ARGUMENT. */
export function sizes(owner: string, name: string, value: unknown): number[] {
  return readable(owner, () => {
    if (!Array.isArray(value) || value.length > DEEPEST)
      throw refuse(owner, `a list of at most ${DEEPEST} integers for "${name}" but received ${shown(value)}`)
    return Array.from<unknown, number>(value, (size) => {
      if (!Number.isInteger(size)) throw refuse(owner, `integers for "${name}" but received ${shown(size)}`)
      return size as number
    })
  })
}

/** The length of the first list on every level. */
function shapeOf(owner: string, list: readonly unknown[]): number[] {
  const shape: number[] = []
  for (let level: unknown = list; Array.isArray(level); level = level[0]) {
    if (shape.length === DEEPEST) throw refuse(owner, `at most ${DEEPEST} lists inside each other`)
    shape.push(level.length)
  }
  const count = shape.reduce((a, b) => a * b, 1)
  if (count > MOST) throw refuse(owner, `at most ${MOST} numbers in lists but received ${count}; use a typed array`)
  return shape
}

/** Lists inside each other as one row-major array, and their shape. Errors: BAD_ARGUMENT for lists of other lengths and what is no number. */
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
