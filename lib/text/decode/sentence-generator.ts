import { existsSync } from 'node:fs'
import { badOption, LvmError } from '../../errors.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import type { Options } from '../../options.js'
import type { Tensor } from '../../torch/tensor.js'
import { type DecodedText, Decoder, type DecodeStep, spaceMismatch } from '../invert/decoder.js'
import { decoderFields, inversionFields } from '../invert/decoder-fields.js'
import type { Bridge, OpenBridge } from '../invert/gtr-bridge.js'
import { isGtrSpace } from '../invert/gtr-space.js'
import { findInverter } from '../invert/inverter-files.js'

const { threads: _, ...parts } = decoderFields
const { space: __, ...inversion } = inversionFields

/** Options of generated sentences beside the decoder's folder. */
export const generatorFields = { ...parts, ...inversion } as const
type Asked = Options<typeof generatorFields> & { readonly decoder: string }

/** Decoder of sentences. `generated`: whether they are new ones; otherwise they are stored. */
export interface DecoderHead {
  readonly name: string
  readonly generated: boolean
  /** Of generated sentences: folder and space of the decoder, corrections at most, and texts that are corrected at once. */
  readonly folder?: string
  readonly space?: string
  readonly steps?: number
  readonly beam?: number
  /** Conversion of the vectors to the decoder's space; null when they are of it. */
  readonly bridge?: Bridge | null
}

/** Writes sentences for vectors. */
export interface Generator {
  readonly head: DecoderHead
  write(vectors: Tensor, signal?: AbortSignal): Promise<DecodedText[]>
  dispose(): void
}

/** Errors: BAD_OPTION for options that need the folder of a decoder; `without` is the reason in words. */
export function refuseGenerated(owner: string, given: Readonly<Record<string, unknown>>, without: string): void {
  const key = Object.keys(generatorFields).find((name) => given[name] !== undefined && given[name] !== false)
  if (key !== undefined)
    throw badOption(owner, key, `nothing, because ${without},`, given[key], 'name a decoder: --decoder FOLDER')
}

/** Errors: BAD_OPTION for a decoder that does not exist. */
export function requireDecoder(owner: string, folder: string, expected: string): void {
  if (!existsSync(folder)) throw badOption(owner, 'decoder', expected, folder)
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

const headOf = (o: Asked, decoder: Decoder, bridge: OpenBridge | undefined): DecoderHead => {
  const { convert: _, ...measured } = bridge ?? { convert: undefined }
  return {
    name: 'vec2text',
    generated: true,
    folder: o.decoder,
    space: decoder.space,
    steps: decoder.corrects ? o.steps : 0,
    beam: o.beam,
    bridge: bridge === undefined ? null : (measured as Bridge),
  }
}

/** Opens the decoder that `--decoder` names. Errors: those of Decoder.open; SPACE_MISMATCH. */
export async function openGenerator(
  o: Asked,
  from: {
    space: string | undefined
    /** Texts that a bridge is measured on. */
    texts: () => Promise<readonly string[] | undefined>
    onStep: ((step: DecodeStep) => void) | undefined
  },
): Promise<Generator> {
  const parts = { corrector: o.corrector, embedder: o.embedder }
  const { space } = await findInverter(o.decoder, parts, DEFAULT_LIMITS)
  requireSpace(o.decoder, space, from.space, o.bridge) // before gigabytes are read
  const named = Object.fromEntries(Object.entries(parts).filter(([, path]) => path !== undefined))
  const decoder = await Decoder.open(o.decoder, named)
  try {
    const bridge =
      from.space !== space && isGtrSpace(from.space)
        ? await decoder.bridge(from.space, sampled((await from.texts()) ?? []))
        : undefined
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
        using plain = await vectors.to({ device: 'cpu', dtype: 'float32' }).ready()
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
