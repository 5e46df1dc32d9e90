import { asyncDoor, callback, only, optional, withFields, word } from '../../door.js'
import { resolve } from '../../options.js'
import { Tensor } from '../../torch/tensor.js'
import { type BaselineFigures, score } from '../baselines.js'
import { type Baseline, contextMean, copyLast, decayWeights, exponentialMean, meanVector } from '../baselines-fit.js'
import { meanTarget, type Rows, targets } from '../baselines-rows.js'
import type { Interval } from '../metrics.js'
import { applyRidge, disposeMap, fitRidges, innerSplit, type Ridge } from '../ridge.js'
import { meanByArticle } from '../statistics.js'
import { randomIndex } from '../statistics-random.js'
import { judgeTiers, type TierName } from '../tiers.js'
import { combine, fitLags } from './combine.js'
import { ceilingFields } from './fields.js'
import { fitNeighbours } from './neighbours.js'
import { fitNetwork } from './network.js'
import { articlesOf, type Parts, partsOf, withScorer, writeDocument } from './rows.js'

export const CEILING = 'ceiling.json'
/** Held windows that k and the weights of the combination are chosen on. */
const HELD = 2048
const [EPOCHS, WIDTH] = [2, 512]
/** How far above the best predictor a trained model may still come. */
const MARGIN = 0.02

/** What one way to predict reaches on held-out articles. */
export interface Reach extends BaselineFigures {
  readonly name: string
  readonly ci95: Interval
}
/** ceiling.json */
export interface Ceiling {
  readonly version: 1
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly context: number
  readonly dim: number
  readonly seed: number
  readonly train: { readonly windows: number; readonly fitted_on: number; readonly articles: number }
  readonly val: { readonly windows: number; readonly articles: number }
  readonly ci95_note: string | null
  /** In the order of the table, the weakest ideas first. */
  readonly predictors: readonly Reach[]
  readonly best: {
    readonly name: string
    readonly cosine: number
    readonly ci95: Interval
    /** Lowest errors that any predictor reached. */
    readonly mse_raw: number
    readonly mse_unit: number
  }
  readonly margin: number
  /** Of each tier of the PRD, whether loss and cosine can be met: yes, no, or near enough to be open. */
  readonly tiers: Readonly<Record<TierName, 'yes' | 'open' | 'no'>>
  readonly seconds: number
}
/** Options of `ceiling`: any field of `ceilingFields`. */
export interface CeilingOptions {
  readonly data: string
  readonly [option: string]: string | number | boolean | undefined
}

/** A training target drawn at random: what knowing nothing but the space gives. */
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

/** Every way to predict, fitted on training articles; what the combination is made of saw only the inner ones. */
async function fitAll(train: Rows, seed: number, say: (doing: string) => void) {
  const split = innerSplit(train)
  const step = Math.max(1, split.held.ids.length / HELD)
  const ids = Int32Array.from({ length: Math.min(HELD, split.held.ids.length) }, (_, i) => split.held.ids[Math.floor(i * step)]!)
  const held = { ...split.held, ids }
  say('means and lags')
  const decaying = await exponentialMean(train)
  const weights = decayWeights(train.windows.context, decaying.params.decay!)
  const simple = [random(train, seed), await meanVector(train), copyLast, contextMean, decaying, await fitLags(train)]
  say('ridge, towards nothing and towards the exponential mean')
  const [plain, anchored] = (await fitRidges(train, [undefined, weights])) as [Pair, Pair]
  say('nearest neighbours')
  const near = await fitNeighbours(train, split.inner, held, weights)
  say('a small network')
  const network = await fitNetwork(split.inner, { seed, epochs: EPOCHS, width: WIDTH })
  const inner = [decaying, ridge('ridge_to_mean', anchored.inner), near.inner, network]
  const together = await combine(inner, held)
  const shown = [
    ...simple,
    ridge('ridge', plain.all),
    ridge('ridge_to_mean', anchored.all),
    near.all,
    network,
    together,
  ] as readonly Baseline<string>[]
  const owned = new Set<Baseline<string>>([...shown, ...inner])
  disposeMap(plain.inner)
  return {
    shown,
    dispose: () => {
      for (const one of owned) one.dispose()
    },
  }
}
type Pair = { all: Ridge; inner: Ridge }

