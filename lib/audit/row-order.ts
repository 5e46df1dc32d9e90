import { normals } from '../data/synth-process.js'
import { describe } from '../statistics/estimates.js'
import { permutation } from '../statistics/random.js'
import { call, Tensor } from '../torch/tensor.js'
import { allAlike, cos, type Finding, finding } from './audit-findings.js'
import { type ClusteredMean, clusteredMean, significantlyAbove, significantlyBelow } from './clustered-mean.js'
import type { Lag, Passed } from './neighbour-pass.js'
import { alike, type Spectrum, secondMoment } from './spectrum.js'
import { type Clusters, isBad, type Table, unitAt } from './unit-table.js'

/** Shares below which an effect counts as none: of the excess cosine of rows of one article (.46 in real text), and of the largest possible excess. */
const [FLAT, NONE] = [0.15, 0.05]
const [QUERIES, POOL] = [500, 10_000]
/**
 * Nearest-neighbour distance relative to noise, and standard errors, needed to say that rows have neighbours. Measured: .66–.76 and
 * 25–44 in real text, .86 and 15 in synthetic corpora, .87–.93 and 5–9 in noise that is not normal (uniform, random bits).
 */
const [CLOSER, SIGNIFICANT] = [0.88, 10]
/** Minimum number of dimensions: in fewer every row has a near neighbour. */
const FEWEST_DIMENSIONS = 8

/** Returns the mean cosine of the first rows of a table to their nearest neighbours. */
async function nearest(unit: Tensor): Promise<{ mean: number; se: number }> {
  const rows = unit.shape[0]!
  using queries = await unit.op('aten::narrow', 0, 0, Math.min(QUERIES, rows >> 1))
  using others = await unit.op('aten::narrow', 0, queries.shape[0]!, rows - queries.shape[0]!)
  using turned = await others.op('aten::t')
  using cosines = await queries.op('aten::mm', turned)
  using best = await cosines.op('aten::amax', [1])
  const { mean, sd } = describe(Float64Array.from((await best.data()) as Float32Array))
  return { mean, se: sd / Math.sqrt(best.shape[0]!) }
}

/** Returns random unit vectors with the mean and covariance of a table. */
async function noiseLike(passed: Passed, rows: number): Promise<Tensor> {
  using mean = await passed.sum.op('aten::div.Scalar', passed.good)
  using moment = await secondMoment(passed)
  using covariance = (await call('aten::addr', [moment, mean, mean], { alpha: -1 })) as Tensor
  const [values, directions] = (await call('aten::linalg_eigh', [covariance])) as [Tensor, Tensor]
  using variances = values
  using axes = directions
  const dim = axes.shape[0]!
  using positive = await variances.op('aten::clamp_min', 0)
  using deviations = await positive.op('aten::sqrt')
  using deviates = Tensor.from(Float64Array.from({ length: rows * dim }, normals(0)), [rows, dim])
  using stretched = await deviates.op('aten::mul.Tensor', deviations)
  using back = await axes.op('aten::t')
  using turned = await stretched.op('aten::mm', back)
  using moved = await turned.op('aten::add.Tensor', mean)
  using lengths = await moved.op('aten::linalg_vector_norm', 2, [1], true)
  using unit = await moved.op('aten::div.Tensor', lengths)
  return await unit.to({ dtype: 'float32' }).ready()
}

/** Whether rows have nearer neighbours in the table than noise of the same covariance. If so, the rows are text whose order is lost. */
async function hasNeighbours(table: Table, passed: Passed, rank: number): Promise<boolean> {
  const rows = permutation(table.rows, 0)
    .filter((row) => !isBad(table.lengths[row]!))
    .slice(0, POOL + QUERIES)
  if (rank < FEWEST_DIMENSIONS || rows.length < 4 * QUERIES) return false
  using unit = await unitAt(table, rows)
  using noise = await noiseLike(passed, rows.length)
  const [ofRows, ofNoise] = [await nearest(unit), await nearest(noise)]
  const nearer = ofRows.mean - ofNoise.mean > SIGNIFICANT * Math.hypot(ofRows.se, ofNoise.se)
  return nearer && 1 - ofRows.mean < CLOSER * (1 - ofNoise.mean)
}

/** Mean difference between lag 1 and a farther lag, over rows that have both; the rows of both ascend. */
async function decline(near: Lag, far: Lag, clusters: Clusters): Promise<ClusteredMean> {
  const [rows, differences] = [new Int32Array(far.rows.length), new Float64Array(far.rows.length)]
  let [at, count] = [0, 0]
  for (let i = 0; i < far.rows.length; i++) {
    const row = far.rows[i]!
    while (at < near.rows.length && near.rows[at]! < row) at++
    if (near.rows[at] !== row) continue
    rows[count] = row
    differences[count++] = near.cosines[at]! - far.cosines[i]!
  }
  return clusteredMean(differences.subarray(0, count), rows.subarray(0, count), clusters)
}

/**
 * Checks whether the order of the rows carries information.
 *
 * Fails when rows of an article are significantly more similar than random pairs but adjacent rows no more than distant ones, and when
 * adjacent rows are unrelated although rows have near neighbours elsewhere: then vectors and articles do not match.
 */
export async function orderFinding(
  table: Table,
  passed: Passed,
  clusters: Clusters,
  { floor, spectrum }: { floor: number; spectrum: Spectrum },
): Promise<Finding> {
  if (alike(spectrum)) return allAlike('ORDER')
  const near = passed.lags[0]
  const far = passed.lags.findLast(({ rows }) => rows.length >= (near?.rows.length ?? 0) / 4)
  if (near === undefined || far === undefined || near === far || near.rows.length === 0)
    return finding('ORDER', 'PASS', 'too few consecutive rows to compare lags')
  const first = await clusteredMean(near.cosines, near.rows, clusters)
  const last = await clusteredMean(far.cosines, far.rows, clusters)
  const fall = await decline(near, far, clusters)
  const figures = { lag_1: first.mean, far_lag: far.lag, far_cosine: last.mean, random_pairs: floor, decline: fall.mean }
  const summary = `neighbours ${cos(first.mean)}, rows ${far.lag} apart ${cos(last.mean)}, random pairs ${cos(floor)}`
  if (significantlyAbove(first, floor) && significantlyAbove(fall, 0))
    return finding('ORDER', 'PASS', `rows are more similar the nearer they are: ${summary}`, figures)
  const together = last.mean - floor
  if (significantlyAbove(last, floor) && significantlyBelow(fall, FLAT * together))
    return finding('ORDER', 'FAIL', `the rows of the articles are not in order: ${summary}`, figures)
  if (
    !significantlyAbove(first, floor) &&
    significantlyBelow(first, floor + NONE * (1 - floor)) &&
    (await hasNeighbours(table, passed, spectrum.effective_rank))
  )
    return finding(
      'ORDER',
      'FAIL',
      `adjacent rows are unrelated, though rows have near neighbours elsewhere: ${summary}`,
      figures,
    )
  const why = significantlyAbove(first, floor)
    ? 'the data does not show whether rows are in order'
    : 'neighbours are no more similar than random pairs'
  return finding('ORDER', 'WARN', `${why}: ${summary}`, figures)
}
