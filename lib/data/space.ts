import { LvmError } from '../errors.js'
import type { Base, Card } from './base.js'

/** The space that card and option agree on. Errors: SPACE_MISMATCH when they do not. */
export function agreedSpace(path: string, card: Card | undefined, option: string | undefined): string | undefined {
  if (card?.space !== undefined && option !== undefined && card.space !== option) {
    throw new LvmError('SPACE_MISMATCH', `${path}: its card says "${card.space}" but "space" is "${option}"`, {
      hint: 'leave --space away, or correct the card beside the vectors',
    })
  }
  return card?.space ?? option
}

type Placed = Pick<Base, 'path' | 'space'> & { readonly hash?: string | undefined }

/**
 * Refuses two bases whose spaces are not known and equal; one file of an unknown space may be opened twice.
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
    `data: expected vectors of one space but ${a.path} is of ${shown(a.space)} and ${b.path} of ${shown(b.space)}`,
  )
}
