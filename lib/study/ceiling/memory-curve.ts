import { type Rows, sparse } from '../../baselines/baselines-rows.js'
import { cosinesOf, exponentialProducts, fitDecay, fitMixture, MEANS, type Mixture } from '../../baselines/memories.js'
import { LONGEST, type WindowProducts, windowProducts } from '../../baselines/window-products.js'
import { shortestOf } from '../../data/windows.js'
import type { Interval } from '../../evaluate/metrics.js'
import { decimal, signedDecimal, span } from '../../show.js'
import { stage } from '../../stages.js'
import { meanByArticle, pairedDifference } from '../../statistics/estimates.js'

/** Formulas of up to so many vectors before each target; the cosines are means over the same targets at every point. */
export interface MemoryPoint {
  /** Most vectors of a context; null for all vectors before the target in its article. */
  readonly history: number | null
  /** Evaluated targets with at least so many vectors before them; null for all vectors. */
  readonly reached: number | null
  readonly exponential_mean: { readonly cosine: number; readonly decay: number }
  readonly exponential_mixture: { readonly cosine: number; readonly ci95: Interval } & Mixture
}
/** How much of a target more vectors before it explain, by formulas without a network. */
export interface MemoryCurve {
  readonly min_history: number
  readonly longest: number
  readonly train: { readonly windows: number; readonly fitted_on: number }
  readonly val: { readonly windows: number; readonly articles: number }
  readonly points: readonly MemoryPoint[]
  /** Cosine of the mixture with all vectors minus that with `context` vectors. */
  readonly gain: {
    readonly context: number
    readonly difference: number
    readonly ci95: Interval
    readonly reason: string | null
  }
  /** Fewest vectors with nine tenths of the gain; null where the gain is not significant. */
  readonly enough: number | null
  readonly verdict: string
}

/** Numbers of vectors: each about twice the one before. */
function* lengths(): Generator<number> {
  yield* [1, 2, 3, 5, 8, 12, 20, 50]
  for (let ten = 100; ; ten *= 10) yield* [ten, 2 * ten, 5 * ten]
}
function historiesOf(longest: number, context: number): number[] {
  const histories = new Set(context < longest ? [context] : [])
  for (const length of lengths()) {
    if (length >= longest) break
    histories.add(length)
  }
  return [...histories].toSorted((a, b) => a - b)
}

/** The same windows with contexts of at most `most` vectors. */
function shortened(rows: Rows, most: number): Rows {
  const { first, context, length } = rows.windows
  const own = (id: number) => length?.[id] ?? context
  return {
    ...rows,
    windows: {
      ...rows.windows,
      context: Math.min(context, most),
      first: first.map((row, id) => row + Math.max(0, own(id) - most)),
      length: first.map((_, id) => Math.min(own(id), most)),
    },
  }
}

/** Windows, with the products of their last vectors, which contexts of any smaller number share. */
interface Part {
  readonly rows: Rows
  readonly short: WindowProducts
}
async function partOf(rows: Rows): Promise<Part & Disposable> {
  const short = (await windowProducts(shortened(rows, LONGEST)))!
  return { rows, short, [Symbol.dispose]: () => short[Symbol.dispose]() }
}

/** Fits both formulas of the last `most` vectors on training windows and returns their parameters with one cosine for each evaluated window. */
async function formulas(train: Part, val: Part, most: number) {
  const rows = shortened(train.rows, most)
  const short: WindowProducts | undefined =
    most > LONGEST ? undefined : { of: (decays) => train.short.of(decays, most), [Symbol.dispose]: () => {} }
  const decay = await stage('decay', () => fitDecay(rows, short))
  const { decays, weights } = await stage('mixture', () => fitMixture(rows, Math.min(MEANS, most), short))
  const all = [decay, ...decays]
  const products = await stage('products', () =>
    short ? val.short.of(all, most) : exponentialProducts(shortened(val.rows, most), all),
  )
  return {
    mean: { decay, cosines: cosinesOf(products, [0], [1]) },
    mixture: {
      decays,
      weights,
      cosines: cosinesOf(
        products,
        decays.map((_, i) => i + 1),
        weights,
      ),
    },
  }
}
type Formulas = Awaited<ReturnType<typeof formulas>>

const averageOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length
const vectors = (history: number | null) =>
  history === null ? 'the whole article' : `${history} ${history === 1 ? 'vector' : 'vectors'}`

function verdictOf({ gain, enough, points }: Pick<MemoryCurve, 'gain' | 'enough' | 'points'>): string {
  const { context, difference, ci95, reason } = gain
  const at = (history: number | null) => points.find((point) => point.history === history)!.exponential_mixture.cosine
  if (points.every(({ history }) => history !== context))
    return `no target has more than ${vectors(context)} before it in its article, so these texts cannot show what a longer memory is worth`
  const figures = `the mixture of exponential means reaches ${decimal(at(null))} with the whole article and ${decimal(at(context))} with ${vectors(context)}`
  if (ci95 === null)
    return `a longer memory changes the cosine by ${signedDecimal(difference)} here, without an interval (${reason}): ${figures}`
  const measured = `${signedDecimal(difference)} in cosine (95 %: ${span(ci95, signedDecimal)})`
  if (ci95[0] > 0)
    return `a longer memory is worth ${measured}: ${figures}; ${vectors(enough)} ${enough === 1 || enough === null ? 'has' : 'have'} nine tenths of that`
  return ci95[1] < 0
    ? `a longer memory costs these formulas ${measured}: ${figures}`
    : `no evidence that a longer memory helps these formulas, ${measured}: ${figures}`
}

/** Fewest vectors whose mean cosine keeps nine tenths of a gain. */
function enoughOf(points: readonly MemoryPoint[], context: number): number | null {
  const at = (history: number | null) => points.find((point) => point.history === history)!.exponential_mixture.cosine
  const needed = at(context) + 0.9 * (at(null) - at(context))
  return points.find(
    ({ history, exponential_mixture: { cosine } }) => history === null || (history >= context && cosine >= needed),
  )!.history
}

/**
 * Measures exponential means and mixtures of them on contexts of more and more vectors, always on the same targets.
 *
 * `train` and `val` have all vectors before each target in its article.
 */
export async function memoryCurve(
  { train, val }: { readonly train: Rows; readonly val: Rows },
  { context, seed, say }: { context: number; seed: number; say: (doing: string) => void },
): Promise<MemoryCurve> {
  const { windows } = train
  const articles = val.ids.map((id) => windows.article[id]!)
  const before = val.ids.map((id) => windows.length?.[id] ?? windows.context)
  using fitted = await stage('products', () => partOf(sparse(train)))
  using judged = await stage('products', () => partOf(val))
  const found = new Map<number | null, Formulas>()
  for (const history of [...historiesOf(windows.context, context), null]) {
    say(`exponential means of ${vectors(history)}`)
    found.set(history, await formulas(fitted, judged, history ?? windows.context))
  }
  const points: MemoryPoint[] = []
  for (const [history, { mean, mixture }] of found) {
    const { cosines, decays, weights } = mixture
    points.push({
      history,
      reached: history && before.reduce((sum, own) => sum + Number(own >= history), 0),
      exponential_mean: { cosine: averageOf(mean.cosines), decay: mean.decay },
      exponential_mixture: {
        cosine: averageOf(cosines),
        ci95: (await meanByArticle(cosines, articles, { seed })).ci95,
        decays,
        weights,
      },
    })
  }
  const whole = found.get(null)!.mixture.cosines
  const {
    mean: difference,
    ci95,
    reason,
  } = await pairedDifference(whole, (found.get(context) ?? found.get(null)!).mixture.cosines, articles, { seed })
  const gain = { context, difference, ci95, reason }
  const enough = ci95 !== null && ci95[0] > 0 ? enoughOf(points, context) : null
  return {
    min_history: shortestOf(windows),
    longest: windows.context,
    train: { windows: train.ids.length, fitted_on: fitted.rows.ids.length },
    val: { windows: val.ids.length, articles: new Set(articles).size },
    points,
    gain,
    enough,
    verdict: verdictOf({ gain, enough, points }),
  }
}
