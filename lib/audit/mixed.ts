import { count } from '../show.js'
import { describe } from '../statistics/estimates.js'
import { permutation } from '../statistics/random.js'
import { call, Tensor } from '../torch/tensor.js'
import { cos, type Finding, finding } from './audit-findings.js'
import { divisions, type Graph, graphOf } from './neighbour-graph.js'
import { CONCLUSIVE, type Likeness, likeness, UNLIKE } from './same-space.js'
import { type Clusters, isBad, type Table, unitAt } from './unit-table.js'

/** Size of the sample of rows, and the minimum size of a group: in rows, and as a share of the rows. */
const [ROWS, FEWEST, SHARE] = [4096, 40, 0.005]
/**
 * Two groups count as two spaces when the similarity between them is below this share of the similarity inside them. Measured: .26
 * (a template beside prose) and more in clean text, up to .03 after a rotation.
 */
const NOTHING = 0.08
/** Number of cuts tried, fewer below 48 dimensions: there the later cuts sort rows by distance from the mean, which looks like two spaces. */
const [MOST_DIRECTIONS, DIMENSIONS] = [4, 48]
/** Number of principal directions along which another offset is searched. */
const PRINCIPAL = 4
/** A group whose variance is below this share of the rest's is repeated text. */
const VARIES = 0.25
/** Minimum distance between groups in standard deviations, and minimum number of articles, to report an offset. Clean text: up to 6.7. */
const [APART, SEVERAL] = [8, 5]
/** Distance at which groups have no spread of their own. Units: standard deviations. */
const MOST_APART = 1000

/** Unit vectors of selected rows, with the number of the article or stretch of each. */
interface Sample {
  readonly unit: Tensor
  readonly of: Int32Array
}

async function pick({ unit, of }: Sample, rows: Int32Array): Promise<Sample> {
  using index = Tensor.from(BigInt64Array.from(rows, BigInt))
  return { unit: await unit.op('aten::index_select', 0, index), of: rows.map((row) => of[row]!) }
}

/** Returns vectors minus the mean of their article. Shapes: [rows, dim]. */
async function residuals({ unit, of }: Sample): Promise<Tensor> {
  const numbers = new Map([...new Set(of)].map((cluster, i) => [cluster, i]))
  const counts = new Float32Array(numbers.size)
  for (const cluster of of) counts[numbers.get(cluster)!]! += 1
  using index = Tensor.from(BigInt64Array.from(of, (cluster) => BigInt(numbers.get(cluster)!)))
  using none = (await call('aten::zeros', [[numbers.size, unit.shape[1]!]], { dtype: 'float32' })) as Tensor
  using sums = await none.op('aten::index_add', 0, index, unit)
  using divisors = Tensor.from(counts, [numbers.size, 1])
  using means = await sums.op('aten::div.Tensor', divisors)
  using each = await means.op('aten::index_select', 0, index)
  return await unit.op('aten::sub.Tensor', each)
}

/** Returns the within-article covariance. Shapes: [dim, dim]. */
async function within(sample: Sample): Promise<Tensor> {
  using left = await residuals(sample)
  using turned = await left.op('aten::t')
  using product = await turned.op('aten::mm', left)
  return await product.op('aten::div.Scalar', sample.of.length)
}

/** Compares two halves of a group: alternating articles, or first and last rows when it has one article. */
async function halvesAlike(sample: Sample): Promise<Likeness> {
  const { of } = sample
  const clusters = [...new Set(of)]
  const order = permutation(clusters.length, 0)
  const first = new Set(clusters.filter((_, i) => order[i]! % 2 === 0))
  const rows = Int32Array.from(of.keys())
  const isFirst = (row: number) => (clusters.length > 1 ? first.has(of[row]!) : row < of.length / 2)
  const [a, b] = [
    await pick(sample, rows.filter(isFirst)),
    await pick(
      sample,
      rows.filter((row) => !isFirst(row)),
    ),
  ]
  using x = a.unit
  using y = b.unit
  using p = await within({ unit: x, of: a.of })
  using q = await within({ unit: y, of: b.of })
  return await likeness(p, q)
}

