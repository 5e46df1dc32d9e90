import { fitAdaptiveMixture, summarySize, summarySpread } from '../baselines/adaptive-mixture.js'
import { type Rows, sparse } from '../baselines/baselines-rows.js'
import { fitMixture } from '../baselines/memories.js'
import { type NativeModel, native } from '../native.js'
import type { Node } from '../spec/ops.js'
import { Tensor } from '../torch/tensor.js'
import { fitFinding } from './finding-queries.js'
import { fitInput } from './normaliser.js'
import type { Prepared } from './prepare.js'
import type { TrainSettings } from './recipe.js'

/** θ at which a float32 decay σ(θ) is exactly 0, or with the other sign exactly 1. */
const SATURATED = 104
const logit = (decay: number) => Math.max(-SATURATED, Math.min(SATURATED, Math.log(decay / (1 - decay))))

/** Puts s_k of the fitted means, the first of `all`, in their places among those of all means, whose others are 0. Shapes: [all, summary]. */
function spread(fitted: readonly Float64Array[], all: number): Float64Array {
  const k = fitted.length
  const rowStarts = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => from + i * count - (i * (i + 1)) / 2 - i - 1)
  const [own, whole] = [rowStarts(k, 2 * k), rowStarts(all, 2 * all)]
  const values = new Float64Array(all * summarySize(all))
  fitted.forEach((row, i) => {
    const to = i * summarySize(all)
    for (let a = 0; a < k; a++) {
      values[to + a] = row[a]!
      values[to + all + a] = row[k + a]!
      for (let b = a + 1; b < k; b++) values[to + whole[a]! + b] = row[own[a]! + b]!
    }
  })
  return values
}

type Find = (name: string) => Tensor
/** Returns the tensor of a model that has the name. */
function tensorsOf(model: NativeModel): Find {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, tensor]))
  return (name) => Tensor.wrap(state.get(name)!)
}

async function put(parameter: Tensor, values: Float32Array | Float64Array): Promise<void> {
  using from = Tensor.from(values, parameter.shape)
  await parameter.change('aten::copy_', from)
}

/** Puts decays in the place of the first ones of a model; returns those of all its means. */
async function putDecays(parameter: Tensor, decays: readonly number[]): Promise<number[]> {
  using wide = await parameter.to({ device: 'cpu', dtype: 'float32' }).ready()
  const started = (await wide.data()) as Float32Array
  decays.forEach((value, i) => {
    started[i] = logit(value)
  })
  await put(parameter, started)
  return Array.from(started, (theta) => 1 / (1 + Math.exp(-theta)))
}

/**
 * Fits how the summary of the means is standardised: its entries become near 0 and their squares add up to near 1.
 *
 * Returns mean and scale of each entry.
 */
async function fitSummary(at: Find, rows: Rows, decays: readonly number[]) {
  const entries = await summarySpread(rows, decays)
  const center = Float32Array.from(entries, ({ mean }) => mean)
  const scale = Float32Array.from(entries, ({ deviation }) => deviation * Math.sqrt(entries.length))
  await put(at('residual.summary_center'), center)
  await put(at('residual.summary_scale'), scale)
  return { center, scale }
}

/**
 * Starts a residual of memory from the mixture of exponential means fitted on the training windows, its weights fitted to a summary of
 * the means; an untrained model then predicts it.
 *
 * With more means than the fit can use, the others keep their decays and start with weight 0. A decay of 0, the last vector, is not learned.
 */
async function startNear(at: Find, rows: Rows): Promise<void> {
  const [weight, summary] = [at('residual.weight'), at('residual.summary')]
  const [means] = weight.shape as [number]
  const fitted = await fitAdaptiveMixture(rows, await fitMixture(sparse(rows), means))
  const { center, scale } = await fitSummary(at, rows, await putDecays(at('residual.decay'), fitted.decays))
  const raw = spread(fitted.summary, means)
  const entries = center.length
  await put(
    weight,
    Float64Array.from({ length: means }, (_, i) =>
      center.reduce((sum, middle, j) => sum + raw[i * entries + j]! * middle, fitted.weights[i] ?? 0),
    ),
  )
  await put(
    summary,
    raw.map((value, i) => value * scale[i % entries]!),
  )
}

/** Starts a residual of memory from the whitened exponential mean that finds most targets of the training windows. */
async function startFinding(at: Find, rows: Parameters<typeof fitFinding>[0]): Promise<void> {
  const [near, { decay, map, centre, ...query }] = await fitFinding(rows)
  near.dispose()
  const [weight, whole, middle] = [at('residual.weight'), at('residual.map'), at('residual.center')]
  const [dim] = middle.shape as [number]
  const values = Float64Array.from((await map.data()) as Float32Array)
  await put(middle, (await centre.data()) as Float32Array)
  query.dispose?.()
  let trace = 0
  for (let i = 0; i < dim; i++) trace += values[i * dim + i]!
  const [size, root] = [dim / trace, Math.sqrt(dim)] // the mean factor becomes 1
  const change = Float32Array.from(values, (value, i) => root * (size * value - Number(i % (dim + 1) === 0)))
  await fitSummary(at, rows, await putDecays(at('residual.decay'), [decay]))
  await put(
    weight,
    Float32Array.from({ length: weight.shape[0]! }, (_, i) => Number(i === 0)),
  )
  await put(whole, change)
}

/**
 * Fits what a new model takes from its training windows before the first step: the normaliser of its input, and its residual of memory,
 * to be near the targets or, with the contrastive loss alone, to find them.
 */
export async function fitStart(model: NativeModel, spec: Node, data: Prepared, loss: TrainSettings['loss']): Promise<void> {
  await fitInput(model, spec, data)
  if (spec.params.residual !== 'memory') return
  const rows = { ...data.train, ids: data.split.train }
  await (loss === 'contrastive' ? startFinding : startNear)(tensorsOf(model), rows)
}
