import { isMapped, openArrays, type StoredArray } from '../files/arrays.js'
import { elements } from '../files/element.js'
import type { Part } from './base.js'
import { layoutOf } from './keys.js'
import { baseFiles } from './locate.js'

/** Memory of an open array, conversions included. Units: bytes. */
function held(array: StoredArray, normalize: boolean): number {
  const { kind, size } = array.type
  const count = elements(array.shape)
  const kept = kind === 'float' && size < 8 // other types become float32
  return count * ((isMapped(array) ? 0 : size) + (kept ? 0 : 4) + (normalize ? 4 : 0))
}

/**
 * Memory that an open file of vectors will take; memory-mapped arrays take none. `both` adds the training and the validation half.
 *
 * Units: bytes.
 * Errors: those of openBase.
 */
export async function heldBytes(path: string, o: { normalize: boolean; both?: boolean }): Promise<number> {
  const { vectors, array } = await baseFiles(path)
  const file = await openArrays(vectors)
  const { parts, part } = layoutOf(file, undefined, array)
  const halves: (Part | undefined)[] = o.both === true && parts.length > 0 ? [...parts] : [part]
  const arrays = halves.flatMap((half) => {
    const { vectors, targets } = layoutOf(file, half, array)
    return targets === undefined ? [vectors] : [vectors, targets]
  })
  return arrays.reduce((sum, array) => sum + held(array, o.normalize), 0)
}
