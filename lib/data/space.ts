import { LvmError } from '../errors.js'
import type { Base, Card } from './base.js'

/** Returns the space from card or option. Errors: SPACE_MISMATCH when both are given and differ. */
export function agreedSpace(path: string, card: Card | undefined, option: string | undefined): string | undefined {
  if (card?.space !== undefined && option !== undefined && card.space !== option) {
    throw new LvmError(
      'SPACE_MISMATCH',
      `${path}: expected "${card.space}", the space of its card, for "space" but received "${option}"`,
      {
        hint: 'omit --space, or correct the card beside the vectors',
      },
    )
  }
  return card?.space ?? option
}

type Placed = Pick<Base, 'path' | 'space'> & { readonly hash?: string | undefined }

/**
 * Requires that the spaces of two bases are known and equal; two copies of one file need no known space.
 *
 * Errors: SPACE_MISMATCH.
 */
export function requireSameSpace(a: Placed, b: Placed): void {
  const known = a.space !== undefined && b.space !== undefined
  const one = a.path === b.path || (a.hash !== undefined && a.hash === b.hash)
  if (known ? a.space === b.space : one) return
  const shown = (space: string | undefined) => (space === undefined ? 'an unknown space' : `"${space}"`)
  throw new LvmError(
    'SPACE_MISMATCH',
    `data: expected vectors of one space but ${a.path} is in ${shown(a.space)} and ${b.path} in ${shown(b.space)}`,
  )
}
