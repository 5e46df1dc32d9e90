import { random } from '../statistics/random.js'
import type { KINDS } from './synth-fields.js'

export type Kind = (typeof KINDS)[number]

/** Shares of the parts of a vector in its squared length; each part has its own subspace. */
export interface Recipe {
  /** One direction that all vectors share, as in sentence vectors. */
  readonly shared: number
  /** One direction per article. */
  readonly topic: number
  /** A random walk on a sphere. */
  readonly state: number
  /** Cosine of two consecutive states. */
  readonly step: number
  /** The state of the previous row, which makes the next row easier to predict than the previous one. */
  readonly echo: number
  /** Drawn anew for every row. */
  readonly noise: number
}

const TEXT = { shared: 0.05, topic: 0.2, step: 0.6 }
export const RECIPES: Readonly<Record<Kind, Recipe>> = {
  directed: { ...TEXT, state: 0.1, echo: 0.4, noise: 0.25 },
  reversible: { ...TEXT, state: 0.5, echo: 0, noise: 0.25 },
  noise: { shared: 0.05, topic: 0, state: 0, step: 0, echo: 0, noise: 0.95 },
}

/**
 * Returns the highest possible mean cosine of a prediction, forward and backward.
 *
 * The best prediction of a unit vector is the direction of its conditional mean, and its mean cosine is the length of that mean.
 * Forward, the conditional mean of the state is shortened by `step` and the echo is known exactly. Backward, the state is known exactly
 * where the next row echoes it, and the echo is shortened by `step`.
 * Source: own.
 */
export function optimum({ shared, topic, state, step, echo }: Recipe): { forward: number; backward: number } {
  const known = shared + topic
  return {
    forward: Math.sqrt(known + state * step ** 2 + echo),
    backward: Math.sqrt(known + state * (echo > 0 ? 1 : step ** 2) + echo * step ** 2),
  }
}

/** A seeded stream of normal deviates. */
export function normals(seed: number): () => number {
  let i = 0
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random(seed, i)))
    const angle = 2 * Math.PI * random(seed, i + 1)
    i += 2
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

type Vector = Float64Array

function direction(dim: number, normal: () => number, away?: Vector): Vector {
  const v = Float64Array.from({ length: dim }, normal)
  if (away !== undefined) {
    const along = v.reduce((sum, x, i) => sum + x * away[i]!, 0)
    for (let i = 0; i < dim; i++) v[i]! -= along * away[i]!
  }
  const length = Math.hypot(...v)
  return v.map((x) => x / length)
}

/** Draws the rows of one article, before the rotation that mixes the parts. Shapes: [length, dim]. */
export function article({ shared, topic, state, step, echo, noise }: Recipe, length: number, dim: number, normal: () => number) {
  const part = Math.floor((dim - 1) / 4)
  const rest = dim - 1 - 3 * part
  const rows = new Float32Array(length * dim)
  const put = (row: number, at: number, share: number, v: Vector) => {
    if (share > 0)
      rows.set(
        v.map((x) => x * Math.sqrt(share)),
        row * dim + at,
      )
  }
  const subject = direction(part, normal)
  let now = direction(part, normal)
  for (let row = 0; row < length; row++) {
    const before = now
    const turn = direction(part, normal, before)
    now = before.map((x, i) => step * x + Math.sqrt(1 - step ** 2) * turn[i]!)
    rows[row * dim] = Math.sqrt(shared)
    put(row, 1, topic, subject)
    put(row, 1 + part, state, now)
    put(row, 1 + 2 * part, echo, before)
    put(row, 1 + 3 * part, noise, direction(rest, normal))
  }
  return rows
}
