import { addInto, columnSums, zeros } from '../baselines/baselines-rows.js'
import { call, type Tensor } from '../torch/tensor.js'

/** Spread of a set of unit vectors. */
export interface Spread {
  /** Mean cosine over all pairs of different vectors. */
  readonly pairwise_cosine: number
  /** Mean variance of a coordinate, (1 − |mean|²) / dim; at most 1 / dim. */
  readonly variance: number
  /** Variance divided by its maximum for unit vectors; 0 when all vectors are equal, in any dimension. */
  readonly dispersion: number
  /** Effective rank: exp of the entropy of the covariance's eigenvalues. */
  readonly effective_rank: number
}

/** Relative variance below which all vectors count as equal: float32 round-off causes about 1e-14. */
const ROUNDING = 1e-12

/** Sums over unit vectors minus the first of them, in float64; without the subtraction a small variance is lost in round-off. */
export interface SpreadSums {
  n: number
  origin: Tensor | undefined
  readonly sum: Tensor
  readonly products: Tensor
  [Symbol.dispose](): void
}

export async function noSpread(dim: number): Promise<SpreadSums> {
  const sum = await zeros(dim)
  const products = await zeros(dim, dim)
  const dispose = () => {
    sum.dispose()
    products.dispose()
    sums.origin?.dispose()
  }
  const sums: SpreadSums = { n: 0, origin: undefined, sum, products, [Symbol.dispose]: dispose }
  return sums
}

/** Adds vectors to the sums. Shapes: unit [n, dim], float32. */
export async function addSpread(sums: SpreadSums, unit: Tensor): Promise<void> {
  if (sums.origin === undefined) {
    using first = await unit.op('aten::select.int', 0, 0)
    sums.origin = await first.op('aten::clone')
  }
  using moved = await unit.op('aten::sub.Tensor', sums.origin)
  using part = await columnSums(moved)
  await addInto(sums.sum, part)
  using transposed = await moved.op('aten::t')
  using product = await transposed.op('aten::mm', moved)
  await addInto(sums.products, product)
  sums.n += unit.shape[0]!
}

/**
 * Computes the spread from the sums. Equal vectors, or a single one, have no variance and an effective rank of 1.
 *
 * Source: effective rank as Roy & Vetterli 2007, of the covariance.
 * Errors: none; without vectors all figures are 0.
 */
export async function spread({ n, origin, sum, products }: SpreadSums): Promise<Spread> {
  if (origin === undefined) return { pairwise_cosine: 0, variance: 0, dispersion: 0, effective_rank: 0 }
  const dim = sum.shape[0]!
  using moved = await sum.op('aten::div.Scalar', n)
  using scaled = await products.op('aten::div.Scalar', n)
  using covariance = (await call('aten::addr', [scaled, moved, moved], { alpha: -1 })) as Tensor
  using mean = await moved.op('aten::add.Tensor', origin)
  const length = ((await mean.data()) as Float64Array).reduce((q, x) => q + x * x, 0)
  using eigenvalues = await covariance.op('aten::linalg_eigvalsh')
  const values = ((await eigenvalues.data()) as Float64Array).map((value) => Math.max(0, value))
  const total = values.reduce((a, b) => a + b, 0)
  const varies = total > ROUNDING * (total + length)
  const entropy = values.reduce((h, value) => (value > 0 ? h - (value / total) * Math.log(value / total) : h), 0)
  return {
    pairwise_cosine: n < 2 ? 1 : (n * length - (total + length)) / (n - 1),
    variance: varies ? total / dim : 0,
    dispersion: varies ? total : 0,
    effective_rank: varies ? Math.exp(entropy) : 1,
  }
}
