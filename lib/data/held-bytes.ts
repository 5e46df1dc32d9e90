import { isMapped, openArrays, type StoredArray } from '../files/arrays.js'
import { elements } from '../files/element.js'
import type { Part } from './base.js'
import { layoutOf } from './keys.js'
import { locateBase } from './locate.js'

/** Memory that the elements of an array take once they are open, conversions included. Units: bytes. */
function held(array: StoredArray, normalize: boolean): number {
  const { kind, size } = array.type
  const count = elements(array.shape)
  const kept = kind === 'float' && size < 8 // others become float32
  return count * ((isMapped(array) ? 0 : size) + (kept ? 0 : 4) + (normalize ? 4 : 0))
}

/**
 * Memory that a file of vectors will take once it is open, with `both` its training and its validation half; what is mapped takes none.
 *
 * Units: bytes.
 * Errors: those of openBase.
 */
export async function heldBytes(path: string, o: { normalize: boolean; both?: boolean }): Promise<number> {
  const file = await openArrays(locateBase(path).vectors)
  const { parts, part } = layoutOf(file)
  const halves: (Part | undefined)[] = o.both === true && parts.length > 0 ? [...parts] : [part]
  const arrays = halves.flatMap((half) => {
    const { vectors, targets } = layoutOf(file, half)
    return targets === undefined ? [vectors] : [vectors, targets]
  })
  return arrays.reduce((sum, array) => sum + held(array, o.normalize), 0)
}
