import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import { jointTests } from '../../statistics/max-t.js'
import { studentLimit } from '../../statistics/student.js'
import type { ScoreTest } from './abtest-entry.js'

/** Ranks of all targets by one arm. */
export interface Ranked {
  readonly name: string
  readonly ranks: Int32Array
}
/** A run and a heuristic over the same windows. */
export interface RankedPair {
  readonly run: Ranked
  readonly heuristic: Ranked
}

/** Two-sided rate for `studentLimit` of the one-sided false negatives: 20 %, which is a power of 80 %. */
const FALSE_NEGATIVE = 2 * 0.2

/** Scores of one window by the rank of its target. */
export const SCORES = {
  hit_rate: (rank: number, k: number): number => Number(rank <= k),
  mrr: (rank: number, k: number): number => (rank <= k ? 1 / rank : 0),
} as const
type ScoreKey = keyof typeof SCORES

const differences = ({ run, heuristic }: RankedPair, key: ScoreKey, k: number): Float64Array =>
  Float64Array.from(run.ranks, (rank, i) => SCORES[key](rank, k) - SCORES[key](heuristic.ranks[i]!, k))

/** Tests all pairs in one score, corrected together. Shapes: one rank for each window, the same windows in all pairs. */
export async function testPairs(
  pairs: readonly RankedPair[],
  articles: Int32Array,
  key: ScoreKey,
  o: { readonly k: number; readonly seed: number; readonly resamples?: number },
): Promise<ScoreTest[]> {
  const count = new Set(articles).size
  const tests = await jointTests(
    pairs.map((pair) => differences(pair, key, o.k)),
    articles,
    o,
  )
  return tests.map(({ mean, se, p, p_adjusted, ci95, reason }) => {
    const least = ci95 && (ci95[1] - ci95[0]) / 2 + se! * studentLimit(FALSE_NEGATIVE, count - 1)
    // The standard error shrinks with the root of the number of articles.
    const needed = least === null || mean === 0 ? null : Math.max(FEWEST_ARTICLES, Math.ceil(count * (least / mean) ** 2))
    return { difference: mean, ci95, p, p_adjusted, minimum_detectable: least, articles_needed: needed, reason }
  })
}
