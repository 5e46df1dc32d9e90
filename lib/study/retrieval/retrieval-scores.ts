import type { Interval } from '../../evaluate/metrics.js'
import type { Ranking } from '../../native.js'
import { describe, meanByArticle } from '../../statistics/estimates.js'
import type { Pool } from './search.js'
import { NEAREST, ranks } from './search.js'

/** What a rank is worth, by the name of the score. */
export const WORTH = {
  top1: (rank) => Number(rank <= 1),
  top5: (rank) => Number(rank <= 5),
  top10: (rank) => Number(rank <= 10),
  top20: (rank) => Number(rank <= 20),
  mrr: (rank) => 1 / rank,
  ndcg10: (rank) => (rank <= 10 ? 1 / Math.log2(1 + rank) : 0),
} as const satisfies Record<string, (rank: number) => number>
export type ScoreName = keyof typeof WORTH
export const CUTS = { top1: 1, top5: 5, top10: 10, top20: 20 } as const

export interface Score {
  readonly value: number
  readonly ci95: Interval
  /** What a random order of the pool gives. */
  readonly chance: number
}

/** Everything that tells whether two scores are alike, with the scores. */
export interface PoolScores extends Readonly<Record<ScoreName, Score>> {
  /** Rows that are ranked for a query; their mean where it differs. */
  readonly pool: number
  /** Rows that are left out for a query, its context. */
  readonly excluded: number
  readonly n: number
  readonly articles: number
  readonly median_rank: { readonly value: number; readonly chance: number }
  /** Queries with another row exactly as similar as the target. */
  readonly ties: number
  readonly tie_rule: string
}

export type Hits = Readonly<Record<keyof typeof CUTS, Omit<Score, 'chance'>>>

export const TIE_RULE = 'rows as similar as the target, within 1e-14, stand before it'
export const NEAR_DUPLICATE = 0.98

/** The mean worth of all ranks of a pool. */
function chanceOf(worth: (rank: number) => number, pool: number): number {
  let sum = 0
  for (let rank = 1; rank <= pool; rank++) sum += worth(rank)
  return sum / pool
}

/** A mean of values from 0 to 1, and its interval in there. */
async function share(values: Float64Array, articles: Int32Array, seed: number): Promise<Omit<Score, 'chance'>> {
  const { mean, ci95 } = await meanByArticle(values, articles, { seed })
  return { value: mean, ci95: ci95 && [Math.max(0, ci95[0]), Math.min(1, ci95[1])] }
}

/** What each window's rank is worth. */
export const worths = (found: Ranking, name: ScoreName): Float64Array => Float64Array.from(ranks(found), WORTH[name])

/** The scores of one ranking, with intervals by article. */
export async function scorePool(
  found: Ranking,
  pool: Pick<Pool, 'rows'>,
  excluded: number,
  articles: Int32Array,
  seed: number,
): Promise<PoolScores> {
  const size = Math.round(pool.rows - excluded)
  const scores: Partial<Record<ScoreName, Score>> = {}
  for (const name of Object.keys(WORTH) as ScoreName[])
    scores[name] = { ...(await share(worths(found, name), articles, seed)), chance: chanceOf(WORTH[name], size) }
  return {
    pool: pool.rows - excluded,
    excluded,
    n: articles.length,
    articles: new Set(articles).size,
    ...(scores as Record<ScoreName, Score>),
    median_rank: { value: describe(Float64Array.from(ranks(found))).median, chance: (size + 1) / 2 },
    ties: found.tied.filter((n) => n > 0).length,
    tie_rule: TIE_RULE,
  }
}

/** Hits on the target or on a row that is nearly the same: never instead of the scores, always beside them. */
export async function nearDuplicateHits(found: Ranking, articles: Int32Array, seed: number): Promise<Hits> {
  const rank = ranks(found)
  const firstNear = rank.map((_, i) => {
    const at = found.toTarget.subarray(i * NEAREST, (i + 1) * NEAREST).findIndex((cosine) => cosine > NEAR_DUPLICATE)
    return at < 0 ? rank[i]! : Math.min(rank[i]!, at + 1)
  })
  const hits: Partial<Record<keyof typeof CUTS, Omit<Score, 'chance'>>> = {}
  for (const name of Object.keys(CUTS) as (keyof typeof CUTS)[])
    hits[name] = await share(Float64Array.from(firstNear, WORTH[name]), articles, seed)
  return hits as Hits
}
