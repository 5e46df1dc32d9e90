import { setImmediate } from 'node:timers/promises'
import { LvmError } from '../errors.js'
import { byArticle, FEWEST_ARTICLES } from './estimates.js'
import { randomIndex } from './random-index.js'

const RESAMPLES = 10_000
const LEVEL = 0.05
/** Article draws between two ticks of the event loop, about 2 ms. */
const STRIDE = 200_000
/** Relative round-off of a difference of equal numbers. */
const ROUNDING = 1e-12

/** With fewer articles of a value other than 0 no test at 5 % can reject: six equal signs have p = 2/2⁶ = .03, five .06. */
export const FEWEST_DIFFERENT = 6

/** The mean of one column of differences, tested together with others. */
export interface JointTest {
  readonly mean: number
  /** Standard error over articles; null with a single article. */
  readonly se: number | null
  /** Two-sided p value of this column alone; null like all below with too few articles. */
  readonly p: number | null
  /** p value corrected for all columns. */
  readonly p_adjusted: number | null
  /** Interval that covers all means at once with a probability of 95 %; it excludes 0 exactly when `p_adjusted` is at most .05. */
  readonly ci95: readonly [number, number] | null
  /** Standard errors from the mean to an end of `ci95`. */
  readonly limit: number | null
  /** Reason for a missing interval; null when there is one. */
  readonly reason: string | null
}

interface Column {
  readonly counts: Float64Array
  readonly residuals: Float64Array
  readonly mean: number
  readonly se: number | null
  readonly reason: string | null
}

function column(values: Float64Array, articles: Int32Array): Column {
  const { counts, sums } = byArticle(values, articles)
  const n = values.length
  const C = counts.length
  const mean = sums.reduce((a, b) => a + b, 0) / n
  const residuals = sums.map((sum, c) => sum - mean * counts[c]!)
  const jackknife = residuals.reduce((q, r, c) => q + (r / (n - counts[c]!)) ** 2, 0)
  const different = sums.filter((sum) => sum !== 0).length
  const few = C < FEWEST_ARTICLES && `${C} articles are too few for an interval (${FEWEST_ARTICLES} at least)`
  const equal = different < FEWEST_DIFFERENT && `only ${different} articles have a difference (${FEWEST_DIFFERENT} at least)`
  return { counts, residuals, mean, se: C === 1 ? null : Math.sqrt(((C - 1) / C) * jackknife), reason: few || equal || null }
}

/** |t*| of one column in one resample. */
function resampled({ counts, residuals }: Column, drawn: Int32Array): number {
  let [n, r, nn, rn, rr] = [0, 0, 0, 0, 0]
  for (const c of drawn) {
    const [nc, rc] = [counts[c]!, residuals[c]!]
    n += nc
    r += rc
    nn += nc * nc
    rn += rc * nc
    rr += rc * rc
  }
  const C = drawn.length
  const shift = r / n
  const spread = rr - 2 * shift * rn + shift * shift * nn
  const se = spread > ROUNDING * rr ? Math.sqrt((C / (C - 1)) * spread) / n : 0
  return shift === 0 ? 0 : Math.abs(shift) / se
}

/** |t*| of all columns, and their maximum, in resamples of whole articles that all columns share. */
async function resample(columns: readonly Column[], resamples: number, seed: number) {
  const C = columns[0]!.counts.length
  const draw = randomIndex(seed)
  const drawn = new Int32Array(C)
  const each = columns.map(() => new Float64Array(resamples))
  const most = new Float64Array(resamples)
  const stride = Math.max(1, Math.floor(STRIDE / (C * columns.length)))
  for (let b = 0; b < resamples; b++) {
    if (b % stride === stride - 1) await setImmediate()
    for (let i = 0; i < C; i++) drawn[i] = draw(C)
    for (const [j, one] of columns.entries()) {
      const t = resampled(one, drawn)
      each[j]![b] = t
      if (t > most[b]!) most[b] = t
    }
  }
  return { each, most: most.sort() }
}

const shareFrom = (values: Float64Array, limit: number): number =>
  (1 + values.reduce((far, value) => far + Number(value >= limit), 0)) / (1 + values.length)

/**
 * Tests the means of several columns of differences over the same windows, and corrects for their number.
 *
 * Each resample draws as many articles as there are, once for all columns, and gives |t*| of each; their maximum corrects p values and
 * intervals, and takes the correlation of the columns into account.
 * Columns with differences in fewer than FEWEST_DIFFERENT articles are left out of the correction and get no p value.
 * Errors: DATA_TOO_FEW without values.
 * Source: Westfall & Young 1993 (single-step max-T); the studentised bootstrap of meanByArticle, here symmetric (Hall 1992 §3.5).
 */
export async function jointTests(
  differences: readonly Float64Array[],
  articles: Int32Array,
  { seed = 0, resamples = RESAMPLES }: { seed?: number; resamples?: number } = {},
): Promise<JointTest[]> {
  if (articles.length === 0) throw new LvmError('DATA_TOO_FEW', 'statistics: expected at least one window but received none')
  const columns = differences.map((values) => column(values, articles))
  const tested = columns.filter(({ reason }) => reason === null)
  const { each, most } = tested.length === 0 ? { each: [], most: Float64Array.of() } : await resample(tested, resamples, seed)
  // The order statistic for which |t| > limit means p ≤ .05.
  const limit = most[most.length - Math.floor(LEVEL * (1 + most.length))] ?? Number.POSITIVE_INFINITY
  return columns.map((one) => {
    const { mean, se, reason } = one
    const none = { mean, se, p: null, p_adjusted: null, ci95: null, limit: null }
    if (reason !== null || se === null) return { ...none, reason }
    if (!Number.isFinite(limit)) return { ...none, reason: 'too few articles have another value than the rest for an interval' }
    const t = Math.abs(mean) / se
    const [p, p_adjusted] = [shareFrom(each[tested.indexOf(one)]!, t), shareFrom(most, t)]
    return { mean, se, p, p_adjusted, ci95: [mean - limit * se, mean + limit * se] as const, limit, reason }
  })
}
