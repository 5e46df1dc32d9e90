import type { Rows } from '../../lib/baselines/baselines-rows.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { gaussian } from '../statistics/clustered.js'

/** A small base in memory: each article has its own mean direction, and each vector depends on the previous one. */
export interface Synthetic {
  readonly vectors: Float32Array
  readonly dim: number
  readonly context: number
  readonly first: Int32Array
  readonly target: Int32Array
  readonly article: Int32Array
}

export function synthetic(o: { dim: number; context: number; lengths: readonly number[]; seed: number }): Synthetic {
  const { dim, context } = o
  const gauss = gaussian(o.seed)
  const total = o.lengths.reduce((a, b) => a + b, 0)
  const vectors = new Float32Array(total * dim)
  const [first, article]: [number[], number[]] = [[], []]
  let row = 0
  o.lengths.forEach((length, a) => {
    const topic = Array.from({ length: dim }, gauss)
    for (let i = 0; i < length; i++, row++) {
      const v = topic.map((t, d) => 0.2 + 0.5 * t + (i > 0 ? vectors[(row - 1) * dim + d]! : 0) + gauss())
      const norm = Math.hypot(...v)
      vectors.set(
        v.map((x) => x / norm),
        row * dim,
      )
      if (i >= context) {
        first.push(row - context)
        article.push(a)
      }
    }
  })
  const starts = Int32Array.from(first)
  return { vectors, dim, context, first: starts, target: starts.map((f) => f + context), article: Int32Array.from(article) }
}

/** Windows of selected articles, backed by tensors. */
export function rowsOf(data: Synthetic, keep: (article: number) => boolean, hash = 'synthetic'): Rows {
  const { vectors, dim, context, first, target, article } = data
  return {
    base: { vectors: Tensor.from(vectors, [vectors.length / dim, dim]), hash, part: undefined, normalized: false },
    windows: { context, dim, first, target, article },
    ids: Int32Array.from(article.keys()).filter((id) => keep(article[id]!)),
  }
}

export const contextOf = ({ vectors, dim, context, first }: Synthetic, id: number): Float64Array =>
  Float64Array.from(vectors.subarray(first[id]! * dim, (first[id]! + context) * dim))
export const targetOf = ({ vectors, dim, target }: Synthetic, id: number): Float64Array =>
  Float64Array.from(vectors.subarray(target[id]! * dim, (target[id]! + 1) * dim))

/** Rows of a flat matrix. */
export const split = (flat: ArrayLike<number>, dim: number): Float64Array[] =>
  Array.from({ length: flat.length / dim }, (_, i) => Float64Array.from({ length: dim }, (_, j) => flat[i * dim + j]!))
