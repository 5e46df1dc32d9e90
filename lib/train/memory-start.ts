import { fitAdaptiveMixture, summarySize } from '../baselines/adaptive-mixture.js'
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
function spread(fitted: readonly Float64Array[], all: number): Float32Array {
  const k = fitted.length
  const rowStarts = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => from + i * count - (i * (i + 1)) / 2 - i - 1)
  const [own, whole] = [rowStarts(k, 2 * k), rowStarts(all, 2 * all)]
  const values = new Float32Array(all * summarySize(all))
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

type Find = (...names: string[]) => Tensor
/** Returns the first parameter of a model that has one of the names. */
function parametersOf(model: NativeModel): Find {
  const state = native.modelState(model)
  return (...names) => Tensor.wrap(state.find(({ name }) => names.includes(name))!.tensor)
}

async function put(parameter: Tensor, values: Float32Array): Promise<void> {
  using from = Tensor.from(values, parameter.shape)
  await parameter.change('aten::copy_', from)
}

/** Puts decays in the place of the first ones of a model. */
async function putDecays(parameter: Tensor, decays: readonly number[]): Promise<void> {
  using wide = await parameter.to({ device: 'cpu', dtype: 'float32' }).ready()
  const started = (await wide.data()) as Float32Array
  decays.forEach((value, i) => {
    started[i] = logit(value)
  })
  await put(parameter, started)
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
  await putDecays(at('residual.decay'), fitted.decays)
  await put(
    weight,
    Float32Array.from({ length: means }, (_, i) => fitted.weights[i] ?? 0),
  )
  await put(summary, spread(fitted.summary, means))
}

/** Starts a residual of memory from the whitened exponential mean that finds most targets of the training windows. */
async function startFinding(at: Find, rows: Parameters<typeof fitFinding>[0]): Promise<void> {
  const [near, { decay, map, centre, ...query }] = await fitFinding(rows)
  near.dispose()
  const [weight, whole, bias] = [at('residual.weight'), at('residual.map'), at('head.bias', 'head.3.bias')]
  const [dim] = bias.shape as [number]
  const values = Float64Array.from((await map.data()) as Float32Array)
  const middle = (await centre.data()) as Float32Array
  query.dispose?.()
  const trace = middle.reduce((sum, _, i) => sum + values[i * dim + i]!, 0)
  const [size, root] = [dim / trace, Math.sqrt(dim)] // the mean factor becomes 1
  const offset = middle.map((_, i) => -root * size * middle.reduce((sum, value, j) => sum + value * values[j * dim + i]!, 0))
  const change = Float32Array.from(values, (value, i) => root * (size * value - Number(i % (dim + 1) === 0)))
  await putDecays(at('residual.decay'), [decay])
  await put(
    weight,
    Float32Array.from({ length: weight.shape[0]! }, (_, i) => Number(i === 0)),
  )
  await put(whole, change)
  await put(bias, offset)
}

/**
 * Fits what a new model takes from its training windows before the first step: the normaliser of its input, and its residual of memory,
 * to be near the targets or, with the contrastive loss alone, to find them.
 */
export async function fitStart(model: NativeModel, spec: Node, data: Prepared, loss: TrainSettings['loss']): Promise<void> {
  await fitInput(model, spec, data)
  if (spec.params.residual !== 'memory') return
  const rows = { ...data.train, ids: data.split.train }
  await (loss === 'contrastive' ? startFinding : startNear)(parametersOf(model), rows)
}
