import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import type { Base } from '../data/base.js'
import { atOnce, makeWindows, type Windows } from '../data/windows.js'
import { asyncDoor, withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { native } from '../native.js'
import { type Given, type Options, resolve } from '../options.js'
import { meanByArticle } from '../statistics/estimates.js'
import { type RolloutSentences, rolloutSentences, shownRollouts } from '../text/decode/rollout-sentences.js'
import { requireTexts } from '../text/decode/sentence-bank.js'
import { call, Tensor } from '../torch/tensor.js'
import { meanTarget } from './baselines-rows.js'
import { rolloutFields } from './evaluate-fields.js'
import { type Chosen, chooseRows } from './subject.js'
import { trainedShare } from './trained-on.js'

/** Options of `rollout`: the run, and any field of `rolloutFields`. */
export interface RolloutOptions extends Given<typeof rolloutFields> {
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
  /** stream: the model keeps a state over all inputs; window: it reads a window of fixed length. */
  readonly memory: 'stream' | 'window'
  readonly context: number
  readonly windows: number
  readonly articles: number
  readonly steps: readonly RolloutStep[]
  /** Some rollouts as sentences, at evenly spaced quantiles of the cosine of their first step; null unless asked for. */
  readonly sentences: readonly RolloutSentences[] | null
}

/** Row-wise cosines, in float64. Shapes: a [n, dim], b [n, dim] or [dim]; returns n numbers. */
async function cosines(a: Tensor, b: Tensor): Promise<Float64Array> {
  using x = await a.to({ device: 'cpu', dtype: 'float64' })
  using y = await b.to({ device: 'cpu', dtype: 'float64' })
  using cosine = await x.op('aten::cosine_similarity', y, -1, 1e-12)
  return (await cosine.data()) as Float64Array
}

/** Feeds predictions back as input and passes each one to `see`. Shapes: rows [batch, context + steps, dim]. */
async function roll(
  model: Model,
  rows: Tensor,
  o: { context: number; steps: number; stream: boolean },
  see: (step: number, prediction: Tensor) => Promise<void>,
): Promise<void> {
  const { context, steps } = o
  let window = await rows.op('aten::narrow', 1, 0, context)
  const stepper = o.stream ? native.stepper(model.native, rows.shape[0]!) : undefined
  let next: Tensor | undefined
  const feed = async (x: Tensor) => {
    const y = Tensor.wrap(await native.stepperStep(stepper!, x.native))
    next?.dispose()
    next = y
  }
  try {
    for (let t = 0; stepper !== undefined && t < context; t++) {
      using x = await window.op('aten::select', 1, t)
      await feed(x)
    }
    for (let step = 0; step < steps; step++) {
      if (stepper !== undefined && step > 0) await feed(next!)
      if (stepper === undefined) {
        next?.dispose()
        next = await model.predict(window)
        using late = await window.op('aten::narrow', 1, 1, context - 1)
        using last = await next.op('aten::unsqueeze', 1)
        const moved = (await call('aten::cat', [[late, last], 1])) as Tensor
        window.dispose()
        window = moved
      }
      await see(step, next!)
    }
  } finally {
    window.dispose()
    next?.dispose()
    if (stepper !== undefined) native.dispose(stepper)
  }
}

/** Returns the chosen windows that are followed by at least `steps` vectors of their article. Errors: DATA_TOO_FEW, BAD_OPTION. */
function starts({ base, windows, ids }: Chosen, steps: number) {
  if (base.kind !== 'base') throw badOption('rollout', 'data', 'a base of vectors in order, not sequences,', base.path)
  const long = makeWindows(base, windows.context + steps - 1)
  const reaching = new Set(long.first)
  const kept = ids.filter((id) => reaching.has(windows.first[id]!))
  if (kept.length > 0) return kept
  throw new LvmError('DATA_TOO_FEW', `${base.path}: expected windows with ${steps} vectors after them but there are none`, {
    hint: 'use fewer --steps',
  })
}

/** Whether the model keeps a state instead of reading a window. Errors: BAD_OPTION for a memory that the model does not support. */
function usesStream(model: Model, o: Options<typeof rolloutFields>): boolean {
  const { causal } = model
  if (o.memory === 'stream' && !causal)
    throw badOption(
      'rollout',
      'memory',
      `window, because ${model.manifest.model} sees the whole context at every position,`,
      o.memory,
    )
  const fed = model.context + o.steps - 1
  const stream = o.memory === 'auto' ? causal && fed <= model.contexts.longest : o.memory === 'stream'
  if (stream) model.requireContext('rollout', fed, 'texts', 'use fewer steps, or the memory "window"')
  return stream
}

/** Cosines of one step, one per window. */
type Column = Record<'cosine' | 'copy' | 'mean' | 'previous', number[]>
type Starts = { base: Base; windows: Windows; ids: Int32Array }
type RollOptions = Parameters<typeof roll>[2]

/** Returns the context and true continuation of some windows. Shapes: [part, length, dim]. */
async function textOf({ base, windows }: Starts, part: Int32Array, length: number, device: string): Promise<Tensor> {
  const index = BigInt64Array.from({ length: part.length * length }, (_, i) =>
    BigInt(windows.first[part[Math.floor(i / length)]!]! + (i % length)),
  )
  using picked = Tensor.from(index)
  using flat = await base.vectors.op('aten::index_select', 0, picked)
  using wide = await flat.to({ device, dtype: 'float32' })
  return wide.op('aten::view', [part.length, length, base.dim])
}

/** Rolls out every window and returns the cosines of each step. */
async function compareSteps(model: Model, from: Starts, centre: Tensor, o: RollOptions): Promise<Column[]> {
  const { context, steps } = o
  const columns: Column[] = Array.from({ length: steps }, () => ({ cosine: [], copy: [], mean: [], previous: [] }))
  const batch = atOnce(context)
  for (let at = 0; at < from.ids.length; at += batch) {
    using rows = await textOf(from, from.ids.subarray(at, at + batch), context + steps, model.device)
    using copied = await rows.op('aten::select', 1, context - 1)
    let before = await copied.op('aten::clone')
    await roll(model, rows, o, async (step, prediction) => {
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
async function described(model: Model, from: Starts, columns: readonly Column[], o: RollOptions): Promise<RolloutSentences[]> {
  const order = shownRollouts(columns[0]!.cosine)
  const ids = order.map((i) => from.ids[i]!)
  using rows = await textOf(from, ids, o.context + o.steps, model.device)
  const predictions: Tensor[] = []
  try {
    await roll(model, rows, o, async (_, prediction) => {
      predictions.push(await prediction.op('aten::clone'))
    })
    const cosines = columns.map(({ cosine }) => Array.from(order, (i) => cosine[i]!))
    return await rolloutSentences({ ...from, ids }, predictions, cosines)
  } finally {
    for (const prediction of predictions) prediction.dispose()
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

const ARGS = { options: withFields({ run: word }) }

/**
 * Feeds a run's predictions back as its input, and compares each step with the true vector.
 *
 * Errors: those of load and of the data; BAD_OPTION; DATA_TOO_FEW when no article is long enough; TEXT_MISSING.
 */
export const rollout = asyncDoor('rollout', ARGS, async ({ run, ...given }: RolloutOptions): Promise<Rollout> => {
  const o = resolve('rollout', rolloutFields, given)
  using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  const stream = usesStream(model, o)
  const chosen = await chooseRows(model, o)
  try {
    const { base, windows } = chosen
    const { context } = windows
    const ids = starts(chosen, o.steps)
    using centre = await meanTarget(chosen.train ?? { base, windows, ids: chosen.ids })
    const from = { base, windows, ids }
    if (o.text) await requireTexts(base, 'data')
    const rolled = { context, steps: o.steps, stream }
    const columns = await compareSteps(model, from, centre, rolled)
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
      sentences: o.text ? await described(model, from, columns, rolled) : null,
    }
  } finally {
    chosen.dispose()
  }
})
