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
  /** Reason for a missing interval; null when there is one. */
  readonly reason: string | null
}

/** Sums over articles of sum, count², sum · count and sum², where the sign of each article may be flipped. */
interface Column {
  readonly sums: Float64Array
  readonly mean: number
  readonly se: number | null
  readonly reason: string | null
  readonly crossed: number
  readonly squares: number
}
/** Flipped sums of counts and of counts², and for each column of sums and of sum · count. */
interface Flips {
  readonly counts: Float64Array
  readonly squares: Float64Array
  readonly sums: readonly Float64Array[]
  readonly crossed: readonly Float64Array[]
}

function column(sums: Float64Array, counts: Float64Array, n: number): Column {
  const C = counts.length
  const mean = sums.reduce((a, b) => a + b, 0) / n
  const jackknife = sums.reduce((q, sum, c) => q + ((sum - mean * counts[c]!) / (n - counts[c]!)) ** 2, 0)
  const different = sums.filter((sum) => sum !== 0).length
  const few = C < FEWEST_ARTICLES && `${C} articles are too few for an interval (${FEWEST_ARTICLES} at least)`
  const equal = different < FEWEST_DIFFERENT && `only ${different} articles have a difference (${FEWEST_DIFFERENT} at least)`
  return {
    sums,
    mean,
    se: C === 1 ? null : Math.sqrt(((C - 1) / C) * jackknife),
    reason: few || equal || null,
    crossed: sums.reduce((q, sum, c) => q + sum * counts[c]!, 0),
    squares: sums.reduce((q, sum) => q + sum * sum, 0),
  }
}

/** Draws the signs of all articles, the same for all columns. */
async function flip(columns: readonly Column[], counts: Float64Array, resamples: number, seed: number): Promise<Flips> {
  const draw = randomIndex(seed)
  const zeros = () => new Float64Array(resamples)
  const flips = { counts: zeros(), squares: zeros(), sums: columns.map(zeros), crossed: columns.map(zeros) }
  const stride = Math.max(1, Math.floor(STRIDE / (counts.length * (1 + columns.length))))
  for (let b = 0; b < resamples; b++) {
    if (b % stride === stride - 1) await setImmediate()
    for (let c = 0; c < counts.length; c++) {
      const signed = draw(2) === 0 ? counts[c]! : -counts[c]!
      const sign = Math.sign(signed)
      flips.counts[b]! += signed
      flips.squares[b]! += signed * counts[c]!
      for (let j = 0; j < columns.length; j++) {
        const sum = columns[j]!.sums[c]!
        flips.sums[j]![b]! += sign * sum
        flips.crossed[j]![b]! += signed * sum
      }
    }
  }
  return flips
}

/** |t| from Σ r, Σ r·count and Σ r² of the residuals r of articles. */
function absoluteT(r: number, rn: number, rr: number, n: number, nn: number): number {
  const shift = r / n
  const spread = rr - 2 * shift * rn + shift * shift * nn
  if (Math.abs(r) <= ROUNDING * Math.sqrt(rr)) return 0
  return spread > ROUNDING * rr ? (Math.abs(shift) / Math.sqrt(spread)) * n : Infinity
}

/** |t| of one column against the hypothesis that its mean is `mean`: the observed one, and that of each flip. */
function againstMean({ sums, crossed, squares }: Column, j: number, flips: Flips, mean: number, n: number, nn: number) {
  const rr = squares - 2 * mean * crossed + mean * mean * nn
  const total = sums.reduce((a, b) => a + b, 0)
  const seen = absoluteT(total - mean * n, crossed - mean * nn, rr, n, nn)
  const t = flips.sums[j]!.map((sum, b) =>
    absoluteT(sum - mean * flips.counts[b]!, flips.crossed[j]![b]! - mean * flips.squares[b]!, rr, n, nn),
  )
  return { seen, t }
}

/** Share of the flips that are at least as far as the observed value, in this column or in the others. */
function shareFrom({ seen, t }: { seen: number; t: Float64Array }, others?: Float64Array): number {
  const limit = seen * (1 - 1e-9) // values that differ only by round-off count as equal
  let far = 1
  for (let b = 0; b < t.length; b++) far += Number(t[b]! >= limit || (others !== undefined && others[b]! >= limit))
  return far / (1 + t.length)
}

/** The mean furthest from `mean` in one direction that is not rejected; null when none is. */
function lastAccepted(mean: number, step: number, p: (mean: number) => number): number | null {
  let [inside, outside] = [mean, mean + step]
  for (let i = 0; p(outside) > LEVEL; i++) {
    if (i === 30) return null
    inside = outside
    outside = mean + step * 2 ** (i + 1)
  }
  for (let i = 0; i < 40; i++) {
    const middle = (inside + outside) / 2
    if (p(middle) > LEVEL) inside = middle
    else outside = middle
  }
  return inside
}

/**
 * Tests the means of several columns of differences over the same windows, and corrects for their number.
 *
 * Each resample flips the signs of whole articles, the same for all columns, and gives |t| of each; their maximum corrects p values and
 * intervals, and takes the correlation of the columns into account. An interval holds the means that the test does not reject.
 * When two columns are exchangeable in each article, as those of equal arms are, the test of a single pair is exact for any number of articles.
 * Columns with differences in fewer than FEWEST_DIFFERENT articles are left out of the correction and get no p value.
 * Errors: DATA_TOO_FEW without values.
 * Source: Cameron, Gelbach & Miller 2008 (wild cluster bootstrap of t with the null imposed); Westfall & Young 1993 (single-step max-T).
 */
export async function jointTests(
  differences: readonly Float64Array[],
  articles: Int32Array,
  { seed = 0, resamples = RESAMPLES }: { seed?: number; resamples?: number } = {},
): Promise<JointTest[]> {
  const n = articles.length
  if (n === 0) throw new LvmError('DATA_TOO_FEW', 'statistics: expected at least one window but received none')
  const grouped = differences.map((values) => byArticle(values, articles))
  const counts = grouped[0]?.counts ?? Float64Array.of()
  const nn = counts.reduce((q, count) => q + count * count, 0)
  const columns = grouped.map(({ sums }) => column(sums, counts, n))
  const tested = columns.filter(({ reason }) => reason === null)
  const flips = await flip(tested, counts, tested.length === 0 ? 0 : resamples, seed)
  const at = (j: number, mean: number) => againstMean(tested[j]!, j, flips, mean, n, nn)
  const none = tested.map((_, j) => at(j, 0))
  return columns.map((one) => {
    const { mean, se, reason } = one
    const empty = { mean, se, p: null, p_adjusted: null, ci95: null }
    if (reason !== null || se === null) return { ...empty, reason }
    const j = tested.indexOf(one)
    const others = none.flatMap(({ t }, k) => (k === j ? [] : [t]))
    const most = Float64Array.from({ length: resamples }, (_, b) => others.reduce((max, t) => Math.max(max, t[b]!), 0))
    const p = (tried: number) => shareFrom(at(j, tried), most)
    const [low, high] = [lastAccepted(mean, -2 * se, p), lastAccepted(mean, 2 * se, p)]
    if (low === null || high === null)
      return { ...empty, reason: 'too few articles have another value than the rest for an interval' }
    return { mean, se, p: shareFrom(none[j]!), p_adjusted: p(0), ci95: [low, high] as const, reason }
  })
}