/** Distance between the means of two groups along their difference. Units: standard deviations. */
async function apart(a: Tensor, b: Tensor): Promise<number> {
  const meanOf = (x: Tensor) => x.op('aten::mean.dim', [0])
  using p = await meanOf(a)
  using q = await meanOf(b)
  using between = await p.op('aten::sub.Tensor', q)
  const along = async (x: Tensor) => {
    using projected = await x.op('aten::mv', between)
    return describe(Float64Array.from((await projected.data()) as Float32Array))
  }
  const [x, y] = [await along(a), await along(b)]
  return Math.min(MOST_APART, (x.mean - y.mean) / Math.max(1e-12, Math.sqrt((x.sd ** 2 + y.sd ** 2) / 2)))
}

/** Splits the rows of a group in two along a direction, where the within-group variance is smallest. */
function ends(along: Float32Array): readonly [Int32Array, Int32Array] {
  const order = Int32Array.from(along.keys()).sort((a, b) => along[a]! - along[b]! || a - b)
  const total = along.reduce((a, b) => a + b, 0)
  let [sum, best, at] = [0, -Infinity, 0]
  for (let size = 1; size < order.length; size++) {
    sum += along[order[size - 1]!]!
    const rest = order.length - size
    const between = (sum / size - (total - sum) / rest) ** 2 * size * rest
    if (between > best) [best, at] = [between, size]
  }
  const [low, high] = [order.slice(0, at), order.slice(at)]
  return low.length <= high.length ? [low, high] : [high, low]
}

/** Finds groups of rows with another mean: another offset separates rows along a principal direction. */
async function offsets(sample: Sample, directions: Tensor): Promise<Pick<Division, 'group' | 'apart'>[]> {
  const found: Pick<Division, 'group' | 'apart'>[] = []
  const dim = directions.shape[0]!
  for (let k = 1; k <= Math.min(PRINCIPAL, dim); k++) {
    using column = await directions.op('aten::select.int', 1, dim - k)
    using direction = await column.to({ dtype: 'float32' }).ready()
    using projected = await sample.unit.op('aten::mv', direction)
    const [group, rest] = ends((await projected.data()) as Float32Array)
    if (group.length < FEWEST) continue
    const [a, b] = [await pick(sample, group), await pick(sample, rest)]
    using x = a.unit
    using y = b.unit
    found.push({ group, apart: await apart(x, y) })
  }
  return found
}

interface Division {
  readonly group: Int32Array
  readonly between: Likeness
  /** Geometric mean of the similarities inside both groups, as z-scores. */
  readonly inside: number
  readonly conclusive: boolean
  readonly apart: number
}

async function divided(sample: Sample, [group, rest]: readonly [Int32Array, Int32Array]): Promise<Division> {
  const [a, b] = [await pick(sample, group), await pick(sample, rest)]
  using x = a.unit
  using y = b.unit
  using p = await within(a)
  using q = await within(b)
  const traceOf = async (moment: Tensor) => {
    using trace = await moment.op('aten::trace')
    return await trace.item()
  }
  const varies = (await traceOf(p)) > VARIES * (await traceOf(q))
  const [one, other] = [await halvesAlike(a), await halvesAlike(b)]
  const [between, distance] = [await likeness(p, q), await apart(x, y)]
  const conclusive = varies && Math.min(one.z, other.z) > CONCLUSIVE
  const inside = Math.sqrt(Math.max(0, one.z) * Math.max(0, other.z))
  return { group, between, inside, conclusive, apart: distance }
}

/**
 * Returns cuts of three nearest-neighbour graphs: of the vectors, of the vectors minus their article's mean, and of the vectors with
 * neighbours from other articles only (rows of two spaces in one article are each other's nearest neighbours).
 */
