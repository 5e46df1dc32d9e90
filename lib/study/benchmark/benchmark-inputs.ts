import type { Model } from '../../checkpoint/model.js'
import { random } from '../../statistics/random.js'

/** Batch sizes of the specification. */
export const BATCHES = [1, 8, 32, 128] as const

/** Returns a seeded batch of contexts of unit vectors. Shapes: batch · context · dim. */
export function inputOf({ context, dim }: Pick<Model, 'context' | 'dim'>, batch: number): Float32Array {
  const values = Float32Array.from({ length: batch * context * dim }, (_, i) => random(3, i) - 0.5)
  for (let at = 0; at < values.length; at += dim) {
    const vector = values.subarray(at, at + dim)
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
    vector.set(vector.map((x) => x / length))
  }
  return values
}
