import type { BaselineFigures } from '../../baselines/baselines.js'
import { score } from '../../baselines/baselines.js'
import { type Baseline, contextMean, copyLast, exponentialMean, meanVector } from '../../baselines/baselines-fit.js'
import { meanTarget, type Rows, targets } from '../../baselines/baselines-rows.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { applyRidge, disposeMap, fitRidges, innerSplit, type Ridge } from '../../baselines/ridge.js'
import { decayWeights } from '../../baselines/window-products.js'
import { CONTROL, type Control, controlDoor } from '../../control.js'
import { type Data, mainData, type WithData } from '../../data/given-data.js'
import { callback, only, optional, withFields } from '../../door.js'
import type { Interval } from '../../evaluate/metrics.js'
import { judgeTiers, type TierName } from '../../evaluate/tiers.js'
import { watchCpuShare } from '../../libtorch/cpu-share.js'
import { type Given, resolve } from '../../options.js'
import { stage } from '../../stages.js'
import { bestByArticle } from '../../statistics/best-interval.js'
import { meanByArticle } from '../../statistics/estimates.js'
import { randomIndex } from '../../statistics/random-index.js'
import { Tensor } from '../../torch/tensor.js'
import { ceilingFields } from './ceiling-fields.js'
import { articlesOf, type Parts, partsOf, withScorer, writeDocument } from './ceiling-rows.js'
import { combine, fitLags } from './combine.js'
import { type UpperBound, upperBound } from './known-optimum.js'
import { type MemoryCurve, memoryCurve } from './memory-curve.js'
import { fitNeighbours } from './neighbours.js'
import { fitUntilBest, type NetworkEnd } from './until-best.js'

export const CEILING = 'ceiling.json'
/** Maximum number of held-out windows on which k and the weights of the combination are chosen. */
const HELD = 2048
/** Networks to fit, in the order of the table. */
const NETWORKS = [{ name: 'mlp' }, { name: 'mlp_dropout', dropout: 0.3 }] as const
/** Width of the networks, and that for vectors of more than 256 numbers: there the rule to learn is limited by the windows. */
const [WIDTH, WIDTH_OF_LONG] = [512, 256]

/** Figures of one predictor on held-out articles. */
export interface Reach extends BaselineFigures {
  readonly name: string
  readonly ci95: Interval
}
/** `not shown`: no predictor here reached the tier, and no upper bound excludes it. */
export type Reachable = 'reached' | 'not shown' | 'excluded'
/** ceiling.json */
export interface Ceiling {
  readonly version: 2
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly context: number
  readonly dim: number
  readonly seed: number
  readonly train: { readonly windows: number; readonly fitted_on: number; readonly articles: number }
  readonly val: { readonly windows: number; readonly articles: number }
  readonly ci95_note: string | null
  /** Predictors in the order of the table, the simplest first. */
  readonly predictors: readonly Reach[]
  /** End of each network's training. */
  readonly networks: readonly NetworkEnd[]
  /** Lower bound of the reachable cosine. */
  readonly best: {
    readonly name: string
    readonly cosine: number
    /** Interval in which each bootstrap resample chooses its own best predictor. */
    readonly ci95: Interval
    /** Lowest errors of any predictor. */
    readonly mse_raw: number
    readonly mse_unit: number
  }
  /** Null when no upper bound can be proved. */
  readonly upper_bound: UpperBound | null
  /** For each tier of the specification: whether one predictor meets its loss and cosine, or the upper bound excludes it. */
  readonly tiers: Readonly<Record<TierName, Reachable>>
  /** Cosine of formulas by the number of vectors before the target. */
  readonly memory: MemoryCurve
  readonly seconds: number
  /** Share of the processor time that this process was ready to use and got; null if unknown. */
  readonly cpu_share: number | null
}
/** Options of `ceiling`: any field of `ceilingFields`. */
export interface CeilingOptions extends WithData<Given<typeof ceilingFields>> {
  readonly data: Data
}

/** Predicts a random training target: a baseline that knows only the distribution of the vectors. */
function random(train: Rows, seed: number): Baseline<'random'> {
  const draw = randomIndex(seed)
  return {
    name: 'random',
    params: {},
    predict: (_, ids) =>
      targets(
        train,
        ids.map(() => train.ids[draw(train.ids.length)]!),
      ),
    dispose: () => {},
  }
}

const ridge = <Name extends string>(name: Name, fit: Ridge): Baseline<Name> => ({
  name,
  params: { lambda: fit.lambda, positions: fit.positions },
  predict: (rows, ids) => applyRidge(fit, rows, ids),
  dispose: () => disposeMap(fit),
})

