import { setImmediate } from 'node:timers/promises'
import { byArticle, type Estimate, FEWEST_ARTICLES, pairedDifference, quantile } from './estimates.js'
import { randomIndex } from './random-index.js'

const RESAMPLES = 10_000
/** Article draws between two ticks of the event loop, about 2 ms. */
const STRIDE = 200_000

/** Figures of one side by training and article. */
interface Side {
  /** Sum over the windows of an article: sums[training][article]. */
  readonly sums: readonly Float64Array[]
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

/** Variance of the mean over trainings; 0 for a single one, whose spread is unknown. */
function seedVariance(means: readonly number[]): number {
  if (means.length === 1) return 0
  const centre = mean(means)
  return means.reduce((sum, m) => sum + (m - centre) ** 2, 0) / (means.length * (means.length - 1))
}

/** One estimate from articles (with repetition) and trainings (with repetition). */
function estimate({
  sides,
  counts,
  chosen,
  drawn,
}: {
  sides: readonly [Side, Side]
  counts: Float64Array
  chosen: Int32Array
  drawn: readonly (readonly number[])[]
}): { mean: number; se: number } {
  const C = chosen.length
  let n = 0
  for (const c of chosen) n += counts[c]!
  const means = sides.map(({ sums }) =>
    sums.map((of) => {
      let sum = 0
      for (const c of chosen) sum += of[c]!
      return sum / n
    }),
  )
  const [a, b] = drawn.map((ids, side) => ids.map((s) => means[side]![s]!)) as [number[], number[]]
  const difference = mean(a) - mean(b)
  const weights = drawn.map((ids, side) => sides[side]!.sums.map((_, s) => ids.filter((id) => id === s).length / ids.length))
  let squares = 0
  for (const c of chosen) {
    let sum = -difference * counts[c]!
    for (const [s, weight] of weights[0]!.entries()) sum += weight * sides[0].sums[s]![c]!
    for (const [s, weight] of weights[1]!.entries()) sum -= weight * sides[1].sums[s]![c]!
    squares += sum * sum
  }
  const articles = ((C / (C - 1)) * squares) / n ** 2
  return { mean: difference, se: Math.sqrt(articles + seedVariance(a) + seedVariance(b)) }
}

/**
 * Mean of a − b over the same windows, where each side may have several trainings: an interval over articles and trainings.
 *
 * Each resample draws articles, and on both sides trainings, with replacement; se² is the variance over articles (the linearised
 * ratio error) plus, on each side with several trainings, that of their mean. With one training on both sides it is `pairedDifference`.
 * Shapes: a, b [trainings][windows].
 * Errors: those of pairedDifference.
 * Source: Owen 2007 (the pigeonhole bootstrap: rows and columns resampled independently), studentised as in `meanByArticle`.
 */
export async function crossedDifference(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
  articles: Int32Array,
  { seed = 0, resamples = RESAMPLES }: { seed?: number; resamples?: number } = {},
): Promise<Estimate> {
  const average = (side: readonly Float64Array[]) => side[0]!.map((_, i) => mean(side.map((values) => values[i]!)))
  const plain = await pairedDifference(average(a), average(b), articles, { seed, resamples })
  if ((a.length === 1 && b.length === 1) || plain.se === null) return plain
  const { counts } = byArticle(a[0]!, articles)
  const sideOf = (side: readonly Float64Array[]): Side => ({ sums: side.map((values) => byArticle(values, articles).sums) })
  const sides = [sideOf(a), sideOf(b)] as const
  const totals = sides.map(({ sums }) => sums.map((of) => of.reduce((x, y) => x + y, 0) / articles.length))
  const se = Math.sqrt(plain.se ** 2 + seedVariance(totals[0]!) + seedVariance(totals[1]!))
  if (counts.length < FEWEST_ARTICLES) return { ...plain, se }
  const draw = randomIndex(seed)
  const t = new Float64Array(resamples)
  const stride = Math.max(1, Math.floor(STRIDE / (counts.length * (a.length + b.length))))
  const chosen = new Int32Array(counts.length)
  for (let i = 0; i < resamples; i++) {
    if (i % stride === stride - 1) await setImmediate()
    for (let c = 0; c < chosen.length; c++) chosen[c] = draw(chosen.length)
    const drawn = sides.map(({ sums }) => sums.map(() => draw(sums.length)))
    const again = estimate({ sides, counts, chosen, drawn })
    t[i] = again.mean === plain.mean ? 0 : (again.mean - plain.mean) / again.se
  }
  t.sort()
  const ends = [plain.mean - quantile(t, 0.975) * se, plain.mean - quantile(t, 0.025) * se] as const
  if (!ends.every(Number.isFinite)) return { ...plain, se, ci95: null, reason: 'too few articles differ for an interval' }
  return { ...plain, se, ci95: ends, reason: null }
}
