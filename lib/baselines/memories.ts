import { native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { addInto, blocks, columnSums, type Rows, samplesOf, targets, zeros } from './baselines-rows.js'

/**
 * Exponential means of the contexts, one for each decay: a vector of age a has weight decayᵃ; a decay of 0 keeps only the last one.
 *
 * Shapes: [n, decays, dim], float32.
 */
export async function exponentialMeans(rows: Rows, ids: Int32Array, decays: readonly number[]): Promise<Tensor> {
  const samples = samplesOf(rows)
  try {
    return Tensor.wrap(await native.exponentialMeans(samples, ids, Float64Array.from(decays)))
  } finally {
    native.dispose(samples)
  }
}

/** Weighted sum of exponential means of the whole context. */
export interface Mixture {
  readonly decays: readonly number[]
  readonly weights: readonly number[]
}

/** Predictions of a mixture. Shapes: [n, dim], float32. */
export async function applyMixture({ decays, weights }: Mixture, rows: Rows, ids: Int32Array): Promise<Tensor> {
  using means = await exponentialMeans(rows, ids, decays)
  using row = Tensor.from(Float32Array.from(weights), [1, weights.length])
  using sum = await row.op('aten::matmul', means) // [n, 1, dim]
  return sum.op('aten::squeeze.dim', 1)
}

/** Number of means in a mixture. */
export const MEANS = 6
/** Decays that a mixture can have. */
const DECAYS = [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995]
/** Share added to the diagonal of the equations: means of near decays would get large weights of opposite signs for nothing. */
const DAMPING = 1e-3

/** Products of the means with one another and with the targets, summed over windows and dimensions. */
interface Products {
  /** Shapes: [decays, decays]. */
  readonly square: readonly Float64Array[]
  readonly right: Float64Array
}

async function productsOf(train: Rows, decays: readonly number[]): Promise<Products> {
  const k = decays.length
  using square = await zeros(k, k)
  using right = await zeros(k, 1)
  for (const ids of blocks(train)) {
    using x = await exponentialMeans(train, ids, decays)
    using y = await targets(train, ids)
    for (const [sum, other] of [
      [square, await x.op('aten::transpose.int', 1, 2)],
      [right, await y.op('aten::unsqueeze', 2)],
    ] as const) {
      using columns = other
      using products = await x.op('aten::bmm', columns)
      using part = await columnSums(products)
      await addInto(sum, part)
    }
  }
  const flat = (await square.data()) as Float64Array
  return {
    square: decays.map((_, i) => flat.slice(i * k, (i + 1) * k)),
    right: (await right.data()) as Float64Array,
  }
}

/** Solves symmetric positive definite equations by elimination. */
function solved(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!])
  for (const [i, pivot] of rows.entries()) {
    for (const row of rows.slice(i + 1)) {
      const share = row[i]! / pivot[i]!
      for (let j = i; j < row.length; j++) row[j]! -= share * pivot[j]!
    }
  }
  const x = new Array<number>(rows.length).fill(0)
  for (let i = rows.length - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, j) => sum + rows[i]![j]! * value, 0)
    x[i] = (rows[i]!.at(-1)! - known) / rows[i]![i]!
  }
  return x
}

/** Weights of the chosen means by least squares, and how much of the targets' squares they explain. */
function weightsOf({ square, right }: Products, chosen: readonly number[]): { weights: number[]; explained: number } {
  const b = chosen.map((i) => right[i]!)
  const matrix = chosen.map((i) => chosen.map((j) => square[i]![j]! * (i === j ? 1 + DAMPING : 1)))
  const weights = solved(matrix, b)
  return { weights, explained: weights.reduce((sum, weight, i) => sum + weight * b[i]!, 0) }
}

/** Yields all selections of `size` of the numbers from `from` to below `end`. */
function* selections(size: number, end: number, from = 0): Generator<number[]> {
  if (size === 0) yield []
  else for (let i = from; i <= end - size; i++) for (const rest of selections(size - 1, end, i + 1)) yield [i, ...rest]
}

/** Fits a mixture by damped least squares: of all selections of so many of sixteen decays, the one that explains most of the targets. */
export async function fitMixture(train: Rows, means = MEANS): Promise<Mixture> {
  const products = await productsOf(train, DECAYS)
  let best: { chosen: number[]; weights: number[]; explained: number } | undefined
  for (const chosen of selections(Math.min(means, DECAYS.length, train.windows.context), DECAYS.length)) {
    const fit = weightsOf(products, chosen)
    if (best === undefined || fit.explained > best.explained) best = { chosen, ...fit }
  }
  return { decays: best!.chosen.map((i) => DECAYS[i]!), weights: best!.weights }
}
