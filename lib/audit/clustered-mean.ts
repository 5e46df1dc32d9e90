import { FEWEST_ARTICLES, meanByArticle } from '../statistics/estimates.js'
import type { Clusters } from './unit-table.js'

/** Standard errors by which something must be off before it is called sure: by chance once in ten thousand audits of 20 articles. */
export const SURE = 5
/** Draws of articles that one interval may cost, a tenth of a second. */
const DRAWS = 1e7

/** A mean over rows, and how sure it is. */
export interface Judged {
  readonly mean: number
  readonly n: number
  readonly clusters: number
  readonly se: number | null
  /** By article; null where articles are too few or not known. */
  readonly ci95: readonly [number, number] | null
}

/** Mean and interval of values that belong to rows. */
export async function judge(values: Float64Array, rows: Int32Array, { of, by }: Clusters): Promise<Judged> {
  if (values.length === 0) return { mean: Number.NaN, n: 0, clusters: 0, se: null, ci95: null }
  const groups = rows.map((row) => of[row]!)
  const several = new Set(groups).size
  const resamples = Math.max(400, Math.min(10_000, Math.floor(DRAWS / several)))
  const { mean, n, articles, se, ci95 } = await meanByArticle(values, groups, { resamples })
  return { mean, n, clusters: articles, se, ci95: by === 'articles' ? ci95 : null }
}

const margin = ({ se, clusters }: Judged) => (se === null || clusters < FEWEST_ARTICLES ? Infinity : SURE * se)
export const surelyAbove = (judged: Judged, limit: number): boolean => judged.mean - margin(judged) > limit
export const surelyBelow = (judged: Judged, limit: number): boolean => judged.mean + margin(judged) < limit
