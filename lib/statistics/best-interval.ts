import { setImmediate } from 'node:timers/promises'
import { byArticle, type Estimate, meanByArticle, quantile } from './estimates.js'
import { resampled } from './resamples.js'

const RESAMPLES = 10_000
/** Article draws between two ticks of the event loop, about 2 ms. */
const STRIDE = 200_000

/** t* of one predictor in one resample: the resampled mean minus the mean over all articles, divided by the resample's standard error. */
function studentisedDeviation(counts: Float64Array, residuals: Float64Array, drawn: Uint16Array | Int32Array): number {
  const C = drawn.length
  let [n, r, nn, rn, rr] = [0, 0, 0, 0, 0]
  for (const c of drawn) {
    const [nc, rc] = [counts[c]!, residuals[c]!]
    n += nc
    r += rc
    nn += nc * nc
    rn += rc * nc
    rr += rc * rc
  }
  const shift = r / n
  const spread = rr - 2 * shift * rn + shift * shift * nn
  const se = spread > 1e-12 * rr ? Math.sqrt((C / (C - 1)) * spread) / n : 0
  return shift === 0 ? 0 : shift / se
}

/**
 * Mean of the best of several predictors on the same windows, with an interval that accounts for the selection of the best.
 *
 * Each resample draws articles, selects its own best predictor and computes t* of that predictor against its mean over all articles.
 * Selection makes the mean of the best predictor too high, so the interval moves down by the same amount.
 * Errors: those of meanByArticle.
 * Source: the studentised bootstrap of meanByArticle; Efron 2014, Estimation and accuracy after model selection (resampling the choice).
 */
export async function bestByArticle(
  columns: readonly Float64Array[],
  articles: Int32Array,
  { seed = 0, resamples = RESAMPLES }: { seed?: number; resamples?: number } = {},
): Promise<{ readonly best: number; readonly estimate: Estimate }> {
  const sorted = columns.map((values) => byArticle(values, articles))
  const [{ counts }] = sorted as [(typeof sorted)[0]]
  const n = articles.length
  const means = sorted.map(({ sums }) => sums.reduce((a, b) => a + b, 0) / n)
  const best = means.reduce((top, mean, k) => (mean > means[top]! ? k : top), 0)
  const plain = await meanByArticle(columns[best]!, articles, { seed, resamples })
  if (plain.ci95 === null) return { best, estimate: plain }
  const residuals = sorted.map(({ sums }, k) => sums.map((sum, c) => sum - means[k]! * counts[c]!))
  const C = counts.length
  const articlesOf = resampled(seed, C, resamples)
  const t = new Float64Array(resamples)
  const stride = Math.max(1, Math.floor(STRIDE / (C * columns.length)))
  for (let b = 0; b < resamples; b++) {
    if (b % stride === stride - 1) await setImmediate()
    const drawn = articlesOf(b)
    let windows = 0
    for (const c of drawn) windows += counts[c]!
    let [top, highest] = [0, -Infinity]
    for (const [k, rest] of residuals.entries()) {
      let sum = 0
      for (let i = 0; i < C; i++) sum += rest[drawn[i]!]!
      const mean = means[k]! + sum / windows
      if (mean > highest) [top, highest] = [k, mean]
    }
    t[b] = studentisedDeviation(counts, residuals[top]!, drawn)
  }
  t.sort()
  const ends = [plain.mean - quantile(t, 0.975) * plain.se!, plain.mean - quantile(t, 0.025) * plain.se!] as const
  return { best, estimate: { ...plain, ci95: ends.every(Number.isFinite) ? ends : null } }
}
