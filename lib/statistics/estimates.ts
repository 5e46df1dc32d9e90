import { setImmediate } from 'node:timers/promises'
import { LvmError } from '../errors.js'
import { stage } from '../stages.js'
import { resampled } from './resamples.js'

/** With fewer articles no interval is given, because its coverage would fall below 95 %. */
export const FEWEST_ARTICLES = 20
const RESAMPLES = 10_000
/** Article draws between two ticks of the event loop, about 2 ms. */
const STRIDE = 200_000
/** Relative round-off of a difference of equal numbers. */
const ROUNDING = 1e-12

/** A mean over windows, with its standard error and interval over articles. */
export interface Estimate {
  readonly mean: number
  readonly n: number
  readonly articles: number
  /** Standard error over articles; null with a single article. */
  readonly se: number | null
  readonly ci95: readonly [number, number] | null
  /** Reason for the missing interval; null when there is one. */
  readonly reason: string | null
}

/**
 * The `p`-quantile of sorted values, with linear interpolation between neighbours.
 *
 * Source: Hyndman & Fan 1996, definition 7 (numpy's default).
 */
export function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  const above = sorted[Math.ceil(at)]!
  return below === above ? below : below + (above - below) * (at - Math.floor(at))
}

/** Mean, population standard deviation, median and first decile. Errors: DATA_TOO_FEW without values. */
export function describe(values: Float64Array): { mean: number; sd: number; median: number; p10: number } {
  if (values.length === 0) throw new LvmError('DATA_TOO_FEW', 'statistics: expected at least one window but received none')
  const sorted = values.toSorted()
  const mean = sorted.reduce((sum, v) => sum + v, 0) / sorted.length
  const variance = sorted.reduce((sum, v) => sum + (v - mean) ** 2, 0) / sorted.length
  return { mean, sd: Math.sqrt(variance), median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1) }
}

/** Number of windows and sum of values of each article, in the order of the article ids. */
export function byArticle(values: Float64Array, articles: Int32Array): { counts: Float64Array; sums: Float64Array } {
  const ids = new Map([...new Set(articles)].sort((a, b) => a - b).map((id, i) => [id, i]))
  const counts = new Float64Array(ids.size)
  const sums = new Float64Array(ids.size)
  for (let i = 0; i < values.length; i++) {
    const c = ids.get(articles[i]!)!
    counts[c]! += 1
    sums[c]! += values[i]!
  }
  return { counts, sums }
}

/**
 * Mean over windows with a 95 % interval from a bootstrap over articles.
 *
 * Each resample draws as many articles as there are, with replacement, and gives t* = (mean* − mean) / se*; the interval is
 * [mean − t*(.975) se, mean − t*(.025) se]. se is the jackknife over articles, which gives long articles their full leverage; se* is the
 * linearised ratio error √(C/(C−1) Σ(sum_c − mean n_c)²) / Σ n_c.
 * With real article lengths the coverage is 94.5 % at 28 articles and 94.7 % at 60 (test/long/evaluate-real); with the linearised
 * error in both places it is one percentage point lower.
 * Errors: DATA_TOO_FEW without values; DIVERGED when a value is not finite.
 * Source: Field & Welsh 2007 (resampling clusters); Davison & Hinkley 1997 §5.2.1 (studentised) and §2.7.3 (jackknife error).
 */
export const meanByArticle = (
  values: Float64Array,
  articles: Int32Array,
  options: { seed?: number; resamples?: number } = {},
): Promise<Estimate> => stage('intervals', () => estimated(values, articles, options))

async function estimated(
  values: Float64Array,
  articles: Int32Array,
  { seed = 0, resamples = RESAMPLES }: { seed?: number; resamples?: number } = {},
): Promise<Estimate> {
  if (values.length === 0) throw new LvmError('DATA_TOO_FEW', 'statistics: expected at least one window but received none')
  const bad = values.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw new LvmError('DIVERGED', `statistics: expected finite scores but window ${bad} has ${values[bad]}`)
  const { counts, sums } = byArticle(values, articles)
  const C = counts.length
  const n = values.length
  const mean = sums.reduce((a, b) => a + b, 0) / n
  if (C === 1) return { mean, n, articles: C, se: null, ci95: null, reason: 'one article only: no interval' }

  const residuals = sums.map((sum, c) => sum - mean * counts[c]!)
  const jackknife = residuals.reduce((q, r, c) => q + (r / (n - counts[c]!)) ** 2, 0)
  const se = Math.sqrt(((C - 1) / C) * jackknife)
  if (C < FEWEST_ARTICLES) {
    return {
      mean,
      n,
      articles: C,
      se,
      ci95: null,
      reason: `${C} articles are too few for an interval (${FEWEST_ARTICLES} at least)`,
    }
  }
  const t = await studentised(counts, residuals, resamples, resampled(seed, C, resamples))
  const ends = [mean - quantile(t, 0.975) * se, mean - quantile(t, 0.025) * se] as const
  // When nearly all articles share one value, a resample without the others has a standard error of 0.
  if (!ends.every(Number.isFinite))
    return { mean, n, articles: C, se, ci95: null, reason: 'too few articles have another value than the rest for an interval' }
  return { mean, n, articles: C, se, ci95: ends, reason: null }
}

/** t* of all resamples, sorted. */
async function studentised(
  counts: Float64Array,
  residuals: Float64Array,
  resamples: number,
  drawn: (resample: number) => Uint16Array | Int32Array,
) {
  const C = counts.length
  const t = new Float64Array(resamples)
  const stride = Math.max(1, Math.floor(STRIDE / C))
  const squares = counts.map((nc) => nc * nc)
  const crossed = residuals.map((rc, c) => rc * counts[c]!)
  const spreads = residuals.map((rc) => rc * rc)
  for (let b = 0; b < resamples; b++) {
    if (b % stride === stride - 1) await setImmediate()
    const articles = drawn(b)
    let [n, r, nn, rn, rr] = [0, 0, 0, 0, 0]
    for (let i = 0; i < C; i++) {
      const c = articles[i]!
      n += counts[c]!
      r += residuals[c]!
      nn += squares[c]!
      rn += crossed[c]!
      rr += spreads[c]!
    }
    const shift = r / n // mean* − mean
    const spread = rr - 2 * shift * rn + shift * shift * nn // Σ (r_c − shift n_c)²
    const se = spread > ROUNDING * rr ? Math.sqrt((C / (C - 1)) * spread) / n : 0
    t[b] = shift === 0 ? 0 : shift / se
  }
  return t.sort()
}

/** Mean of a − b over the same windows, with its interval. */
export async function pairedDifference(
  a: Float64Array,
  b: Float64Array,
  articles: Int32Array,
  options: { seed?: number; resamples?: number } = {},
): Promise<Estimate> {
  return meanByArticle(
    a.map((value, i) => value - b[i]!),
    articles,
    options,
  )
}

/**
 * Difference of two means over different windows that share no article.
 *
 * Source: Zou & Donner 2008 (MOVER: the half-widths of both intervals are added like standard deviations).
 */
export function difference(a: Estimate, b: Estimate): { mean: number; ci95: Estimate['ci95'] } {
  const mean = a.mean - b.mean
  if (a.ci95 === null || b.ci95 === null) return { mean, ci95: null }
  const below = Math.hypot(a.mean - a.ci95[0], b.ci95[1] - b.mean)
  const above = Math.hypot(a.ci95[1] - a.mean, b.mean - b.ci95[0])
  return { mean, ci95: [mean - below, mean + above] }
}
