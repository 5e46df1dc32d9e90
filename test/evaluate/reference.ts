import type { Scores } from '../../lib/native.js'

type Vector = readonly number[] | Float32Array | Float64Array
const dot = (a: Vector, b: Vector) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
const norm = (a: Vector) => Math.sqrt(dot(a, a))
const minus = (a: Vector, b: Vector) => Float64Array.from(a, (x, i) => x - b[i]!)
const unit = (a: Vector) => Float64Array.from(a, (x) => x / norm(a))
const cosine = (a: Vector, b: Vector) => dot(a, b) / (norm(a) * norm(b))
const mse = (a: Vector, b: Vector) => dot(minus(a, b), minus(a, b)) / a.length

/** Scores of predictions, written directly from the definitions in float64. */
export function referenceScores(predictions: readonly Vector[], targets: readonly Vector[], centre?: Vector): Scores {
  const each = (f: (p: Vector, t: Vector) => number) => Float64Array.from(predictions, (p, i) => f(p, targets[i]!))
  return {
    cosine: each(cosine),
    cosineCentred: each((p, t) => (centre === undefined ? cosine(p, t) : cosine(minus(unit(p), centre), minus(t, centre)))),
    mseRaw: each(mse),
    mseUnit: each((p, t) => mse(unit(p), t)),
    norm: each(norm),
  }
}

/** Unit vector in a random direction. */
export const direction = (dim: number, gauss: () => number): Float64Array => unit(Float64Array.from({ length: dim }, gauss))
