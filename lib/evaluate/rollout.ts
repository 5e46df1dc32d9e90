import { meanTarget } from '../baselines/baselines-rows.js'
import { load } from '../checkpoint/load-model.js'
import { longDoor } from '../control.js'
import type { Base } from '../data/base.js'
import { mainData, type WithData } from '../data/given-data.js'
import { atOnce, lengthOf, runLengths, type Windows } from '../data/windows.js'
import { optional, withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { type Given, type Options, resolve } from '../options.js'
import { stage, tally } from '../stages.js'
import { meanByArticle } from '../statistics/estimates.js'
import { type RolloutSentences, rolloutSentences, shownRollouts } from '../text/decode/rollout-sentences.js'
import { requireTexts } from '../text/decode/sentence-bank.js'
import { call, Tensor } from '../torch/tensor.js'
import { rolloutFields } from './evaluate-fields.js'
import { type Rolled, roll, type Way } from './stream-predictions.js'
import { type Chosen, chooseRows } from './subject.js'
import { trainedShare } from './trained-on.js'

/** Options of `rollout`: the run, and any field of `rolloutFields`. */
export interface RolloutOptions extends WithData<Given<typeof rolloutFields>> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
}
/** Figures of one step of a rollout: mean cosines between the prediction and other vectors. */
export interface RolloutStep {
  readonly step: number
  /** To the true vector at this step. */
  readonly cosine: number
  readonly ci95: readonly [number, number] | null
  /** Baseline: cosine of the last context vector to the true vector. */
  readonly cosine_copy_last: number
  /** To the mean of the training targets; it rises when predictions collapse to the mean. */
  readonly cosine_mean_vector: number
  /** To the prediction of the step before; 1 when predictions no longer change. */
  readonly cosine_previous: number
}
export interface Rollout {
  readonly version: 1
  readonly run: string
  readonly model: string
  readonly part: string
  /** Share of the windows that were used for training; null when the data is not the training data. */
  readonly trained_on: number | null
  /** stream: the model keeps a state over all inputs; window: it reads at most as many vectors as in the training. */
  readonly memory: 'stream' | 'window'
  /** Vectors of the longest context. */
  readonly context: number
  readonly windows: number
  readonly articles: number
  readonly steps: readonly RolloutStep[]
  /** Some rollouts as sentences, at evenly spaced quantiles of the cosine of their first step; null unless asked for. */
  readonly sentences: readonly RolloutSentences[] | null
}

/** Row-wise cosines, in float64. Shapes: a [n, dim], b [n, dim] or [dim]; returns n numbers. */
async function cosines(a: Tensor, b: Tensor): Promise<Float64Array> {
  using x = await a.to({ device: 'cpu', dtype: 'float64' }).ready()
  using y = await b.to({ device: 'cpu', dtype: 'float64' }).ready()
  using cosine = await x.op('aten::cosine_similarity', y, -1, 1e-12)
  return (await cosine.data()) as Float64Array
}

/** Returns the chosen windows that are followed by at least `steps` vectors of their article, the shortest contexts first. Errors: DATA_TOO_FEW, BAD_OPTION. */
function starts({ base, windows, ids }: Chosen, steps: number) {
  if (base.kind !== 'base') throw badOption('rollout', 'data', 'a base of vectors in order, not sequences,', base.path)
  const run = runLengths(base)
  const kept = ids.filter((id) => run[windows.target[id]! + steps - 1]! >= lengthOf(windows, id) + steps)
  if (kept.length > 0) return kept.sort((a, b) => lengthOf(windows, a) - lengthOf(windows, b))
  throw new LvmError('DATA_TOO_FEW', `${base.path}: expected windows with ${steps} vectors after them but there are none`, {
    hint: 'use fewer --steps',
  })
}

/** Errors: BAD_OPTION for a model without a state. */
function requireStream({ causal, manifest }: Rolled): void {
  if (causal) return
  const expected = `window, because ${manifest.model} sees the whole context at every position,`
  throw badOption('rollout', 'memory', expected, 'stream')
}

/** Whether the model keeps a state instead of reading a window. Errors: BAD_OPTION for texts longer than the model reads. */
export function usesStream(model: Rolled, context: number, o: Pick<Options<typeof rolloutFields>, 'memory' | 'steps'>): boolean {
  const fed = context + o.steps - 1
  const stream = o.memory === 'auto' ? model.causal && fed <= model.contexts.longest : o.memory === 'stream'
  if (stream) model.requireContext('rollout', fed, 'texts', 'use fewer steps, or the memory "window"')
  return stream
}

/** Cosines of one step, one per window. */
type Column = Record<'cosine' | 'copy' | 'mean' | 'previous', number[]>
type Starts = { base: Base; windows: Windows; ids: Int32Array }

/** Returns the context and true continuation of some windows. Shapes: [part, length, dim]. */
async function textOf({ base, windows }: Starts, part: Int32Array, length: number, device: string): Promise<Tensor> {
  const index = BigInt64Array.from({ length: part.length * length }, (_, i) =>
    BigInt(windows.first[part[Math.floor(i / length)]!]! + (i % length)),
  )
  using picked = Tensor.from(index)
  using flat = await base.vectors.op('aten::index_select', 0, picked)
  using wide = await flat.to({ device, dtype: 'float32' }).ready()
  return wide.op('aten::view', [part.length, length, base.dim])
}

