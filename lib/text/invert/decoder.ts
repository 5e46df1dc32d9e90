import { type Control, followed } from '../../control.js'
import { abortSignal, asyncDoor, callback, checkedArguments, optional, withFields, word, words } from '../../door.js'
import { asLvmError, LvmError } from '../../errors.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import { type Given, type Options, resolve } from '../../options.js'
import { tally } from '../../stages.js'
import { useThreads } from '../../torch/device.js'
import type { Tensor } from '../../torch/tensor.js'
import { openCorrector } from './corrector.js'
import { decoderFields, inversionFields } from './decoder-fields.js'
import { type Bridge, type OpenBridge, openBridge } from './gtr-bridge.js'
import type { GtrSpace } from './gtr-space.js'
import { openHypothesizer } from './hypothesizer.js'
import { type InversionModels, invert } from './inversion.js'
import { findInverter, type InverterFiles } from './inverter-files.js'
import { openReEmbedder } from './re-embedder.js'
import { openTokens } from './t5-tokens.js'
import { matrixOf, rowsOf } from './vectors-to-decode.js'

/** A sentence for a vector. */
export interface DecodedText {
  readonly text: string
  /** Cosine of the vector and the vector of `text`. */
  readonly cosine: number
  /** Token ids as they were generated, with the start. */
  readonly ids: readonly number[]
  /** Corrections that were made. */
  readonly steps: number
}
/** Progress of a decoding: after each step of a group of vectors. */
export interface DecodeStep {
  /** Vectors that are done, and all of them. */
  readonly done: number
  readonly of: number
  readonly step: number
  readonly steps: number
  /** Vectors of the group that are corrected further. */
  readonly going: number
  /** Mean of the best cosines of the group. */
  readonly cosine: number
}
export interface DecodeOptions extends Given<typeof inversionFields> {
  /** Texts that the bridge is measured on; about 200 sentences like those of the vectors. */
  readonly calibration?: readonly string[]
  readonly signal?: AbortSignal
  readonly onStep?: (step: DecodeStep) => void
  readonly onBridge?: (bridge: Bridge) => void
  readonly onProgress?: Control['onProgress']
}

/** Vectors that are decoded together. */
const GROUP = 32
/** Longest text of the original's corrector. Units: tokens. */
const COMPAT_LENGTH = 128

const DECODE = {
  options: withFields({
    calibration: optional({ ...words, expected: 'a list of texts' }),
    signal: optional(abortSignal),
    onStep: optional(callback),
    onBridge: optional(callback),
    onProgress: optional(callback),
  }),
}

async function openModels(files: InverterFiles, o: Options<typeof decoderFields>): Promise<InversionModels> {
  const tokens = await openTokens(files.tokenizer)
  const opened: { dispose(): void }[] = []
  const kept = async <T extends { dispose(): void }>(opening: Promise<T>): Promise<T> => {
    const made = await opening
    opened.push(made)
    return made
  }
  try {
    const embedder = await kept(openReEmbedder(files, tokens, { own: o.embedder === undefined, limits: DEFAULT_LIMITS }))
    const hypothesizer = await kept(openHypothesizer(files.hypothesizer, embedder.width))
    const corrector = files.corrector && (await kept(openCorrector(files.corrector, embedder.width)))
    return { hypothesizer, corrector, embedder, tokens, longest: files.longest }
  } catch (error) {
    for (const made of opened) made.dispose()
    throw error
  }
}

/** Writes sentences for vectors of gtr-t5-base, by vec2text; free it with `dispose()` or `using`. */
export class Decoder {
  /** Components of a vector. */
  readonly dim: number
  /** Space of the vectors that it was trained on. */
  readonly space: GtrSpace
  /** Whether it has a corrector; without one only the first texts are written. */
  readonly corrects: boolean
  private disposed = false
  private constructor(
    /** Folder that it was opened from. */
    readonly folder: string,
    private readonly models: InversionModels,
    files: InverterFiles,
  ) {
    this.dim = models.embedder.width
    this.space = files.space
    this.corrects = files.corrector !== undefined
  }

  /**
   * Opens the folders of a hypothesizer, a corrector and their encoder: all inside one folder, or the folder of a hypothesizer.
   *
   * Errors: FILE_MISSING; BAD_CHECKPOINT names every tensor that does not fit; SPACE_MISMATCH for parts of different spaces.
   */
  static readonly open: (folder: string, options?: Given<typeof decoderFields>) => Promise<Decoder> = asyncDoor(
    'Decoder.open',
    { folder: word, options: withFields({}) },
    async (folder: string, given: Given<typeof decoderFields> = {}) => {
      const o = resolve('Decoder.open', decoderFields, given)
      useThreads(o.threads)
      const files = await findInverter(folder, o, DEFAULT_LIMITS)
      return new Decoder(folder, await openModels(files, o), files)
    },
  )

