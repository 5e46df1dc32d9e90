import { type Control, followed } from '../../control.js'
import { abortSignal, asyncDoor, callback, checkedArguments, only, optional, withFields, word } from '../../door.js'
import { LvmError, shown } from '../../errors.js'
import { native } from '../../native.js'
import { resolve } from '../../options.js'
import { tally } from '../../stages.js'
import { type ProcessSettings, processSettings, withSettings } from '../../torch/process-settings.js'
import { type EncoderOptions, encoderFields, type Precision, type ResolvedEncoder } from './encoder-fields.js'
import { type OpenedEncoder, openEncoder, promptOf } from './open-encoder.js'

/** Options of one call of `encode`. */
export interface EncodeOptions {
  /** As in `Encoder.open`, for these texts only. */
  readonly prompt?: string
  /** Stops between two batches. */
  readonly signal?: AbortSignal
  /** Called at most ten times a second when more texts are encoded. */
  readonly onProgress?: Control['onProgress']
}
const ENCODE = only({
  prompt: optional({ expected: 'text', accepts: (value) => typeof value === 'string' }),
  signal: optional(abortSignal),
  onProgress: optional(callback),
})

/** Batches that are computed or wait for it, so that texts are split into tokens meanwhile. */
const AHEAD = 2

/** A sentence encoder; free it with `dispose()` or `using`. */
export class Encoder {
  /** Components of a vector. */
  readonly dim: number
  /** Name of the space of its vectors: encoder, pooling, normalisation and prompt. */
  readonly space: string
  /** SHA-256 over weights, tokenizer and configuration, in hex. */
  readonly hash: string
  /** Longest text; a longer one loses its last words. Units: tokens, with the special ones. */
  readonly maxTokens: number
  readonly parameters: number
  /** As given; for `auto` what was chosen. */
  readonly precision: Precision
  /** Text before every text. */
  readonly prompt: string
  private readonly settings: ProcessSettings
  private constructor(
    private readonly opened: OpenedEncoder,
    private readonly options: ResolvedEncoder,
  ) {
    this.dim = opened.dim
    this.space = opened.space
    this.hash = opened.hash
    this.maxTokens = opened.maxTokens
    this.parameters = opened.parameters
    this.precision = opened.precision
    this.prompt = opened.prompt
    this.settings = processSettings()
  }

  /**
   * Opens a folder in the layout of sentence-transformers: BERT, RoBERTa, MPNet or T5.
   *
   * Errors: FILE_MISSING, DATA_FORMAT, BAD_ENCODER, BAD_CHECKPOINT, BAD_OPTION.
   */
  static readonly open: (folder: string, options?: EncoderOptions) => Promise<Encoder> = asyncDoor(
    'Encoder.open',
    { folder: word, options: withFields({}) },
    async (folder: string, given: EncoderOptions = {}) => {
      const options = resolve('Encoder.open', encoderFields, given)
      return new Encoder(await openEncoder(folder, options), options)
    },
  )

  /**
   * Encodes texts, in their order; equal lists give equal vectors.
   *
   * Shapes: Float32Array of texts · dim.
   * Errors: BAD_ARGUMENT, DISPOSED; INTERRUPTED by `signal`.
   */
  async encode(texts: readonly string[], options?: EncodeOptions): Promise<Float32Array> {
    const { onProgress, ...asked } = checkedArguments('encode', { options: ENCODE }, [options])[0] as EncodeOptions
    const all = requireTexts('encode', texts)
    return followed(onProgress, 'encode', () => this.encodeAll(all, asked))
  }

  private async encodeAll(all: readonly string[], { prompt, signal }: EncodeOptions): Promise<Float32Array> {
    const before = prompt === undefined ? this.prompt : promptOf(this.opened.folder, prompt)
    const skip = before === '' || this.opened.folder.poolsPrompt ? 0 : this.opened.tokenizer.promptTokens(before)
    const vectors = new Float32Array(all.length * this.dim)
    const running: Promise<void>[] = []
    try {
      for (let at = 0; at < all.length; ) {
        goOn(signal)
        tally(at, all.length)
        const batch = this.nextBatch(all, at, before)
        const to = at * this.dim
        const work = withSettings(this.settings, () => native.textEncode(this.opened.model, batch.ids, batch.lengths, skip))
        const written = work.then((rows) => vectors.set(rows, to))
        written.catch(() => {}) // a failure is thrown where it is awaited
        running.push(written)
        at += batch.lengths.length
        if (running.length >= AHEAD) await running.shift()
        else await new Promise(setImmediate) // the event loop turns between batches
      }
    } finally {
      await Promise.allSettled(running)
    }
    await Promise.all(running)
    goOn(signal)
    return vectors
  }

  /** Splits texts into tokens until a batch is full. */
  private nextBatch(texts: readonly string[], from: number, prompt: string): { ids: Int32Array; lengths: Int32Array } {
    const [ids, lengths]: [number[], number[]] = [[], []]
    for (let at = from; at < texts.length; at++) {
      const of = this.opened.tokenizer.ids(prompt + texts[at]!, this.maxTokens)
      for (const id of of) ids.push(id)
      lengths.push(of.length)
      if (ids.length + of.length > this.options.batch) break
    }
    return { ids: Int32Array.from(ids), lengths: Int32Array.from(lengths) }
  }

  /** Tokens of each text with the special ones, before it is cut to `maxTokens`. */
  tokenCounts(texts: readonly string[]): Int32Array {
    return Int32Array.from(requireTexts('tokenCounts', texts), (text) => this.opened.tokenizer.ids(this.prompt + text).length)
  }

  /** Frees the memory; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    native.dispose(this.opened.model)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Errors: INTERRUPTED. */
function goOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LvmError('INTERRUPTED', 'encode: stopped by its signal', { cause: signal.reason })
}

/** Errors: BAD_ARGUMENT for anything but a list of texts. */
function requireTexts(owner: string, texts: readonly string[]): readonly string[] {
  try {
    const all = Array.isArray(texts) ? Array.from<unknown>(texts) : undefined
    if (all === undefined) throw new LvmError('BAD_ARGUMENT', `${owner}: expected a list of texts but received ${shown(texts)}`)
    const wrong = all.findIndex((text) => typeof text !== 'string')
    if (wrong >= 0) throw new LvmError('BAD_ARGUMENT', `${owner}: expected texts but received ${shown(all[wrong])} at ${wrong}`)
    return all as string[]
  } catch (error) {
    if (error instanceof LvmError) throw error
    // a proxy or a getter that throws
    throw new LvmError('BAD_ARGUMENT', `${owner}: expected a list of texts that can be read`, { cause: error })
  }
}