async function suggested(sample: Sample, dim: number) {
  const least = Math.max(FEWEST, Math.floor(SHARE * sample.of.length))
  const directionCount = dim >= DIMENSIONS ? MOST_DIRECTIONS : 1
  using left = await residuals(sample)
  using lengths = await left.op('aten::linalg_vector_norm', 2, [1], true)
  using divisors = await lengths.op('aten::clamp_min', 1e-3)
  using directions = await left.op('aten::div.Tensor', divisors)
  const cutsOf = (graph: Graph) =>
    divisions(graph, directionCount, least).filter(([group, rest]) => Math.min(group.length, rest.length) >= least / 2)
  const near = [...cutsOf(await graphOf(sample.unit)), ...cutsOf(await graphOf(directions))]
  return { near, across: new Set(sample.of).size < SEVERAL ? [] : cutsOf(await graphOf(sample.unit, sample.of)) }
}

/**
 * Checks that all rows are of one space.
 *
 * Cuts the nearest-neighbour graph where it has few edges and compares the within-article covariances of both parts: another topic
 * keeps them similar, another encoder or a rotation does not. Shapes: clusters and articles have one entry per row.
 * Source: own.
 */
export async function mixedFinding(table: Table, clusters: Clusters, articles: Int32Array, directions: Tensor): Promise<Finding> {
  const good = permutation(table.rows, 1).filter((row) => !isBad(table.lengths[row]!))
  const rows = Int32Array.from(good.slice(0, ROWS)).sort()
  if (rows.length < 4 * FEWEST)
    return finding('MIXED', 'PASS', 'too few rows to check whether all are of one space', { rows: rows.length })
  using unit = await unitAt(table, rows)
  const sample = { unit, of: rows.map((row) => clusters.of[row]!) }
  const found: Division[] = []
  const { near, across } = await suggested(sample, table.dim)
  for (const division of [...near, ...across]) found.push(await divided(sample, division))
  const several = ({ group }: Pick<Division, 'group'>) => new Set(Array.from(group, (i) => articles[rows[i]!])).size
  const conclusive = found.filter((division) => division.conclusive)
  const ratio = ({ between, inside }: Division) => between.z / Math.max(1e-9, inside)
  const least = conclusive.length > 0 ? conclusive.reduce((a, b) => (ratio(b) < ratio(a) ? b : a)) : undefined
  // Graphs across articles are left out: boilerplate that articles share forms groups there that are far from the rest.
  const means = [...found.slice(0, near.length), ...(await offsets(sample, directions))]
  const offset = means.find((division) => division.apart > APART && several(division) >= SEVERAL)
  const figures = {
    rows: rows.length,
    divisions: conclusive.length,
    likeness: least?.between.r ?? null,
    z: least?.between.z ?? null,
    z_within: least?.inside ?? null,
    offset: offset?.apart ?? null,
  }
  const namedRows = ({ group }: Pick<Division, 'group'>) => Array.from(group, (i) => rows[i]!)
  const share = ({ group }: Pick<Division, 'group'>) =>
    `at least ${((100 * group.length) / rows.length).toFixed(0)} % of ${count(rows.length)} sampled rows`
  if (least !== undefined && least.between.z < Math.max(UNLIKE, NOTHING * least.inside))
    return finding(
      'MIXED',
      'FAIL',
      `${share(least)} are of another space than the rest: the covariances correlate by ${cos(least.between.r)}, ${least.between.z.toFixed(1)} standard deviations above unrelated spaces; those of halves of one group by ${least.inside.toFixed(0)}`,
      figures,
      namedRows(least),
    )
  if (offset !== undefined)
    return finding(
      'MIXED',
      'WARN',
      `${share(offset)} have another mean than the rest, ${offset.apart < MOST_APART ? offset.apart.toFixed(1) : `at least ${count(MOST_APART)}`} standard deviations away in ${several(offset)} articles or stretches: another offset, or another kind of text`,
      figures,
      namedRows(offset),
    )
  if (least === undefined)
    return finding('MIXED', 'PASS', 'the rows form no groups that show whether all are of one space', figures)
  return finding(
    'MIXED',
    'PASS',
    `no group of another space was found among ${count(rows.length)} rows: the covariances of the least similar groups correlate by ${cos(least.between.r)}, ${least.between.z.toFixed(0)} standard deviations above unrelated spaces`,
    figures,
  )
}
