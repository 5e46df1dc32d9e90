import { badOption, LvmError } from '../../errors.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import type { Options } from '../../options.js'
import { type DecodedText, Decoder, type DecodeStep, spaceMismatch } from '../../text/invert/decoder.js'
import type { OpenBridge } from '../../text/invert/gtr-bridge.js'
import { isGtrSpace } from '../../text/invert/gtr-space.js'
import { findInverter } from '../../text/invert/inverter-files.js'
import type { Tensor } from '../../torch/tensor.js'
import type { decodeFields } from './decode-fields.js'
import type { DecodedHead } from './decoded-row.js'

/** Writes sentences for vectors. */
export interface Generator {
  readonly head: DecodedHead['decoder']
  write(vectors: Tensor, signal: AbortSignal | undefined): Promise<DecodedText[]>
  dispose(): void
}
type Asked = Options<typeof decodeFields>

/** Options that only generated sentences have. */
const GENERATED_ONLY = ['corrector', 'embedder', 'steps', 'beam', 'compat', 'maxLength', 'bridge'] as const

/** Errors: BAD_OPTION for options that the decoder `nearest` does not have. */
export function refuseGenerated(given: Readonly<Record<string, unknown>>): void {
  const key = GENERATED_ONLY.find((name) => given[name] !== undefined && given[name] !== false)
  if (key !== undefined)
    throw badOption(
      'decode',
      key,
      'nothing, because the decoder nearest writes no sentences,',
      given[key],
      'name a decoder: --decoder FOLDER',
    )
}

/** Requires vectors of the decoder's space, or of one that a bridge converts. Errors: SPACE_MISMATCH. */
function requireSpace(folder: string, expected: string, space: string | undefined, bridge: boolean): void {
  if (space === undefined)
    throw new LvmError(
      'SPACE_MISMATCH',
      `${folder}: expected vectors of ${expected}, which the decoder was trained on, but their space is unknown`,
      {
        hint: `if they are of that space, say so with --space ${expected}`,
      },
    )
  if (space !== expected && !(bridge && isGtrSpace(space))) throw spaceMismatch(folder, expected, space)
}

/** At most 256 texts, evenly spaced. */
function sampled(texts: readonly string[], most = 256): string[] {
  const step = Math.max(1, texts.length / most)
  return Array.from({ length: Math.min(most, texts.length) }, (_, i) => texts[Math.floor(i * step)]!)
}

const headOf = (o: Asked, decoder: Decoder, bridge: OpenBridge | undefined): DecodedHead['decoder'] => {
  const { convert: _, ...measured } = bridge ?? { convert: undefined }
  return {
    name: 'vec2text',
    generated: true,
    folder: o.decoder,
    space: decoder.space,
    steps: decoder.corrects ? o.steps : 0,
    beam: o.beam,
    bridge: bridge === undefined ? null : (measured as NonNullable<DecodedHead['decoder']['bridge']>),
  }
}

/** Opens the decoder that `--decoder` names. Errors: those of Decoder.open; SPACE_MISMATCH. */
export async function openGenerator(
  o: Asked,
  from: { space: string | undefined; texts: readonly string[]; onStep: ((step: DecodeStep) => void) | undefined },
): Promise<Generator> {
  const parts = { corrector: o.corrector, embedder: o.embedder }
  const { space } = await findInverter(o.decoder, parts, DEFAULT_LIMITS)
  requireSpace(o.decoder, space, from.space, o.bridge) // before gigabytes are read
  const named = Object.fromEntries(Object.entries(parts).filter(([, path]) => path !== undefined))
  const decoder = await Decoder.open(o.decoder, named)
  try {
    const bridge =
      from.space !== space && isGtrSpace(from.space) ? await decoder.bridge(from.space, sampled(from.texts)) : undefined
    const { steps, beam, compat, maxLength } = o
    const options = {
      steps,
      beam,
      compat,
      ...(maxLength !== undefined && { maxLength }),
      ...(from.onStep && { onStep: from.onStep }),
    }
    return {
      head: headOf(o, decoder, bridge),
      async write(vectors, signal) {
        const more = { ...options, ...(signal && { signal }) }
        if (bridge === undefined) return await decoder.decode(vectors, more)
        using plain = await vectors.to({ device: 'cpu', dtype: 'float32' })
        using converted = await bridge.convert(plain)
        return await decoder.decode(converted, more)
      },
      dispose: () => decoder.dispose(),
    }
  } catch (error) {
    decoder.dispose()
    throw error
  }
}
