import type { Tensor } from '../torch/tensor.js'
import type { EncoderTag } from './encoder-tag.js'

/** The articles of a base: ids in order of appearance, and for each row the index of its article. */
export interface Articles {
  readonly ids: readonly string[]
  readonly of: Int32Array
}

/** Statistics of the lengths of vectors. */
export interface Norms {
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Number of vectors whose length differs from 1 by more than .01. */
  readonly deviating: number
}

/** Content of `<base>.card.json`, beside the vectors. */
export interface Card {
  readonly space?: string
  readonly source?: string
  readonly licence?: string
  /** Its name alone, or with the hash of its files. */
  readonly encoder?: string | EncoderTag
}

/** One half of a file with training and validation sequences. */
export type Part = 'train' | 'val'

/** Vectors and the facts about each: rows of articles in order, or sequences that are already windows. */
export interface Base {
  readonly path: string
  readonly kind: 'base' | 'sequences'
  /** The opened half of a file with both. */
  readonly part: Part | undefined
  readonly parts: readonly Part[]
  /** Number of vectors, or of sequences. */
  readonly rows: number
  readonly dim: number
  readonly dtype: 'float16' | 'float32'
  /** Shapes: [rows, dim]; for sequences [rows · context, dim]. */
  readonly vectors: Tensor
  /** Only for sequences. Shapes: [rows, dim]. */
  readonly targets?: Tensor
  /** Number of vectors in each sequence. */
  readonly context?: number
  readonly articles?: Articles
  /** Position of each row in its article; for sequences, the position of the target. */
  readonly positions?: Int32Array
  /** Only for sequences: 1 where the context begins in another article than its target. */
  readonly crossing?: Uint8Array
  readonly titles?: ReadonlyMap<string, string>
  /** Categories by article id. */
  readonly categories?: ReadonlyMap<string, readonly string[]>
  readonly space: string | undefined
  /** Encoder of the vectors, where the card names it. */
  readonly encoder?: EncoderTag | undefined
  readonly card: Card | undefined
  /** SHA-256 of the file of vectors; with a side file, the SHA-256 of both digests, each followed by a line feed. */
  readonly hash: string
  /** Reads all rows: SHA-256 of the vectors as float32, the articles and the gaps between rows, equal in every format. */
  contentHash(): Promise<string>
  readonly sideFile: string | undefined
  readonly mapped: boolean
  readonly normalized: boolean
  readonly norms: Norms
  readonly warnings: readonly string[]
  /** Reads the text of each row; undefined when a row has none. */
  texts(): Promise<readonly string[] | undefined>
  /** Reads the texts of some rows, without holding the others; undefined when one of them has none. */
  textsOf(rows: Iterable<number>): Promise<ReadonlyMap<number, string> | undefined>
  /** Whether the opened file has changed since; for a mapped file, whether it was changed in place. */
  changed?(): Promise<boolean>
  dispose(): void
  [Symbol.dispose](): void
}
