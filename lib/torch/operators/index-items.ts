import { LvmError, shown } from '../../errors.js'
import { MAX_LENGTH } from '../lists.js'

/** Bounds of a slice as text, as Python writes them: `'1:3'`, `':-1'`, `'::2'`, `':'`. */
export type SliceText = `${number | ''}:${number | ''}` | `${number | ''}:${number | ''}:${number | ''}`
/** Part of a tensor along one dimension: a position, a slice, `null` for a new dimension, `'...'` for all dimensions between, a list of positions, or a tensor of positions or of a mask. */
export type Index<T> = number | SliceText | '...' | null | readonly number[] | T

const SLICE = /^(-?\d*):(-?\d*)(?::(-?\d*))?$/
const refuse = (item: unknown) =>
  new LvmError(
    'BAD_ARGUMENT',
    `at: expected positions, slices such as '1:3', '...', null, lists of positions or tensors but received ${shown(item)}`,
  )

/** Converts an index for the addon; `positions` makes a tensor of a list. */
export function indexItem(item: unknown, positions: (list: readonly unknown[]) => unknown): unknown {
  if (item === null || item === '...' || Number.isSafeInteger(item)) return item
  if (Array.isArray(item)) {
    if (item.length > MAX_LENGTH) throw refuse(item)
    const list = Array.from<unknown>(item)
    if (!list.every((one) => Number.isSafeInteger(one))) throw refuse(item)
    return positions(list)
  }
  const bounds = typeof item === 'string' ? SLICE.exec(item) : null
  if (bounds === null) throw refuse(item)
  const numbers = bounds.slice(1).map((bound) => (bound === undefined || bound === '' ? null : Number(bound)))
  if (numbers.some(Number.isNaN) || (numbers[2] ?? 1) < 1) throw refuse(item) // libtorch has no negative steps
  return numbers
}