/** Yields windows in batches of contexts of one length, with the vectors of each context and its continuation. */
async function* batches(model: Rolled, { windows, ...from }: Starts, steps: number) {
  const { ids } = from
  for (let at = 0, end = 0; at < ids.length; at = end) {
    const context = lengthOf(windows, ids[at]!)
    const most = at + atOnce(context)
    tally(at, ids.length)
    while (end < ids.length && end < most && lengthOf(windows, ids[end]!) === context) end++
    using rows = await textOf({ ...from, windows }, ids.subarray(at, end), context + steps, model.device)
    yield { context, rows }
  }
}

/** Rolls out every window and returns the cosines of each step. */
async function compareSteps(model: Rolled, from: Starts, centre: Tensor, o: Way): Promise<Column[]> {
  const { steps } = o
  const columns: Column[] = Array.from({ length: steps }, () => ({ cosine: [], copy: [], mean: [], previous: [] }))
  for await (const { context, rows } of batches(model, from, steps)) {
    using copied = await rows.op('aten::select', 1, context - 1)
    let before = await copied.op('aten::clone')
    await roll(model, rows, { ...o, context }, async (step, prediction) => {
      using truth = await rows.op('aten::select', 1, context + step)
      const column = columns[step]!
      column.cosine.push(...(await cosines(prediction, truth)))
      column.copy.push(...(await cosines(copied, truth)))
      column.mean.push(...(await cosines(prediction, centre)))
      column.previous.push(...(await cosines(prediction, before)))
      before.dispose()
      before = await prediction.op('aten::clone')
    })
    before.dispose()
  }
  return columns
}

/** Rolls some windows out once more, and describes them as sentences. */
async function described(model: Rolled, from: Starts, columns: readonly Column[], o: Way): Promise<RolloutSentences[]> {
  const order = shownRollouts(columns[0]!.cosine)
  const ids = order.map((i) => from.ids[i]!)
  const parts: Tensor[][] = Array.from({ length: o.steps }, () => [])
  const predictions: Tensor[] = []
  try {
    for await (const { context, rows } of batches(model, { ...from, ids }, o.steps))
      await roll(model, rows, { ...o, context }, async (step, prediction) => {
        parts[step]!.push(await prediction.op('aten::clone'))
      })
    for (const part of parts) predictions.push((await call('aten::cat', [part, 0])) as Tensor)
    const cosines = columns.map(({ cosine }) => Array.from(order, (i) => cosine[i]!))
    return await rolloutSentences({ ...from, ids }, predictions, cosines)
  } finally {
    for (const prediction of [...parts.flat(), ...predictions]) prediction.dispose()
  }
}

async function summarise(columns: readonly Column[], articles: Int32Array): Promise<RolloutStep[]> {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const steps: RolloutStep[] = []
  for (const [i, column] of columns.entries()) {
    const { mean: cosine, ci95 } = await meanByArticle(Float64Array.from(column.cosine), articles, { seed: i })
    steps.push({
      step: i + 1,
      cosine,
      ci95,
      cosine_copy_last: mean(column.copy),
      cosine_mean_vector: mean(column.mean),
      cosine_previous: mean(column.previous),
    })
  }
  return steps
}

/** A function as a predictor to roll out: it reads windows as long as the longest that it is judged on. */
export const rolledFunction = (name: string, predict: Rolled['predict'], { context }: Pick<Windows, 'context'>): Rolled => ({
  name,
  manifest: { model: 'function' },
  causal: false,
  contexts: { shortest: 1, longest: context },
  trained: { shortest: 1, longest: context },
  device: 'cpu',
  requireContext() {},
  predict,
})

/** Rolls a loaded run, or a function, out from its chosen windows. Errors: BAD_OPTION; DATA_TOO_FEW; TEXT_MISSING. */
export async function rolloutOf(model: Rolled, chosen: Chosen, o: Options<typeof rolloutFields>): Promise<Rollout> {
  const { base, windows } = chosen
  const { context } = windows
  const stream = usesStream(model, context, o)
  const ids = starts(chosen, o.steps)
  using centre = await meanTarget(chosen.train ?? { base, windows, ids: chosen.ids })
  const from = { base, windows, ids }
  if (o.text) await requireTexts(base, 'data')
  const rolled = { steps: o.steps, stream, most: Math.max(context, model.trained.longest) }
  const columns = await stage('roll out', () => compareSteps(model, from, centre, rolled))
  const articles = Int32Array.from(ids, (id) => windows.article[id]!)
  return {
    version: 1,
    run: model.name,
    model: model.manifest.model,
    part: chosen.part,
    trained_on: trainedShare({ windows, ids }, chosen.train),
    memory: stream ? 'stream' : 'window',
    context,
    windows: ids.length,
    articles: new Set(articles).size,
    steps: await summarise(columns, articles),
    sentences: o.text ? await stage('sentences', () => described(model, from, columns, rolled)) : null,
  }
}

const ARGS = { options: withFields({ run: word, data: optional(mainData) }) }

/**
 * Feeds a run's predictions back as its input, and compares each step with the true vector.
 *
 * Errors: those of load and of the data; BAD_OPTION; DATA_TOO_FEW when no article is long enough; TEXT_MISSING.
 */
export const rollout = longDoor('rollout', ARGS, async ({ run, ...given }: RolloutOptions): Promise<Rollout> => {
  const o = resolve('rollout', rolloutFields, given)
  using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  if (o.memory === 'stream') requireStream(model)
  const chosen = await chooseRows(model, o)
  try {
    return await rolloutOf(model, chosen, o)
  } finally {
    chosen.dispose()
  }
})
