import type { Tensor } from '../torch/tensor.js'

/** The articles of a base: their ids in order of appearance, and which one each row belongs to. */
export interface Articles {
  readonly ids: readonly string[]
  readonly of: Int32Array
}

/** Lengths of vectors. */
export interface Norms {
  readonly min: number
  readonly max: number
  readonly mean: number
  /** How many differ from 1 by more than .01. */
  readonly deviating: number
}

/** What `<base>.card.json` says beside the vectors. */
export interface Card {
  readonly space?: string
  readonly source?: string
  readonly licence?: string
  readonly encoder?: string
}

/** Which half of a file that holds training and validation sequences. */
export type Part = 'train' | 'val'

/** Vectors with what is known about each: ordered rows of articles, or sequences that are already windows. */
export interface Base {
  readonly path: string
  readonly kind: 'base' | 'sequences'
  /** The half that was opened, in a file that holds both. */
  readonly part: Part | undefined
  readonly parts: readonly Part[]
  /** Rows of vectors; of sequences, how many there are. */
  readonly rows: number
  readonly dim: number
  readonly dtype: 'float16' | 'float32'
  /** Shapes: [rows, dim]; of sequences [rows · context, dim]. */
  readonly vectors: Tensor
  /** Of sequences. Shapes: [rows, dim]. */
  readonly targets?: Tensor
  /** Of sequences: vectors in each. */
  readonly context?: number
  readonly articles?: Articles
  /** Position of each row in its article; of sequences, of the target. */
  readonly positions?: Int32Array
  /** Of sequences: 1 where the context begins in another article than its target. */
  readonly crossing?: Uint8Array
  readonly titles?: ReadonlyMap<string, string>
  /** By article id. */
  readonly categories?: ReadonlyMap<string, readonly string[]>
  readonly space: string | undefined
  readonly card: Card | undefined
  /** SHA-256 of the file of vectors; with a side file, of both digests, each followed by a line feed. */
  readonly hash: string
  readonly sideFile: string | undefined
  readonly mapped: boolean
  readonly normalized: boolean
  readonly norms: Norms
  readonly warnings: readonly string[]
  /** The text of each row, when it is known. */
  texts(): Promise<readonly string[] | undefined>
  /** Whether what it was opened from has changed since, in place where it is mapped. */
  changed?(): Promise<boolean>
  dispose(): void
}