async function judged(parts: Parts, seed: number, say: (doing: string) => void) {
  const { shown, dispose } = await fitAll(parts.train, seed, say)
  say('judging on the held-out articles')
  using mean = await meanTarget(parts.train)
  using centre = Tensor.from((await mean.data()) as Float64Array)
  const reaches: Reach[] = []
  let note: string | null = null
  try {
    for (const one of shown) {
      const { figures, cosines } = await withScorer(parts.val, (scorer) => score(one, parts.val, scorer, centre))
      const { ci95, reason } = await meanByArticle(cosines, articlesOf(parts.val), { seed })
      note = reason
      reaches.push({ name: one.name, ...figures, ci95 })
    }
  } finally {
    dispose()
  }
  return { reaches, note }
}

function tiersOf(best: Ceiling['best']): Ceiling['tiers'] {
  const known = { train_seconds: 0, weights_bytes: 0 }
  const now = judgeTiers({ ...known, val_loss: best.mse_raw, val_cosine: best.cosine })
  const high = (best.ci95?.[1] ?? best.cosine) + MARGIN
  // Of unit targets the error of the best length is (1 − cos²)/D, so that much more cosine is so much less loss.
  const loss = (best.mse_raw * (1 - high ** 2)) / (1 - best.cosine ** 2)
  const hoped = judgeTiers({ ...known, val_loss: Math.max(0, loss), val_cosine: high })
  const word = (tier: TierName) => (now[tier].pass ? 'yes' : hoped[tier].pass ? 'open' : 'no')
  return { minimum: word('minimum'), target: word('target'), stretch: word('stretch') }
}

type Listener = { say?: (doing: string) => void }
const ARGS = { options: withFields({ data: optional(word) }), more: only({ say: optional(callback) }) }

/**
 * What cosine can be reached on a file before anyone trains, judged on held-out articles of the default split.
 *
 * Errors: those of openBase and splitWindows; DATA_TOO_FEW.
 */
export const ceiling = asyncDoor('ceiling', ARGS, async (options: CeilingOptions, listener: Listener = {}): Promise<Ceiling> => {
  const { say = () => {} } = listener
  const began = performance.now()
  const o = resolve('ceiling', ceilingFields, options)
  say(`reading ${o.data}`)
  const parts = await partsOf('ceiling', o)
  try {
    const { reaches, note } = await judged(parts, o.seed, say)
    const top = reaches.reduce((a, b) => (b.cosine > a.cosine ? b : a))
    const lowest = (key: 'mse_raw' | 'mse_unit') => Math.min(...reaches.map((reach) => reach[key]))
    const best = { name: top.name, cosine: top.cosine, ci95: top.ci95, mse_raw: lowest('mse_raw'), mse_unit: lowest('mse_unit') }
    const document: Ceiling = {
      version: 1,
      data: { path: parts.path, hash: parts.hash, space: parts.space },
      context: parts.train.windows.context,
      dim: parts.train.windows.dim,
      seed: o.seed,
      train: { windows: parts.available, fitted_on: parts.train.ids.length, articles: new Set(articlesOf(parts.train)).size },
      val: { windows: parts.val.ids.length, articles: new Set(articlesOf(parts.val)).size },
      ci95_note: note,
      predictors: reaches,
      best,
      margin: MARGIN,
      tiers: tiersOf(best),
      seconds: (performance.now() - began) / 1000,
    }
    if (o.out !== undefined) await writeDocument(o.out, CEILING, document)
    return document
  } finally {
    parts.dispose()
  }
})
