import { count } from '../show.js'
import { quantile } from '../statistics/estimates.js'
import { studentLimit } from '../statistics/student.js'
import { cos, type Finding, finding } from './audit-findings.js'
import { SIGNIFICANT } from './clustered-mean.js'
import type { Lag } from './neighbour-pass.js'
import type { Clusters } from './unit-table.js'

const [REGIONS, FEWEST, PAIRS] = [20, 8, 50]
/** Limits as shares of the usual excess of adjacent cosines over random pairs: a stretch below LOST fails, a range above UNEVEN warns. */
const [LOST, UNEVEN] = [0.1, 0.5]
/** Family-wise error rate: probability that any region of clean data counts as odd. */
const ALPHA = 0.01
/** Statistical efficiency of the MAD for normal data, which reduces the degrees of freedom. Source: Rousseeuw & Croux 1993. */
const EFFICIENCY = 0.37

/** A stretch of the corpus, with the mean cosine of its adjacent rows. */
export interface Region {
  readonly from: number
  readonly to: number
  readonly cosine: number
  /** Standard error of the mean over its pairs. */
  readonly se: number
  /** Distance from the median of all stretches. Units: robust standard errors. */
  readonly z: number
  readonly odd: boolean
}

const median = (values: readonly number[]) => quantile(Float64Array.from(values).sort(), 0.5)
/** Standard deviation estimated from the MAD, robust against up to half of the values. */
const robustSd = (values: readonly number[]) => {
  const middle = median(values)
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)))
}
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

function byCluster(rows: Int32Array, values: Float64Array, { of }: Clusters, from = 0, to = rows.length): number[][] {
  const groups = new Map<number, number[]>()
  for (let i = from; i < to; i++) {
    const cluster = of[rows[i]!]!
    const group = groups.get(cluster)
    if (group === undefined) groups.set(cluster, [values[i]!])
    else group.push(values[i]!)
  }
  return [...groups.values()]
}

/**
 * Divides the corpus into 20 stretches with equal numbers of pairs and computes the adjacent cosine of each.
 *
 * A stretch is odd when its distance from the median exceeds the limit of Student's t at a family-wise error rate of .01. Its standard
 * error is the larger of the MAD of the stretches and the error expected from random articles of the same lengths.
 * Source: own.
 */
export function regionsOf({ rows, cosines }: Lag, clusters: Clusters): Region[] {
  const regions = Math.min(REGIONS, Math.floor(rows.length / PAIRS))
  if (regions < FEWEST) return []
  const between = robustSd(byCluster(rows, cosines, clusters).flatMap((group) => (group.length >= 5 ? [mean(group)] : [])))
  const parts = Array.from({ length: regions }, (_, r) => {
    const [from, to] = [Math.floor((r * rows.length) / regions), Math.floor(((r + 1) * rows.length) / regions)]
    const sizes = byCluster(rows, cosines, clusters, from, to).map((group) => group.length)
    const n = to - from
    const se = (between * Math.sqrt(sizes.reduce((sum, size) => sum + size ** 2, 0))) / n
    const values = [...cosines.subarray(from, to)]
    const cosine = mean(values)
    const own = Math.sqrt(mean(values.map((value) => (value - cosine) ** 2)) / n)
    return { from: rows[from]!, to: rows[to - 1]! + 1, cosine, own, se }
  })
  const middle = median(parts.map(({ cosine }) => cosine))
  const spread = robustSd(parts.map(({ cosine }) => cosine))
  const limit = studentLimit(ALPHA / regions, Math.max(1, EFFICIENCY * (regions - 1)))
  return parts.map(({ from, to, cosine, own, se }) => {
    const z = (cosine - middle) / Math.max(spread, se, 1e-9)
    return { from, to, cosine, se: own, z, odd: Math.abs(z) > limit }
  })
}

/**
 * Fails for stretches where adjacent rows are no more similar than random pairs, while elsewhere they are.
 *
 * Elsewhere means the upper quartile, because the median breaks down when half of the corpus is lost.
 */
export function regionFinding(regions: readonly Region[], floor: number): Finding {
  if (regions.length === 0) return finding('REGIONS', 'PASS', 'too few rows to divide the corpus into stretches')
  const odd = regions.filter((region) => region.odd)
  const middle = median(regions.map(({ cosine }) => cosine))
  const [low, high] = [Math.min, Math.max].map((f) => f(...regions.map(({ cosine }) => cosine))) as [number, number]
  const figures = { median: middle, lowest: low, highest: high, odd: odd.length, regions: regions.length }
  const usual = quantile(Float64Array.from(regions, ({ cosine }) => cosine).sort(), 0.75)
  const lost = regions.filter(({ cosine, se }) => cosine - floor < LOST * (usual - floor) && usual - cosine > SIGNIFICANT * se)
  const span = `adjacent cosine from ${cos(low)} to ${cos(high)}`
  if (odd.length + lost.length === 0)
    return high - low > UNEVEN * (high - floor)
      ? finding('REGIONS', 'WARN', `adjacent cosines vary widely over the corpus: ${span}, random pairs ${cos(floor)}`, figures)
      : finding('REGIONS', 'PASS', `no stretch differs significantly from the rest: ${span}`, figures)
  const named = regions.filter((region) => region.odd || lost.includes(region))
  const names = named.map(({ from, to, cosine }) => `rows ${count(from)} to ${count(to - 1)} (${cos(cosine)})`).join(', ')
  const message = `${named.length} of ${regions.length} stretches differ from the rest (adjacent cosine: median ${cos(middle)}, upper quartile ${cos(usual)}): ${names}`
  const why =
    lost.length > 0 ? `; adjacent rows in ${lost.length} of them are no more similar than random pairs (${cos(floor)})` : ''
  return finding(
    'REGIONS',
    lost.length > 0 ? 'FAIL' : 'WARN',
    message + why,
    figures,
    (lost.length > 0 ? lost : named).map(({ from }) => from),
  )
}
