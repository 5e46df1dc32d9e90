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

/** Damped products of the means with one another, in rows, and in the last column with the targets. */
function equations(sums: Float64Array): number[][] {
  const size = DECAYS.length + 1
  return DECAYS.map((_, i) => Array.from({ length: size }, (_, j) => sums[i * size + j]! * (i === j ? 1 + DAMPING : 1)))
}

/** The selection of `size` means that explains most of the targets' squares; eliminates a mean once for all selections that begin with the same ones. */
function mostExplaining(whole: number[][], size: number): number[] {
  const end = whole.length
  let best = { explained: -1, chosen: [] as number[] }
  const choose = (left: number[][], chosen: number[], explained: number) => {
    if (chosen.length === size) {
      if (explained > best.explained) best = { explained, chosen }
      return
    }
    const missing = size - chosen.length
    for (let i = (chosen.at(-1) ?? -1) + 1; i <= end - missing; i++) {
      const pivot = left[i]!
      const without = (row: number[], j: number) => (j <= i ? row : row.map((x, k) => x - (row[i]! / pivot[i]!) * pivot[k]!))
      choose(missing > 1 ? left.map(without) : left, [...chosen, i], explained + pivot[end]! ** 2 / pivot[i]!)
    }
  }
  choose(whole, [], 0)
  return best.chosen
}

/**
 * Fits a mixture by damped least squares: of all selections of so many of sixteen decays, the one that explains most of the targets.
 * `known` are products of these windows.
 */
export async function fitMixture(train: Rows, means = MEANS, known?: WindowProducts): Promise<Mixture> {
  const whole = equations(summed(await (known?.of(DECAYS) ?? exponentialProducts(train, DECAYS))))
  const chosen = mostExplaining(whole, Math.min(means, DECAYS.length, train.windows.context))
  const weights = solved(
    chosen.map((i) => chosen.map((j) => whole[i]![j]!)),
    chosen.map((i) => whole[i]!.at(-1)!),
  )
  return { decays: chosen.map((i) => DECAYS[i]!), weights }
}
