import { take } from '../../baselines/baselines-rows.js'
import type { Base } from '../../data/base.js'
import type { Beside } from '../../data/beside.js'
import type { Tensor } from '../../torch/tensor.js'
import type { DecodedHead } from './decoded-row.js'

/** Base with the true sentences of vectors. */
export interface Truth {
  readonly base: Base
  /** Row of each vector's true sentence in the targets of the base, or in its vectors. */
  readonly rows: Int32Array
  /** Number of vectors that each prediction was made from; null when it is unknown. */
  readonly context: ((i: number) => number) | null
  /** Row of the first context vector of the i-th prediction in the vectors of the base. */
  first(i: number): number
}

/** Vectors to decode, with the facts about each. */
export interface Source {
  /** What the vectors are, for the checks of dimension and space. */
  readonly of: Beside
  readonly head: Pick<DecodedHead, 'run' | 'model' | 'weights_sha256' | 'vectors' | 'part' | 'trained_on' | 'of' | 'chosen'>
  /** Row of each vector, and its article. */
  readonly rows: Int32Array
  article(i: number): string | null
  /** Titles by article. */
  readonly titles: Base['titles']
  readonly truth: Truth | undefined
  /** Base to search when none is named; its path, or the open base of the true sentences. */
  readonly bank: string | Base | undefined
  /** Returns the vectors from `at` on. Shapes: [count, dim]. */
  vectors(at: number, count: number): Promise<Tensor>
  dispose(): void
}

/** Rows of the context of the i-th prediction in the vectors of the base, the oldest first. */
export const contextRows = ({ first, context }: Truth, i: number): number[] =>
  Array.from({ length: context?.(i) ?? 0 }, (_, t) => first(i) + t)

/** Cosines of vectors with those of their true sentences. Shapes: vectors [n, dim]; n numbers from the row `at` on. */
export async function cosinesWithTruth({ base, rows }: Truth, vectors: Tensor, at: number): Promise<Float64Array> {
  using y = await take(base.targets ?? base.vectors, rows.subarray(at, at + vectors.shape[0]!))
  using truth = await y.to({ dtype: 'float64' }).ready()
  using said = await vectors.to({ device: 'cpu', dtype: 'float64' }).ready()
  using cosine = await said.op('aten::cosine_similarity', truth, -1, 1e-12)
  return (await cosine.data()) as Float64Array
}
