import { LvmError } from '../errors.js'
import type { Base, Card } from './base.js'
import type { EncoderTag } from './encoder-tag.js'

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

/** Vectors with their space; `hash` is that of the file of vectors. */
type Placed = Pick<Base, 'path' | 'space' | 'encoder'> & { readonly hash?: string | undefined }

/** Requires that two encoders of one space have equal hashes, where both are known. Errors: SPACE_MISMATCH. */
function requireSameEncoder(a: Placed, b: Placed): void {
  const [one, other] = [a.encoder, b.encoder]
  if (one?.hash === undefined || other?.hash === undefined || one.hash === other.hash) return
  const shown = ({ name, hash }: EncoderTag) => `${name} (${hash!.slice(0, 12)})`
  throw new LvmError(
    'SPACE_MISMATCH',
    `data: expected vectors of one encoder, in the space "${a.space}", but ${a.path} is from ${shown(one)} and ${b.path} from ${shown(other)}: their files have other hashes`,
    {
      hint: `run: lvm-torch data audit ${b.path} --encoder FOLDER, with the encoder of the first; if it passes, correct the card`,
    },
  )
}

/**
 * Requires that the spaces of two bases are known and equal; two copies of one file need no known space.
 *
 * Errors: SPACE_MISMATCH, also for two encoders of one space whose hashes differ.
 */
export function requireSameSpace(a: Placed, b: Placed): void {
  const known = a.space !== undefined && b.space !== undefined
  const one = a.path === b.path || (a.hash !== undefined && a.hash === b.hash)
  if (known && a.space === b.space && !one) requireSameEncoder(a, b)
  if (known ? a.space === b.space : one) return
  const shown = (space: string | undefined) => (space === undefined ? 'an unknown space' : `"${space}"`)
  throw new LvmError(
    'SPACE_MISMATCH',
    `data: expected vectors of one space but ${a.path} is in ${shown(a.space)} and ${b.path} in ${shown(b.space)}`,
  )
}
