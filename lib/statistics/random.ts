import { badOption } from '../errors.js'

/** The 32-bit finaliser of murmur3: each input bit affects all output bits. */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * The i-th random number of a seed, in [0, 1).
 *
 * It must never change, because saved splits are compared with splits made from it.
 *
 * With s = seed mod 2^32 and t = seed div 2^32, word(j) = mix(mix(mix(s + 0x9e3779b9) ^ t) + 0x9e3779b9 · j) mod 2^32,
 * where mix is the 32-bit finaliser of murmur3; the number is (word(2i) · 2^21 + word(2i + 1) div 2^11) / 2^53.
 *
 * Source: own; mix from A. Appleby, MurmurHash3.
 */
export function random(seed: number, i: number): number {
  const key = mix(mix((seed >>> 0) + 0x9e3779b9) ^ Math.floor(seed / 2 ** 32))
  const high = mix(key + Math.imul(0x9e3779b9, 2 * i))
  const low = mix(key + Math.imul(0x9e3779b9, 2 * i + 1))
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53
}

/** The integers below n in random order (Fisher–Yates from the end; step i uses the i-th random number). Errors: BAD_OPTION. */
export function permutation(n: number, seed: number): Int32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) throw badOption('random', 'seed', 'an integer ≥ 0', seed)
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = 0; i < n - 1; i++) {
    const last = n - 1 - i
    const pick = Math.floor(random(seed, i) * (last + 1))
    const held = order[last]!
    order[last] = order[pick]!
    order[pick] = held
  }
  return order
}

/** A seeded sample of at most `most` ids, in ascending order. */
export function sampled(ids: Int32Array, most: number | undefined, seed: number): Int32Array {
  if (most === undefined || ids.length <= most) return ids
  return permutation(ids.length, seed)
    .slice(0, most)
    .map((i) => ids[i]!)
    .sort()
}
