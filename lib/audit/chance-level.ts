import { quantile } from '../statistics/estimates.js'
import { randomIndex } from '../statistics/random-index.js'
import { NEAR } from './near-duplicates.js'
import { cosinesOf, isBad, type Table } from './unit-table.js'

const PAIRS = 50_000
const TRIES = 20
/** Quantiles of the distance of random pairs, from which its tail is extrapolated. */
const [INNER, OUTER] = [0.005, 0.05]

/** Returns cosines of random pairs of rows, from different articles when there is more than one. */
export async function randomPairs(table: Table, articles: Int32Array | undefined, seed: number): Promise<Float64Array> {
  const { rows, lengths } = table
  const draw = randomIndex(seed)
  const several = articles?.some((article) => article !== articles[0]) === true
  const [a, b] = [new Int32Array(PAIRS), new Int32Array(PAIRS)]
  let kept = 0
  for (let tries = 0; kept < PAIRS && tries < TRIES * PAIRS; tries++) {
    const [i, j] = [draw(rows), draw(rows)]
    const apart = several ? articles[i] !== articles[j] : i !== j
    if (!apart || isBad(lengths[i]!) || isBad(lengths[j]!)) continue
    a[kept] = i
    b[kept++] = j
  }
  return cosinesOf(table, a.subarray(0, kept), table, b.subarray(0, kept))
}

/**
 * Returns the probability that two unrelated rows are near-copies, extrapolated from the tail of random pairs: the share within a
 * distance r grows as r to the power of the intrinsic dimension.
 *
 * Source: own; the dimension as in Levina & Bickel 2004, from two quantiles, because these are robust to a few copies among the pairs.
 */
export function nearByChance(pairs: Float64Array): number {
  if (pairs.length === 0) return 0
  const distances = pairs.map((cosine) => Math.sqrt(Math.max(0, 2 - 2 * cosine))).sort()
  const [near, inner, outer] = [Math.sqrt(2 - 2 * NEAR), quantile(distances, INNER), quantile(distances, OUTER)]
  if (inner <= near || outer <= inner) return pairs.filter((cosine) => cosine > NEAR).length / pairs.length
  const dimension = Math.log(OUTER / INNER) / Math.log(outer / inner)
  return INNER * (near / inner) ** dimension
}

/** Whether `pairs` near-copies among `compared` pairs can be due to chance. */
export const byChance = (pairs: number, chance: number, compared: number): boolean => pairs < 3 * chance * compared
