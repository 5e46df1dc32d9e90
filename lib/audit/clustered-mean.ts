import { FEWEST_ARTICLES, meanByArticle } from '../statistics/estimates.js'
import type { Clusters } from './unit-table.js'

/** Standard errors that count as significant: one false alarm in ten thousand audits of 20 articles. */
export const SIGNIFICANT = 5
/** Maximum number of article draws for one bootstrap interval; they take a tenth of a second. */
const DRAWS = 1e7

/** A mean over rows, with its standard error and interval. */
export interface ClusteredMean {
  readonly mean: number
  readonly n: number
  readonly clusters: number
  readonly se: number | null
  /** Interval clustered by article; null when articles are unknown or too few. */
  readonly ci95: readonly [number, number] | null
}

/** Computes the mean of one value per row, with an interval clustered by article. */
export async function clusteredMean(values: Float64Array, rows: Int32Array, { of, by }: Clusters): Promise<ClusteredMean> {
  if (values.length === 0) return { mean: Number.NaN, n: 0, clusters: 0, se: null, ci95: null }
  const groups = rows.map((row) => of[row]!)
  const several = new Set(groups).size
  const resamples = Math.max(400, Math.min(10_000, Math.floor(DRAWS / several)))
  const { mean, n, articles, se, ci95 } = await meanByArticle(values, groups, { resamples })
  return { mean, n, clusters: articles, se, ci95: by === 'articles' ? ci95 : null }
}

const margin = ({ se, clusters }: ClusteredMean) => (se === null || clusters < FEWEST_ARTICLES ? Infinity : SIGNIFICANT * se)
export const significantlyAbove = (estimate: ClusteredMean, limit: number): boolean => estimate.mean - margin(estimate) > limit
export const significantlyBelow = (estimate: ClusteredMean, limit: number): boolean => estimate.mean + margin(estimate) < limit