/** Fits all predictors on the training articles; the parts of the combination are fitted on the inner articles only. */
async function fitAll(train: Rows, { seed, seconds }: { seed: number; seconds: number }, say: (doing: string) => void) {
  const split = innerSplit(train)
  const step = Math.max(1, split.held.ids.length / HELD)
  const ids = Int32Array.from({ length: Math.min(HELD, split.held.ids.length) }, (_, i) => split.held.ids[Math.floor(i * step)]!)
  const held = { ...split.held, ids }
  say('means and lags')
  const decaying = await exponentialMean(train, baselinesCache())
  const weights = decayWeights(train.windows.context, decaying.params.decay!)
  const simple = await stage('means and lags', async () => [
    random(train, seed),
    await meanVector(train),
    copyLast,
    contextMean,
    decaying,
    await fitLags(train),
  ])
  say('ridge, shrunk towards zero and towards the exponential mean')
  const [plain, anchored] = (await stage('ridge', () => fitRidges(train, [undefined, weights], baselinesCache()))) as [Pair, Pair]
  say('nearest neighbours')
  const near = await stage('neighbours', () => fitNeighbours(train, split.inner, held, weights))
  const networks: Awaited<ReturnType<typeof fitUntilBest>>[] = []
  const width = train.windows.dim > 256 ? WIDTH_OF_LONG : WIDTH
  for (const { name, ...shape } of NETWORKS) {
    say(`${name === 'mlp' ? 'a small network' : 'the same with dropout'}, until it stops improving`)
    networks.push(
      await stage(name, () =>
        fitUntilBest(name, split.inner, { seed, width, ...shape, held, seconds: seconds / NETWORKS.length }),
      ),
    )
  }
  const fitted = networks.map((network) => network.fitted)
  const inner = [decaying, ridge('ridge_to_mean', anchored.inner), near.inner, ...fitted]
  const together = await stage('combine', () => combine(inner, held))
  const shown = [
    ...simple,
    ridge('ridge', plain.all),
    ridge('ridge_to_mean', anchored.all),
    near.all,
    ...fitted,
    together,
  ] as readonly Baseline<string>[]
  const owned = new Set<Baseline<string>>([...shown, ...inner])
  disposeMap(plain.inner)
  return {
    shown,
    ends: networks.map(({ end }) => end),
    dispose: () => {
      for (const one of owned) one.dispose()
    },
  }
}
type Pair = { all: Ridge; inner: Ridge }

async function judged(parts: Parts, o: { seed: number; seconds: number }, say: (doing: string) => void) {
  const { shown, ends, dispose } = await fitAll(parts.train, o, say)
  say('evaluating on the held-out articles')
  using mean = await meanTarget(parts.train)
  using centre = Tensor.from((await mean.data()) as Float64Array)
  const reaches: Reach[] = []
  const columns: Float64Array[] = []
  const articles = articlesOf(parts.val)
  try {
    for (const one of shown) {
      const { figures, cosines } = await stage(`score ${one.name}`, () =>
        withScorer(parts.val, (scorer) => score(one, parts.val, scorer, centre)),
      )
      const { ci95 } = await meanByArticle(cosines, articles, { seed: o.seed })
      reaches.push({ name: one.name, ...figures, ci95 })
      columns.push(cosines)
    }
  } finally {
    dispose()
  }
  const { best, estimate } = await stage('interval of the best', () => bestByArticle(columns, articles, { seed: o.seed }))
  return {
    reaches,
    ends,
    top: { name: reaches[best]!.name, cosine: reaches[best]!.cosine, ci95: estimate.ci95 },
    note: estimate.reason,
  }
}

function tiersOf(reaches: readonly Reach[], bound: UpperBound | null): Ceiling['tiers'] {
  const judge = (val_loss: number, val_cosine: number) => judgeTiers({ val_loss, val_cosine, train_seconds: 0, weights_bytes: 0 })
  const seen = reaches.map(({ mse_raw, cosine }) => judge(mse_raw, cosine))
  const most = judge(0, bound?.cosine ?? 1)
  const word = (tier: TierName): Reachable =>
    seen.some((verdicts) => verdicts[tier].pass) ? 'reached' : most[tier].pass ? 'not shown' : 'excluded'
  return { minimum: word('minimum'), target: word('target'), stretch: word('stretch') }
}

type Listener = Control & { say?: (doing: string) => void }
const ARGS = { options: withFields({ data: optional(mainData) }), more: only({ say: optional(callback), ...CONTROL }) }

/**
 * Measures a lower bound of the reachable cosine of a file without training a model, on the held-out articles of the default split.
 *
 * Errors: those of openBase and splitWindows; DATA_TOO_FEW.
 */
export const ceiling = controlDoor(
  'ceiling',
  ARGS,
  async (options: CeilingOptions, listener: Listener = {}): Promise<Ceiling> => {
    const { say = () => {} } = listener
    const [began, share] = [performance.now(), watchCpuShare()]
    const o = resolve('ceiling', ceilingFields, { ...options })
    say(`reading ${o.data}`)
    const parts = await partsOf('ceiling', o)
    try {
      const memory = await stage('memory curve', () => memoryCurve(parts.wholeArticles(o.minHistory), { ...o, say }))
      const { reaches, ends, top, note } = await judged(parts, o, say)
      const lowest = (key: 'mse_raw' | 'mse_unit') => Math.min(...reaches.map((reach) => reach[key]))
      const bound = upperBound(parts, top.ci95)
      const document: Ceiling = {
        version: 2,
        data: { path: parts.path, hash: parts.hash, space: parts.space },
        context: parts.train.windows.context,
        dim: parts.train.windows.dim,
        seed: o.seed,
        train: { windows: parts.available, fitted_on: parts.train.ids.length, articles: new Set(articlesOf(parts.train)).size },
        val: { windows: parts.val.ids.length, articles: new Set(articlesOf(parts.val)).size },
        ci95_note: note,
        predictors: reaches,
        networks: ends,
        best: { ...top, mse_raw: lowest('mse_raw'), mse_unit: lowest('mse_unit') },
        upper_bound: bound,
        tiers: tiersOf(reaches, bound),
        memory,
        seconds: (performance.now() - began) / 1000,
        cpu_share: share(),
      }
      if (o.out !== undefined) await writeDocument(o.out, CEILING, document)
      return document
    } finally {
      parts.dispose()
    }
  },
)
