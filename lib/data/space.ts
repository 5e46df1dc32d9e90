import { LvmError } from '../errors.js'
import type { Base, Card } from './base.js'

/** The space that card and option agree on. Errors: SPACE_MISMATCH when they do not. */
export function agreedSpace(path: string, card: Card | undefined, option: string | undefined): string | undefined {
  if (card?.space !== undefined && option !== undefined && card.space !== option) {
    throw new LvmError('SPACE_MISMATCH', `${path}: its card says "${card.space}" but --space says "${option}"`, {
      hint: 'leave --space away, or correct the card beside the vectors',
    })
  }
  return card?.space ?? option
}

/** Errors: SPACE_MISMATCH unless both bases are known to be from one encoder, or are halves of one file. */
export function requireSameSpace(a: Pick<Base, 'path' | 'space'>, b: Pick<Base, 'path' | 'space'>): void {
  if (a.path === b.path || (a.space !== undefined && a.space === b.space)) return
  const shown = (space: string | undefined) => (space === undefined ? 'an unknown space' : `"${space}"`)
  throw new LvmError(
    'SPACE_MISMATCH',
    `data: expected vectors of one space but ${a.path} is of ${shown(a.space)} and ${b.path} of ${shown(b.space)}`,
  )
}
