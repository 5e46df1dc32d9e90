import { score } from '../../baselines/baselines.js'
import type { Baseline } from '../../baselines/baselines-fit.js'
import type { Rows } from '../../baselines/baselines-rows.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { applyRidge, disposeMap, fitRidge } from '../../baselines/ridge.js'
import { CONTROL, type Control, controlDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { type Data, mainData, type WithData } from '../../data/given-data.js'
import { callback, only, optional, withFields } from '../../door.js'
import type { Interval } from '../../evaluate/metrics.js'
import { watchCpuShare } from '../../libtorch/cpu-share.js'
import { type Given, resolve } from '../../options.js'
import { pValue } from '../../show.js'
import { counted, stage } from '../../stages.js'
import { pairedDifference } from '../../statistics/estimates.js'
import { studentP } from '../../statistics/student.js'
import { call, type Tensor } from '../../torch/tensor.js'
import { arrowFields } from './ceiling-fields.js'
import { articlesOf, partsOf, withScorer, writeDocument } from './ceiling-rows.js'
import { fitNetwork } from './network.js'

export const ARROW = 'arrow.json'
/** Significance level over both predictors together. */
const ALPHA = 0.01
/** Number of networks per direction; their variance is part of the standard error. */
const NETWORKS = 3
const [EPOCHS, WIDTH] = [2, 256]

/** Cosines of one predictor on the same held-out windows, read forward and reversed. */
export interface Direction {
  readonly name: 'ridge' | 'mlp'
  readonly forward: number
  readonly reversed: number
  readonly difference: number
  /** Interval of the difference, clustered by article. */
  readonly ci95: Interval
  /** Standard error of the difference, including the variance of training. */
  readonly se: number | null
  readonly p: number | null
}
/** arrow.json */
export interface Arrow {
  readonly version: 1
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly context: number
  readonly seed: number
  readonly train: { readonly windows: number; readonly fitted_on: number }
  readonly val: { readonly windows: number; readonly articles: number }
  readonly ci95_note: string | null
  readonly predictors: readonly Direction[]
  readonly alpha: number
  readonly evidence: boolean
  readonly verdict: string
  readonly seconds: number
  /** Share of the processor time that this process was ready to use and got; null if unknown. */
  readonly cpu_share: number | null
}
/** Options of `arrow`: any field of `arrowFields`. */
export interface ArrowOptions extends WithData<Given<typeof arrowFields>> {
  readonly data: Data
}

/** Reverses the table and the windows, so that the preceding vector is predicted from the following ones. */
async function reversed(base: Pick<Base, 'vectors' | 'targets'>, windows: Rows['windows']) {
  const { context, dim } = windows
  if (base.targets === undefined) {
    const vectors = await base.vectors.op('aten::flip', [0])
    const last = vectors.shape[0]! - 1
    return {
      base: { vectors, targets: undefined },
      windows: {
        ...windows,
        first: windows.first.map((row) => last - row - context),
        target: windows.first.map((row) => last - row),
      },
    }
  }
  const rows = base.targets.shape[0]!
  const stored = base.vectors.shape[0]! / rows
  using shaped = await base.vectors.op('aten::view', [rows, stored, dim])
  using near = await shaped.op('aten::narrow', 1, stored - context, context)
  using next = await base.targets.op('aten::unsqueeze', 1)
  using whole = (await call('aten::cat', [[near, next], 1])) as Tensor
  using back = await whole.op('aten::flip', [1])
  using contexts = await back.op('aten::narrow', 1, 0, context)
  using last = await back.op('aten::select.int', 1, context)
  return {
    base: { vectors: await contexts.op('aten::reshape', [rows * context, dim]), targets: await last.op('aten::contiguous') },
    windows: { ...windows, first: windows.target.map((row) => row * context) },
  }
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length
const variance = (values: readonly number[]) => values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1)

async function cosinesOf(one: Baseline<string>, val: Rows): Promise<Float64Array> {
  const { cosines } = await stage('score', () => withScorer(val, (scorer) => score(one, val, scorer, null)))
  one.dispose()
  return cosines
}

async function ridge(train: Rows, val: Rows): Promise<Float64Array[]> {
  const fit = await stage('fit ridge', () => fitRidge(train, baselinesCache()))
  const predict = (rows: Rows, ids: Int32Array) => applyRidge(fit, rows, ids)
  return [await cosinesOf({ name: 'ridge', params: {}, predict, dispose: () => disposeMap(fit) }, val)]
}

async function networks(train: Rows, val: Rows, seed: number): Promise<Float64Array[]> {
  const all: Float64Array[] = []
  for (const i of counted(Array.from({ length: NETWORKS }, (_, i) => i)))
    all.push(
      await cosinesOf(
        await stage('train a network', () => fitNetwork(train, { seed: seed + i, epochs: EPOCHS, width: WIDTH })),
        val,
      ),
    )
  return all
}

/** Tests the difference by a t-test over articles, with the variance of repeated trainings added. */
async function compared(
  name: Direction['name'],
  forward: Float64Array[],
  backward: Float64Array[],
  articles: Int32Array,
  seed: number,
): Promise<Direction> {
  const average = (all: Float64Array[]) => all[0]!.map((_, i) => mean(all.map((cosines) => cosines[i]!)))
  const [a, b] = [average(forward), average(backward)]
  const { mean: difference, ci95, se, articles: count } = await pairedDifference(a, b, articles, { seed })
  const spread = [forward, backward].map((all) => (all.length > 1 ? variance(all.map(mean)) / all.length : 0))
  const figures = { name, forward: mean(a), reversed: mean(b), difference, ci95 }
  if (se === null) return { ...figures, se: null, p: null }
  const whole = se ** 2 + spread[0]! + spread[1]!
  const freedom = whole ** 2 / (se ** 4 / (count - 1) + spread.reduce((sum, v) => sum + v ** 2 / (NETWORKS - 1), 0)) // Welch, Satterthwaite
  return {
    ...figures,
    se: Math.sqrt(whole),
    p: whole > 0 ? studentP(difference / Math.sqrt(whole), freedom) : Number(difference === 0),
  }
}

const p = (value: number | null) => (value === null ? 'unknown' : pValue(value))
const directionText = ({ name, difference, p: chance }: Direction) =>
  `${name} ${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(4).replace(/^0/, '')} (p ${p(chance)})`

function verdictOf(predictors: readonly Direction[]): Pick<Arrow, 'evidence' | 'verdict'> {
  const significant = predictors.filter((d) => d.p !== null && d.p < ALPHA / predictors.length)
  const figures = `cosine forward minus reversed: ${predictors.map(directionText).join(', ')}`
  if (predictors.every((d) => d.p === null))
    return { evidence: false, verdict: `no evidence of direction: one article is not enough for a test; ${figures}` }
  if (significant.length === 0)
    return {
      evidence: false,
      verdict: `no evidence of direction: neither predictor is significantly better in one direction (p below ${p(ALPHA / predictors.length)} needed), which does not prove that the text is symmetric; ${figures}`,
    }
  const directions = new Set(significant.map(({ difference }) => (difference > 0 ? 'the next vector' : 'the previous vector')))
  const easier = directions.size > 1 ? 'the predictors disagree on which direction' : [...directions][0]!
  return {
    evidence: true,
    verdict: `evidence of direction: ${easier} is easier to predict; ${figures}`,
  }
}

type Listener = Control & { say?: (doing: string) => void }
const ARGS = { options: withFields({ data: optional(mainData) }), more: only({ say: optional(callback), ...CONTROL }) }

/**
 * Tests whether the order of sentences carries information: fits the same predictors forward and on reversed articles, and compares
 * their cosines on the same held-out windows.
 *
 * A text can be equally predictable in both directions without being symmetric, so equal figures do not prove symmetry.
 * Errors: those of openBase and splitWindows; DATA_TOO_FEW.
 */
export const arrow = controlDoor('arrow', ARGS, async (options: ArrowOptions, listener: Listener = {}): Promise<Arrow> => {
  const { say = () => {} } = listener
  const [began, share] = [performance.now(), watchCpuShare()]
  const o = resolve('arrow', arrowFields, { ...options })
  say(`reading ${o.data}`)
  const parts = await partsOf('arrow', o)
  const { train, val } = parts
  const back = await stage('reverse', () => reversed(train.base, train.windows))
  const turned = (rows: Rows): Rows => {
    const { vectors, targets } = back.base
    const base = { ...rows.base, hash: `${rows.base.hash} reversed`, vectors, ...(targets && { targets }) }
    return { ...rows, base, windows: back.windows }
  }
  try {
    const articles = articlesOf(val)
    say('ridge, forward and reversed')
    const linear = [await ridge(train, val), await ridge(turned(train), turned(val))] as const
    say(`${NETWORKS} small networks per direction`)
    const nets = [
      await stage('networks, forward', () => networks(train, val, o.seed)),
      await stage('networks, reversed', () => networks(turned(train), turned(val), o.seed)),
    ] as const
    const predictors = [await compared('ridge', ...linear, articles, o.seed), await compared('mlp', ...nets, articles, o.seed)]
    const { reason } = await pairedDifference(linear[0][0]!, linear[1][0]!, articles, { seed: o.seed, resamples: 100 })
    const document: Arrow = {
      version: 1,
      data: { path: parts.path, hash: parts.hash, space: parts.space },
      context: train.windows.context,
      seed: o.seed,
      train: { windows: parts.available, fitted_on: train.ids.length },
      val: { windows: val.ids.length, articles: new Set(articles).size },
      ci95_note: reason,
      predictors,
      alpha: ALPHA,
      ...verdictOf(predictors),
      seconds: (performance.now() - began) / 1000,
      cpu_share: share(),
    }
    if (o.out !== undefined) await writeDocument(o.out, ARROW, document)
    return document
  } finally {
    back.base.vectors.dispose()
    back.base.targets?.dispose()
    parts.dispose()
  }
})
