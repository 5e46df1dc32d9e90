import { resolve as absolute, basename } from 'node:path'
import type { EncoderTag } from '../../data/encoder-tag.js'
import { text } from '../../options.js'
import { Encoder } from '../encoders/encoder.js'
import { type EncoderOptions, encoderFields } from '../encoders/encoder-fields.js'
import { resolveEncoder } from '../hub/encoder-store.js'

/** `--encoder` of a verb that only checks a base against it. */
export const encoderField = text({
  default: undefined,
  about: 'folder of a sentence encoder, or its name in the cache: encode some texts again and require equal vectors',
  group: 'Encoder',
})

/** Options of an encoder that decide its space, and therefore stand in a card. */
const DECISIVE = ['prompt', 'pooling', 'dense', 'normalize'] as const

/** The encoder as the card of a base describes it. */
export function encoderCard(encoder: Pick<Encoder, 'hash' | 'precision' | 'prompt'>, folder: string, given: EncoderOptions = {}) {
  const decisive = DECISIVE.flatMap((key) => {
    const value = key === 'prompt' ? encoder.prompt : given[key]
    return value === undefined || value === '' || value === encoderFields[key].default ? [] : [[key, value]]
  })
  const { hash, precision } = encoder
  return { name: basename(absolute(folder)), hash, precision, ...Object.fromEntries(decisive) } satisfies EncoderTag
}

/** Options with which the encoder of a card made its vectors; `given` comes first. */
function optionsOf(tag: EncoderTag | undefined, given: EncoderOptions): EncoderOptions {
  const fromCard = DECISIVE.flatMap((key) => {
    const value = tag?.[key]
    return value !== undefined && encoderFields[key].accepts(value) ? [[key, value]] : []
  })
  return { ...Object.fromEntries(fromCard), ...given }
}

/**
 * Opens the encoder that `--encoder` names, with the prompt and the pooling of a card where no option gives them.
 *
 * Errors: those of resolveEncoder and Encoder.open.
 */
export async function openEncoderFor(wanted: string, tag: EncoderTag | undefined, given: EncoderOptions = {}): Promise<Encoder> {
  return Encoder.open(resolveEncoder(wanted), optionsOf(tag, given))
}
