import type { Base } from '../../data/base.js'
import type { EncoderTag } from '../../data/encoder-tag.js'
import { LvmError } from '../../errors.js'
import type { Encoder } from '../encoders/encoder.js'
import { resolveEncoder } from '../hub/encoder-store.js'
import { checkSpace } from './check-space.js'
import { encoderCard, openEncoderFor } from './encoder-of-base.js'

/** The run or the vectors that a base is searched for: the name, and the encoder of the training data or of the vectors. */
export interface Reader {
  readonly path: string
  readonly space: string | undefined
  readonly encoder?: EncoderTag | undefined
}

/** Errors: SPACE_MISMATCH for an encoder other than the one that made the vectors of `reader`. */
export function requireOwnEncoder(reader: Reader | undefined, encoder: Pick<Encoder, 'hash' | 'space'>): void {
  const own = reader?.encoder
  if (own?.hash === undefined || own.hash === encoder.hash) return
  throw new LvmError(
    'SPACE_MISMATCH',
    `${reader!.path}: expected the encoder ${own.name} (${own.hash.slice(0, 12)}), which made its vectors of the space "${reader!.space ?? 'unknown'}", but received the encoder of "${encoder.space}" (${encoder.hash.slice(0, 12)})`,
    { hint: 'give the encoder that made these vectors' },
  )
}

/**
 * Returns a base with its space and encoder named, after the encoder of `--encoder` is found to have made it; unchanged without one.
 *
 * Errors: SPACE_MISMATCH when texts that are encoded again give other vectors, or when the vectors of `reader` are of another encoder; TEXT_MISSING; those of resolveEncoder and Encoder.open.
 */
export async function requireEncoder(base: Base, wanted: string | undefined, reader?: Reader): Promise<Base> {
  if (wanted === undefined) return base
  using encoder = await openEncoderFor(wanted, base.encoder)
  requireOwnEncoder(reader, encoder)
  await checkSpace({ base, encoder })
  const tag = base.encoder?.hash === encoder.hash ? base.encoder : encoderCard(encoder, resolveEncoder(wanted))
  return { ...base, space: base.space ?? encoder.space, encoder: tag }
}
