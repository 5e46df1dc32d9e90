import type { Rows } from '../../baselines/baselines-rows.js'
import { random } from '../../statistics/random.js'
import { Tensor } from '../../torch/tensor.js'

/** A small synthetic corpus whose generator is known. */
export interface Scene {
  readonly dim: number
  readonly context: number
  /** Shapes: [rows, dim], unit vectors. */
  readonly vectors: Float32Array
  /** Even articles are for training; `rows` are the odd ones, for judging. */
  readonly train: Rows
  readonly rows: Rows
}

/** Transition of a Markov chain: the next state from a state and a random number in [0, 1). */
type Chain = (state: number, draw: number) => number

const STATES = 24
const DIM = 32
const CONTEXT = 5
const ARTICLES = 61 // odd, so that the same articles are evaluated when the text is reversed
const LENGTH = 32

/** Seeded streams of uniform numbers in [0, 1) and of normal deviates. */
function randomStream(seed: number) {
  let i = 0
  const uniform = () => random(seed, i++)
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal }
}

/** Directed chain: every two states lead to one, with random jumps, so the next state is predictable and the previous one is not. */
const merging: Chain = (state, draw) => (draw < 0.15 ? Math.floor((draw / 0.15) * STATES) : (STATES - 1 - state) >> 1)
/** Reversible chain: a random walk on a ring has the same statistics in both directions. */
const wandering: Chain = (state, draw) => (draw < 0.4 ? state : draw < 0.7 ? (state + 1) % STATES : (state + STATES - 1) % STATES)

const unit = (v: readonly number[]) => {
  const length = Math.hypot(...v)
  return v.map((x) => x / length)
}

function vectorsOf(chain: Chain, seed: number): Float32Array {
  const { uniform, normal } = randomStream(seed)
  const shared = Array.from({ length: DIM }, () => 0.3 * normal()) // a common offset: any two vectors of a real embedding have a positive cosine
  const means = Array.from({ length: STATES }, () => shared.map((s) => s + normal()))
  const vectors = new Float32Array(ARTICLES * LENGTH * DIM)
  for (let article = 0; article < ARTICLES; article++) {
    const topic = Array.from({ length: DIM }, normal)
    let state = Math.floor(uniform() * STATES)
    for (let i = 0; i < LENGTH; i++) {
      vectors.set(unit(means[state]!.map((m, d) => m + 0.7 * topic[d]! + 0.4 * normal())), (article * LENGTH + i) * DIM)
      state = chain(state, uniform())
    }
  }
  return vectors
}

function reversed(vectors: Float32Array): Float32Array {
  const out = new Float32Array(vectors.length)
  const rows = vectors.length / DIM
  for (let row = 0; row < rows; row++) out.set(vectors.subarray(row * DIM, (row + 1) * DIM), (rows - 1 - row) * DIM)
  return out
}

function sceneOf(vectors: Float32Array): Scene {
  const per = LENGTH - CONTEXT
  const article = Int32Array.from({ length: ARTICLES * per }, (_, i) => Math.floor(i / per))
  const first = article.map((a, i) => a * LENGTH + (i % per))
  const windows = { context: CONTEXT, dim: DIM, first, target: first.map((f) => f + CONTEXT), article }
  const base = { vectors: Tensor.from(vectors, [ARTICLES * LENGTH, DIM]), hash: 'selftest', part: undefined, normalized: false }
  const idsOfHalf = (odd: number) => Int32Array.from(article.keys()).filter((id) => article[id]! % 2 === odd)
  return {
    dim: DIM,
    context: CONTEXT,
    vectors,
    train: { base, windows, ids: idsOfHalf(0) },
    rows: { base, windows, ids: idsOfHalf(1) },
  }
}

/** Returns a directed and a reversible text, each forward and reversed. */
export function scenes(seed: number) {
  const [directed, reversible] = [vectorsOf(merging, seed), vectorsOf(wandering, seed + 1)]
  return {
    directed: { forward: sceneOf(directed), backward: sceneOf(reversed(directed)) },
    reversible: { forward: sceneOf(reversible), backward: sceneOf(reversed(reversible)) },
  }
}
export type Scenes = ReturnType<typeof scenes>

/** Returns one row as an array of numbers. */
export const rowOf = ({ vectors, dim }: Scene, row: number): number[] => [...vectors.subarray(row * dim, (row + 1) * dim)]
