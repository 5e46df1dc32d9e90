import { quantile } from '../statistics/estimates.js'
import { randomIndex } from '../statistics/random-index.js'
import { NEAR } from './near-duplicates.js'
import { cosinesOf, isBad, type Table } from './unit-table.js'

const PAIRS = 50_000
const TRIES = 20
/** Shares of the nearest random pairs that their tail is drawn through. */
const [INNER, OUTER] = [0.005, 0.05]

/** Cosines of random pairs of rows, from different articles where there are several. */
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
 * How often two unrelated rows are near-copies, from the tail of random pairs: the share within a distance r grows as r to the power of
 * the dimension that the vectors fill.
 *
 * Source: own; the dimension as in Levina & Bickel 2004, from two quantiles, which a few copies among the pairs do not move.
 */
export function nearByChance(pairs: Float64Array): number {
  if (pairs.length === 0) return 0
  const distances = pairs.map((cosine) => Math.sqrt(Math.max(0, 2 - 2 * cosine))).sort()
  const [near, inner, outer] = [Math.sqrt(2 - 2 * NEAR), quantile(distances, INNER), quantile(distances, OUTER)]
  if (inner <= near || outer <= inner) return pairs.filter((cosine) => cosine > NEAR).length / pairs.length
  const dimension = Math.log(OUTER / INNER) / Math.log(outer / inner)
  return INNER * (near / inner) ** dimension
}

/** Whether so many near-copies among so many pairs may be chance. */
export const byChance = (pairs: number, chance: number, compared: number): boolean => pairs < 3 * chance * compared
