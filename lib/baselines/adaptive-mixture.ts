import { lengthOf } from '../data/windows.js'
import { call, Tensor } from '../torch/tensor.js'
import { type Rows, sparse } from './baselines-rows.js'
import { exponentialProducts, type Mixture } from './memories.js'

/** A mixture of exponential means whose weights depend on a summary z of the means: mean k has the weight w_k + s_k · z. */
export interface AdaptiveMixture extends Mixture {
  /** s_k, for each mean. */
  readonly summary: readonly Float64Array[]
}

/** Number of entries of the summary of so many means. */
export const summarySize = (means: number): number => 2 * means + (means * (means - 1)) / 2

/** Windows that the fit reads, and the largest number of means whose weights it adapts. */
const [WINDOWS, MOST] = [16_384, 8]
/** Groups of articles of the cross-validation that chooses how much is added to the diagonal of the equations. */
const GROUPS = 5
const DAMPINGS = [1e-4, 1e-3, 1e-2, 0.1, 1]
/** Of the constant weights, as of a mixture that does not adapt. */
const DAMPING = 1e-3

/** What each window says: the summary z of its means, their products with one another and with the target. */
interface Facts {
  readonly z: readonly Float64Array[]
  readonly square: Float64Array
  readonly right: Float64Array
}

/** Σ λᵗ⁻ⁱ over so many vectors. */
const total = (decay: number, count: number) => (decay === 1 ? count : (1 - decay ** count) / (1 - decay))

/** The summary as native/kernels/exponential-scan.cpp computes it: log Σ λᵗ⁻ⁱ and |m_k| of each mean, and the cosines of all pairs. */
function summaryOf(products: Float64Array, totals: readonly number[]): Float64Array {
  const k = totals.length
  const norms = totals.map((_, i) => Math.max(1e-12, Math.sqrt(products[i * k + i]!)))
  const cosines = norms.flatMap((a, i) => norms.slice(i + 1).map((b, j) => products[i * k + i + 1 + j]! / (a * b)))
  return Float64Array.from([...totals.map(Math.log), ...norms, ...cosines])
}

async function factsOf(train: Rows, decays: readonly number[]): Promise<Facts> {
  const k = decays.length
  const { ids, windows } = train
  const { size, values } = await exponentialProducts(train, decays)
  const [square, right] = [new Float64Array(ids.length * k * k), new Float64Array(ids.length * k)]
  for (let row = 0; row < ids.length * k; row++) {
    const at = Math.floor(row / k) * size * size + (row % k) * size
    square.set(values.subarray(at, at + k), row * k)
    right[row] = values[at + k]!
  }
  const z = Array.from(ids, (id, i) => {
    const totals = decays.map((decay) => total(decay, lengthOf(windows, id)))
    return summaryOf(square.subarray(i * k * k, (i + 1) * k * k), totals)
  })
  return { z, square, right }
}

/** Least deviation of an entry of the summary that counts: float32 has too few digits for one that varies less. */
const LEAST = 0.01
/** Mean and deviation of each entry of the summary. */
function spreadOf(z: readonly Float64Array[]) {
  return Array.from(z[0]!, (_, j) => {
    const mean = z.reduce((sum, of) => sum + of[j]!, 0) / z.length
    const deviation = Math.sqrt(z.reduce((sum, of) => sum + (of[j]! - mean) ** 2, 0) / z.length)
    return { mean, deviation: Math.max(LEAST, deviation) }
  })
}

/** Mean and deviation of each entry of the summary of so many means, on a sample of the windows. */
export const summarySpread = async (of: Rows, decays: readonly number[]) => spreadOf((await factsOf(sparse(of), decays)).z)

/** Least-squares equations of the weights by [entry of (1, z), mean], as flat arrays. */
interface Equations {
  readonly matrix: Float64Array
  readonly right: Float64Array
}

/** Equations of some windows; the matrix is Σ q qᵀ ⊗ m mᵀ. */
async function equationsOf(rows: readonly number[], q: readonly Float64Array[], facts: Facts, k: number): Promise<Equations> {
  const [n, a] = [rows.length, q[0]!.length]
  const gathered = (values: Float64Array, size: number) => {
    const all = new Float64Array(n * size)
    for (const [i, row] of rows.entries()) all.set(values.subarray(row * size, (row + 1) * size), i * size)
    return Tensor.from(all, [n, size])
  }
  const entries = new Float64Array(n * a)
  for (const [i, row] of rows.entries()) entries.set(q[row]!, i * a)
  using own = Tensor.from(entries, [n, a])
  using columns = await own.op('aten::unsqueeze', 2)
  using line = await own.op('aten::unsqueeze', 1)
  using outer = await columns.op('aten::mul.Tensor', line)
  using flat = await outer.op('aten::view', [n, a * a])
  using turned = await flat.op('aten::t')
  using square = gathered(facts.square, k * k)
  using products = await turned.op('aten::mm', square)
  using apart = await products.op('aten::view', [a, a, k, k])
  using ordered = await apart.op('aten::permute', [0, 2, 1, 3])
  using matrix = await ordered.op('aten::contiguous')
  using ownTurned = await own.op('aten::t')
  using withTargets = gathered(facts.right, k)
  using right = await ownTurned.op('aten::mm', withTargets)
  return { matrix: (await matrix.data()) as Float64Array, right: (await right.data()) as Float64Array }
}

