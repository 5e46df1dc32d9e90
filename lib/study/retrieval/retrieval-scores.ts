import type { Interval } from '../../evaluate/metrics.js'
import { NEAREST, type Places, type Pool, ranks } from '../../evaluate/search.js'
import type { Ranking } from '../../rankings.js'
import { describe, meanByArticle } from '../../statistics/estimates.js'

/** Score of one rank, by the name of the score. */
export const SCORE_OF_RANK = {
  top1: (rank) => Number(rank <= 1),
  top5: (rank) => Number(rank <= 5),
  top10: (rank) => Number(rank <= 10),
  top20: (rank) => Number(rank <= 20),
  mrr: (rank) => 1 / rank,
  ndcg10: (rank) => (rank <= 10 ? 1 / Math.log2(1 + rank) : 0),
} as const satisfies Record<string, (rank: number) => number>
export type ScoreName = keyof typeof SCORE_OF_RANK
export const CUTS = { top1: 1, top5: 5, top10: 10, top20: 20 } as const

export interface Score {
  readonly value: number
  readonly ci95: Interval
  /** Expected score of a random order of the pool. */
  readonly chance: number
}

/** Scores with the sizes and rules that must be equal before two of them are compared. */
export interface PoolScores extends Readonly<Record<ScoreName, Score>> {
  /** Rows that are ranked for a query; their mean over queries if the number differs. */
  readonly pool: number
  /** Context rows that are excluded for a query; their mean over queries. */
  readonly excluded: number
  readonly n: number
  readonly articles: number
  readonly median_rank: { readonly value: number; readonly chance: number }
  /** Queries with another row exactly as similar as the target. */
  readonly ties: number
  readonly tie_rule: string
}

export type Hits = Readonly<Record<keyof typeof CUTS, Omit<Score, 'chance'>>>

export const TIE_RULE = 'rows as similar as the target, within 1e-14, rank before it'
export const NEAR_DUPLICATE = 0.98

/** Returns the mean score over all ranks of a pool. */
function chanceOf(score: (rank: number) => number, pool: number): number {
  let sum = 0
  for (let rank = 1; rank <= pool; rank++) sum += score(rank)
  return sum / pool
}

/** Returns the mean of values between 0 and 1, with its interval clipped to that range. */
async function share(values: Float64Array, articles: Int32Array, seed: number): Promise<Omit<Score, 'chance'>> {
  const { mean, ci95 } = await meanByArticle(values, articles, { seed })
  return { value: mean, ci95: ci95 && [Math.max(0, ci95[0]), Math.min(1, ci95[1])] }
}

/** Returns one score for each window. */
export const scoresByWindow = (found: Places, name: ScoreName): Float64Array =>
  Float64Array.from(ranks(found), SCORE_OF_RANK[name])

/** Returns the scores of one ranking, with intervals by article. */
export async function scorePool(
  found: Places,
  pool: Pick<Pool, 'rows'>,
  excluded: number,
  articles: Int32Array,
  seed: number,
): Promise<PoolScores> {
  const size = Math.round(pool.rows - excluded)
  const scores: Partial<Record<ScoreName, Score>> = {}
  for (const name of Object.keys(SCORE_OF_RANK) as ScoreName[])
    scores[name] = { ...(await share(scoresByWindow(found, name), articles, seed)), chance: chanceOf(SCORE_OF_RANK[name], size) }
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

/** Returns hits on the target or on a near-duplicate of it; they are reported beside the scores and never replace them. */
export async function nearDuplicateHits(found: Ranking, articles: Int32Array, seed: number): Promise<Hits> {
  const rank = ranks(found)
  const firstNear = rank.map((_, i) => {
    const at = found.toTarget.subarray(i * NEAREST, (i + 1) * NEAREST).findIndex((cosine) => cosine > NEAR_DUPLICATE)
    return at < 0 ? rank[i]! : Math.min(rank[i]!, at + 1)
  })
  const hits: Partial<Record<keyof typeof CUTS, Omit<Score, 'chance'>>> = {}
  for (const name of Object.keys(CUTS) as (keyof typeof CUTS)[])
    hits[name] = await share(Float64Array.from(firstNear, SCORE_OF_RANK[name]), articles, seed)
  return hits as Hits
}
