import type { StoredSentence } from '../../text/decode/sentence-bank.js'
import type { DecoderHead } from '../../text/decode/sentence-generator.js'

/** One vector read as a sentence. */
export interface DecodedRow {
  /** Row of the file of vectors; of a run, row of the target in its data. */
  readonly row: number
  /** Article of the target, and its title; null when they are unknown. */
  readonly article: string | null
  readonly title: string | null
  /** Sentence that the decoder made of the vector; null when the bank has no row left. */
  readonly text: string | null
  /** Cosine of the vector with the vector of `text`. */
  readonly cosine: number | null
  /** Nearest stored sentence; null without a bank. */
  readonly nearest: StoredSentence | null
  /** True sentence, which for a prediction is the next one, with the cosine of its vector; null when it is unknown. */
  readonly target: StoredSentence | null
  /** Sentences that the model has read, the oldest first; null when they are unknown. */
  readonly context: readonly string[] | null
}

/** Description of a decoding, which stands before its rows. */
export interface DecodedHead {
  readonly version: 1
  readonly decoder: DecoderHead
  /** Run that predicted the vectors. */
  readonly run: string | null
  readonly model: string | null
  /** SHA-256 of the weights that predicted the vectors. */
  readonly weights_sha256: string | null
  /** File of the vectors; null for a run. */
  readonly vectors: string | null
  /** Part of the split: train, val, test or all; null for a file. */
  readonly part: string | null
  /** Share of the decoded windows that were used for training; null when it is unknown. */
  readonly trained_on: number | null
  /** Base with the true sentences. */
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null } | null
  /** Base in which the nearest sentences were searched. */
  readonly bank: {
    readonly path: string
    readonly hash: string
    readonly rows: number
    readonly space: string | null
  } | null
  readonly exclude: 'none' | 'context'
  /** Number of vectors that there are, and of those that are decoded. */
  readonly of: number
  readonly count: number
  /** Rule that chose the rows, in words. */
  readonly chosen: string
}

/** Result of `decode`. */
export interface Decoded extends DecodedHead {
  readonly rows: readonly DecodedRow[]
}