/**
 * Solves damped least squares for the weights; undefined where float64 cannot. The first `k` weights belong to the constant entry.
 *
 * The damping is a share of the squares of the constant entry, so that entries that hardly vary get small weights.
 */
async function solve({ matrix, right }: Equations, k: number, damping: number): Promise<Float64Array | undefined> {
  const size = right.length
  const damped = Float64Array.from(matrix)
  for (let i = 0; i < size; i++) {
    const own = i % k
    damped[i * size + i]! += matrix[own * size + own]! * (i < k ? DAMPING : damping) + 1e-9
  }
  using left = Tensor.from(damped, [size, size])
  using column = Tensor.from(right, [size, 1])
  const [factor, info] = (await call('aten::linalg_cholesky_ex', [left])) as [Tensor, Tensor]
  using lower = factor
  using failed = info
  if ((await failed.item()) !== 0) return undefined
  using weights = await column.op('aten::cholesky_solve', lower)
  return (await weights.data()) as Float64Array
}

/** Squared error of weights, less the squares of the targets. */
function errorOf({ matrix, right }: Equations, weights: Float64Array): number {
  let error = 0
  for (const [i, weight] of weights.entries()) {
    let product = -2 * right[i]!
    for (let j = 0, at = i * weights.length; j < weights.length; j++) product += matrix[at + j]! * weights[j]!
    error += weight * product
  }
  return error
}

const sum = (of: readonly Float64Array[]) => of[0]!.map((_, i) => of.reduce((total, each) => total + each[i]!, 0))
const less = (whole: Float64Array, part: Float64Array) => whole.map((value, i) => value - part[i]!)

/** The damping with the least error on articles that were not fitted; undefined if constant weights are as good. */
async function dampingOf(parts: readonly Equations[], whole: Equations, k: number): Promise<number | undefined> {
  let best: { damping: number | undefined; error: number } = { damping: undefined, error: Infinity }
  for (const damping of [undefined, ...DAMPINGS]) {
    let error = 0
    for (const held of parts) {
      const rest = { matrix: less(whole.matrix, held.matrix), right: less(whole.right, held.right) }
      const weights = await solve(rest, k, damping ?? 1e9)
      error += weights === undefined ? Infinity : errorOf(held, weights)
    }
    if (error < best.error) best = { damping, error }
  }
  return best.damping
}

/**
 * Fits how the weights of a mixture depend on the summary of its means, by least squares; cross-validation over articles decides
 * how much. The weights stay constant with few articles, with many means, and where adapting them does not help.
 */
export async function fitAdaptiveMixture(of: Rows, mixture: Mixture): Promise<AdaptiveMixture> {
  const { decays } = mixture
  const k = decays.length
  const constant = { ...mixture, summary: decays.map(() => new Float64Array(summarySize(k))) }
  const train = sparse(of, WINDOWS)
  const articles = [...new Set(train.ids.map((id) => train.windows.article[id]!))]
  if (k > MOST || articles.length < GROUPS) return constant
  const facts = await factsOf(train, decays)
  const spread = spreadOf(facts.z)
  const q = facts.z.map((z) => Float64Array.from([1, ...spread.map(({ mean, deviation }, j) => (z[j]! - mean) / deviation)]))
  const group = new Map(articles.map((article, i) => [article, i % GROUPS]))
  const rows = Array.from({ length: GROUPS }, (): number[] => [])
  for (const [i, id] of train.ids.entries()) rows[group.get(train.windows.article[id]!)!]!.push(i)
  const parts: Equations[] = []
  for (const part of rows) parts.push(await equationsOf(part, q, facts, k))
  const whole = { matrix: sum(parts.map(({ matrix }) => matrix)), right: sum(parts.map(({ right }) => right)) }
  const damping = await dampingOf(parts, whole, k)
  const weights = damping === undefined ? undefined : await solve(whole, k, damping)
  if (weights === undefined) return constant
  const summary = decays.map((_, i) => Float64Array.from(spread, ({ deviation }, j) => weights[(1 + j) * k + i]! / deviation))
  const own = summary.map((of, i) => weights[i]! - spread.reduce((total, { mean }, j) => total + of[j]! * mean, 0))
  return { decays, weights: own, summary }
}
