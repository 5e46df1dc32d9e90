import { call, type Tensor } from '../torch/tensor.js'
import type { Passed } from './neighbour-pass.js'

/** Spectrum of the covariance of a table's unit vectors. */
export interface Spectrum {
  /** Length of the mean of the unit vectors. */
  readonly mean_norm: number
  /** exp of the entropy of the eigenvalue shares; 1 without variance. Source: Roy & Vetterli 2007, on the eigenvalues of the covariance. */
  readonly effective_rank: number
  /** Shares of the variance along the principal directions, in decreasing order. */
  readonly shares: readonly number[]
}

/** Variance of unit vectors that counts as none: their products are summed in float32, which leaves less. */
const ROUND_OFF = 1e-6
/** Whether all vectors have the same direction. */
export const alike = ({ shares }: Spectrum): boolean => shares.every((share) => share === 0)

/** Returns the mean of u uᵀ over all rows. Shapes: [dim, dim], float64. */
export async function secondMoment({ halves, good }: Passed): Promise<Tensor> {
  using both = await halves[0].op('aten::add.Tensor', halves[1])
  return await both.op('aten::div.Scalar', Math.max(1, good))
}

/** Returns the spectrum, and the principal directions by increasing variance. Shapes: directions [dim, dim], float64. */
export async function spectrumOf(passed: Passed): Promise<{ spectrum: Spectrum; directions: Tensor }> {
  using mean = await passed.sum.op('aten::div.Scalar', Math.max(1, passed.good))
  using moment = await secondMoment(passed)
  using covariance = (await call('aten::addr', [moment, mean, mean], { alpha: -1 })) as Tensor
  const [values, directions] = (await call('aten::linalg_eigh', [covariance])) as [Tensor, Tensor]
  using held = values
  const variances = [...((await held.data()) as Float64Array)].reverse().map((v) => Math.max(0, v))
  const total = variances.reduce((a, b) => a + b, 0)
  const shares = variances.map((v) => (total > ROUND_OFF ? v / total : 0))
  const entropy = shares.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0)
  using length = await mean.op('aten::linalg_vector_norm')
  return { spectrum: { mean_norm: await length.item(), effective_rank: Math.exp(entropy), shares }, directions }
}
