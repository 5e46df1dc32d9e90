import { call, type Tensor } from '../../torch/tensor.js'
import { addInto, columnSums, zeros } from '../baselines-rows.js'

/** How far unit vectors lie apart. */
export interface Spread {
  /** Mean cosine over all pairs of two. */
  readonly pairwise_cosine: number
  /** Variance of a coordinate, averaged over the dimensions: (1 − |mean|²) / dim, so never above 1 / dim. */
  readonly variance: number
  /** The variance as a share of the most that unit vectors can have: 0 when all are one vector, whatever the dimension. */
  readonly dispersion: number
  /** How many directions they vary in: exp of the entropy of the covariance's eigenvalues. */
  readonly effective_rank: number
}

/** Sums over unit vectors, in float64. */
export interface SpreadSums {
  n: number
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
  }
  return { n: 0, sum, products, [Symbol.dispose]: dispose }
}

/** Adds more vectors. Shapes: unit [n, dim], float32. */
export async function addSpread(sums: SpreadSums, unit: Tensor): Promise<void> {
  using part = await columnSums(unit)
  await addInto(sums.sum, part)
  using transposed = await unit.op('aten::t')
  using product = await transposed.op('aten::mm', unit)
  await addInto(sums.products, product)
  sums.n += unit.shape[0]!
}

/**
 * Source: effective rank as Roy & Vetterli 2007, of the covariance.
 *
 * Errors: none; of fewer than two vectors everything is 0.
 */
export async function spread({ n, sum, products }: SpreadSums): Promise<Spread> {
  if (n < 2) return { pairwise_cosine: 0, variance: 0, dispersion: 0, effective_rank: 0 }
  const dim = sum.shape[0]!
  using mean = await sum.op('aten::div.Scalar', n)
  using scaled = await products.op('aten::div.Scalar', n)
  using covariance = (await call('aten::addr', [scaled, mean, mean], { alpha: -1 })) as Tensor
  using eigenvalues = await covariance.op('aten::linalg_eigvalsh')
  const values = [...((await eigenvalues.data()) as Float64Array)].map((value) => Math.max(0, value))
  const length = ((await mean.data()) as Float64Array).reduce((q, x) => q + x * x, 0)
  const total = values.reduce((a, b) => a + b, 0)
  const shares = values.map((value) => value / total).filter((share) => share > 0)
  const entropy = shares.reduce((h, share) => h - share * Math.log(share), 0)
  const dispersion = Math.max(0, 1 - length)
  return {
    pairwise_cosine: (n * length - 1) / (n - 1),
    variance: dispersion / dim,
    dispersion,
    effective_rank: total > 1e-9 ? Math.exp(entropy) : 0,
  }
}
