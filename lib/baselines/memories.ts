import { native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { type Rows, samplesOf } from './baselines-rows.js'
import { type Products, type WindowProducts, windowProducts } from './window-products.js'

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

/** Reads every vector of overlapping contexts once, so that time is linear in the rows. */
export async function exponentialProducts(rows: Rows, decays: readonly number[]): Promise<Products> {
  using short = await windowProducts(rows)
  if (short !== undefined) return await short.of(decays)
  const samples = samplesOf(rows)
  try {
    using values = Tensor.wrap(await native.exponentialProducts(samples, rows.ids, Float64Array.from(decays)))
    return { size: decays.length + 1, values: (await values.data()) as Float64Array }
  } finally {
    native.dispose(samples)
  }
}

/** Cosine of each target with a weighted sum of some of the means. */
export function cosinesOf({ size, values }: Products, chosen: readonly number[], weights: readonly number[]): Float64Array {
  const square = size * size
  return Float64Array.from({ length: values.length / square }, (_, n) => {
    const product = (i: number, j: number) => values[n * square + i * size + j]!
    const dot = chosen.reduce((sum, i, a) => sum + weights[a]! * product(i, size - 1), 0)
    const norm = chosen.reduce(
      (sum, i, a) => sum + weights[a]! * chosen.reduce((s, j, b) => s + weights[b]! * product(i, j), 0),
      0,
    )
    return dot / Math.max(1e-12, Math.sqrt(Math.max(0, norm) * product(size - 1, size - 1)))
  })
}

const average = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Mean cosine of the targets and the exponential means of their contexts, for each decay. */
async function meanCosines(rows: Rows, short: WindowProducts | undefined, decays: readonly number[]): Promise<ArrayLike<number>> {
  if (short !== undefined) {
    const products = await short.of(decays)
    return decays.map((_, i) => average(cosinesOf(products, [i], [1])))
  }
  const samples = samplesOf(rows)
  try {
    using cosines = Tensor.wrap(await native.exponentialCosines(samples, rows.ids, Float64Array.from(decays)))
    using means = await cosines.op('aten::mean.dim', [0])
    return (await means.data()) as Float64Array
  } finally {
    native.dispose(samples)
  }
}

/** Returns the decay with the highest mean cosine, searched in steps of 0.1, then 0.01; `known` are products of these windows. */
export async function fitDecay(train: Rows, known?: WindowProducts): Promise<number> {
  let best = { percent: 100, cosine: -1 }
  using own = known ? undefined : await windowProducts(train)
  const short = known ?? own
  const attempt = async (percents: readonly number[]) => {
    const cosines = await meanCosines(
      train,
      short,
      percents.map((percent) => percent / 100),
    )
    for (const [i, percent] of percents.entries()) {
      const cosine = cosines[i]!
      if (cosine > best.cosine) best = { percent, cosine }
    }
  }
  await attempt(Array.from({ length: 11 }, (_, i) => 10 * i))
  const around = Array.from({ length: 19 }, (_, i) => best.percent - 9 + i)
  await attempt(around.filter((percent) => percent >= 0 && percent <= 100))
  return best.percent / 100
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

/** Products summed over all windows. */
function summed({ size, values }: Products): Float64Array {
  const sum = new Float64Array(size * size)
  for (let i = 0; i < values.length; i++) sum[i % sum.length]! += values[i]!
  return sum
}

/** Weights of the chosen means by least squares, and how much of the targets' squares they explain. */
function weightsOf(sums: Float64Array, chosen: readonly number[]): { weights: number[]; explained: number } {
  const size = DECAYS.length + 1
  const b = chosen.map((i) => sums[i * size + size - 1]!)
  const matrix = chosen.map((i) => chosen.map((j) => sums[i * size + j]! * (i === j ? 1 + DAMPING : 1)))
  const weights = solved(matrix, b)
  return { weights, explained: weights.reduce((sum, weight, i) => sum + weight * b[i]!, 0) }
}

/** Yields all selections of `size` of the numbers from `from` to below `end`. */
function* selections(size: number, end: number, from = 0): Generator<number[]> {
  if (size === 0) yield []
  else for (let i = from; i <= end - size; i++) for (const rest of selections(size - 1, end, i + 1)) yield [i, ...rest]
}

/**
 * Fits a mixture by damped least squares: of all selections of so many of sixteen decays, the one that explains most of the targets.
 * `known` are products of these windows.
 */
export async function fitMixture(train: Rows, means = MEANS, known?: WindowProducts): Promise<Mixture> {
  const sums = summed(await (known?.of(DECAYS) ?? exponentialProducts(train, DECAYS)))
  let best: { chosen: number[]; weights: number[]; explained: number } | undefined
  for (const chosen of selections(Math.min(means, DECAYS.length, train.windows.context), DECAYS.length)) {
    const fit = weightsOf(sums, chosen)
    if (best === undefined || fit.explained > best.explained) best = { chosen, ...fit }
  }
  return { decays: best!.chosen.map((i) => DECAYS[i]!), weights: best!.weights }
}
