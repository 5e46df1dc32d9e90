import { createReadStream, statSync } from 'node:fs'
import { CONTROL, type Control, controlDoor } from '../../control.js'
import type { EncoderTag } from '../../data/encoder-tag.js'
import { callback, only, optional, withFields } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { type Given, type Options, resolve } from '../../options.js'
import { stage } from '../../stages.js'
import { Encoder } from '../encoders/encoder.js'
import { type EncoderOptions, encoderFields } from '../encoders/encoder-fields.js'
import { resolveEncoder } from '../hub/encoder-store.js'
import { encoderCard } from '../space/encoder-of-base.js'
import { encodeFields } from './encode-fields.js'
import { type EncodedBlock, encodeLines } from './encode-lines.js'
import { writeEncoded } from './encoded-file.js'
import { textLines } from './text-lines.js'

/** Options of `encode`: any field of `encodeFields`. */
export type EncodeTextsOptions = Given<typeof encodeFields>

/** Progress of `encode`. */
export interface EncodeProgress {
  readonly rows: number
  readonly seconds: number
}
export interface EncodeListener extends Control {
  readonly progress?: (progress: EncodeProgress) => void
}

/** Result of `encode`. */
export interface Encoded {
  readonly version: 1
  readonly out: string
  readonly side_file: string
  readonly card: string
  readonly rows: number
  readonly dim: number
  readonly dtype: string
  readonly space: string
  readonly encoder: EncoderTag
  /** Texts that had more tokens than the encoder reads, and lost their last words. */
  readonly truncated: number
  readonly max_tokens: number
  readonly seconds: number
}

/** Opened input and encoder; `blocks` reads the input once. */
export interface Encoding extends Disposable {
  readonly options: Options<typeof encodeFields>
  readonly encoder: Encoder
  readonly tag: EncoderTag
  blocks(signal: AbortSignal | undefined): AsyncGenerator<EncodedBlock>
}

function requireInput(path: string): void {
  const found = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false })
  if (path !== '-' && found === undefined)
    throw new LvmError('FILE_MISSING', `encode: expected a file of texts but there is none at ${path}`)
  if (found?.isDirectory())
    throw badOption('encode', 'input', 'a file with one text a line', path, 'for a folder: lvm-torch data make FOLDER')
}

const piecesOf = (path: string): AsyncIterable<Buffer> =>
  path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 })

/** Opens the encoder and the input of `encode`. Errors: BAD_OPTION, FILE_MISSING, those of resolveEncoder and Encoder.open. */
export async function openEncoding(given: EncodeTextsOptions): Promise<Encoding> {
  const options = resolve('encode', encodeFields, given)
  const { encoder: wanted, input, out, dtype, empty } = options
  if (wanted === undefined)
    throw badOption('encode', 'encoder', 'a folder or the name of an encoder', undefined, 'add --encoder FOLDER')
  requireInput(input)
  const folder = resolveEncoder(wanted)
  const encoding = Object.fromEntries(
    Object.keys(encoderFields).flatMap((key) => (key in given ? [[key, given[key as keyof EncoderOptions]]] : [])),
  ) as EncoderOptions
  const encoder = await Encoder.open(folder, encoding)
  const name = input === '-' ? 'stdin' : input
  return {
    options,
    encoder,
    tag: encoderCard(encoder, folder, encoding),
    blocks: (signal) =>
      encodeLines(textLines(name, piecesOf(input)), { encoder, name, dtype, empty, full: out !== undefined, signal }),
    [Symbol.dispose]: () => encoder.dispose(),
  }
}

/** Counts rows and truncated texts of the blocks that pass. */
async function* counted(blocks: AsyncIterable<EncodedBlock>, sums: { rows: number; truncated: number }, step: () => void) {
  for await (const block of blocks) {
    yield block
    sums.rows += block.texts.length
    sums.truncated += block.truncated
    step()
  }
}

const ARGS = { options: withFields({}), listener: only({ ...CONTROL, progress: optional(callback) }) }

/**
 * Encodes the texts of a file, one a line, into a base: vectors, texts and a card with the space and the encoder.
 *
 * Errors: BAD_OPTION, FILE_MISSING, ENCODER_MISSING, DATA_FORMAT for an empty line or one that is not UTF-8, NO_DISK, INTERRUPTED by `signal`.
 */
export const encode = controlDoor(
  'encode',
  ARGS,
  async (given: EncodeTextsOptions, listener: EncodeListener = {}): Promise<Encoded> => {
    const began = performance.now()
    const seconds = () => (performance.now() - began) / 1000
    if (given.out === undefined) throw badOption('encode', 'out', 'a name that ends in .npy', undefined)
    using opened = await openEncoding(given)
    const { encoder, tag, options } = opened
    const { out, dtype, input } = options
    const sums = { rows: 0, truncated: 0 }
    const blocks = counted(opened.blocks(listener.signal), sums, () =>
      listener.progress?.({ rows: sums.rows, seconds: seconds() }),
    )
    const written = await stage('encode', () =>
      writeEncoded(out!, blocks, {
        dim: encoder.dim,
        dtype,
        card: (rows) => {
          if (rows === 0)
            throw new LvmError(
              'DATA_TOO_FEW',
              `encode: expected texts, one a line, but ${input === '-' ? 'stdin' : input} is empty`,
              { hint: 'pipe texts into it, or name a file with --input' },
            )
          return { space: encoder.space, encoder: tag, source: 'lvm-torch encode', rows }
        },
      }),
    )
    const { side, card } = written
    return {
      version: 1,
      out: out!,
      side_file: side,
      card,
      ...sums,
      max_tokens: encoder.maxTokens,
      dim: encoder.dim,
      dtype,
      space: encoder.space,
      encoder: tag,
      seconds: seconds(),
    }
  },
)