  /**
   * Writes a sentence for each vector: a first text, then corrections by the difference of the vector and the text's own vector.
   *
   * Shapes: Float32Array of n · dim, or Tensor [n, dim].
   * Errors: BAD_ARGUMENT, BAD_OPTION; SPACE_MISMATCH for vectors of another space without `bridge`; INTERRUPTED by `signal`.
   * Source: Morris et al. 2023, arXiv:2310.06816.
   */
  async decode(vectors: Float32Array | Tensor, options?: DecodeOptions): Promise<DecodedText[]> {
    try {
      const [given] = checkedArguments('decode', DECODE, [options]) as [DecodeOptions]
      const { calibration, signal, onStep, onBridge, onProgress, ...fields } = given
      const o = resolve('decode', inversionFields, fields)
      if (this.disposed) throw new LvmError('DISPOSED', 'decode: this decoder was disposed')
      const space = o.space ?? this.space
      if (space !== this.space && !o.bridge) throw spaceMismatch(this.folder, this.space, space)
      const rows = await this.targets(vectors, space, calibration, onBridge)
      return await followed(onProgress, 'decode', () => this.groups(rows, o, signal, onStep))
    } catch (error) {
      throw asLvmError(error)
    }
  }

  /** Vectors of texts, in the decoder's space or another one of its encoder. Shapes: → texts · dim. */
  async embed(texts: readonly string[], space: GtrSpace = this.space): Promise<Float32Array> {
    const vectors = new Float32Array(texts.length * this.dim)
    for (let at = 0; at < texts.length; at += GROUP) {
      using some = await this.models.embedder.embed(texts.slice(at, at + GROUP), space)
      vectors.set((await some.data()) as Float32Array, at * this.dim)
    }
    return vectors
  }

  /** Builds the bridge from another space to the decoder's, and measures it on texts. Errors: BAD_OPTION, BAD_CHECKPOINT. */
  bridge(from: GtrSpace, texts: readonly string[]): Promise<OpenBridge> {
    return openBridge(this.models.embedder, from, this.space, texts)
  }

  private async targets(
    vectors: Float32Array | Tensor,
    space: GtrSpace,
    calibration: readonly string[] | undefined,
    onBridge: DecodeOptions['onBridge'],
  ): Promise<Float32Array[]> {
    using given = await matrixOf(vectors, this.dim)
    if (space === this.space) return await rowsOf(given)
    const bridge = await this.bridge(space, calibration ?? [])
    const { convert, ...measured } = bridge
    onBridge?.(measured)
    using converted = await convert(given)
    return await rowsOf(converted)
  }

  private async groups(
    rows: readonly Float32Array[],
    o: Options<typeof inversionFields>,
    signal: AbortSignal | undefined,
    onStep: DecodeOptions['onStep'],
  ): Promise<DecodedText[]> {
    const longest = o.maxLength ?? (o.compat ? COMPAT_LENGTH : this.models.longest)
    const steps = this.corrects ? o.steps : 0
    const decoded: DecodedText[] = []
    for (let at = 0; at < rows.length; at += GROUP) {
      tally(at, rows.length)
      const found = await invert(this.models, rows.slice(at, at + GROUP), {
        steps,
        beam: o.beam,
        compat: o.compat,
        longest,
        signal,
        onStep: (step, best, going) => {
          const cosine = best.reduce((sum, x) => sum + x, 0) / best.length
          onStep?.({ done: at, of: rows.length, step, steps, going, cosine })
        },
      })
      decoded.push(...found.map(({ draft: { text, cosine, ids }, steps }) => ({ text, cosine, ids, steps })))
    }
    return decoded
  }

  /** Frees the memory; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    if (this.disposed) throw new LvmError('DISPOSED', 'decoder: it was disposed before')
    this.disposed = true
    this.models.hypothesizer.dispose()
    this.models.corrector?.dispose()
    this.models.embedder.dispose()
  }
  [Symbol.dispose](): void {
    if (!this.disposed) this.dispose()
  }
}

export const spaceMismatch = (decoder: string, expected: string, received: string): LvmError =>
  new LvmError(
    'SPACE_MISMATCH',
    `${decoder}: expected vectors of ${expected}, which the decoder was trained on, but they are of ${received}`,
    {
      hint:
        expected.startsWith('gtr') && received.startsWith('gtr')
          ? 'use a decoder of that space, or convert the vectors with --bridge'
          : `encode the texts with gtr-t5-base, or use --decoder nearest`,
    },
  )
