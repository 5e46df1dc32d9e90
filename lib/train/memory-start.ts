import { fitAdaptiveMixture, summarySize } from '../baselines/adaptive-mixture.js'
import { sparse } from '../baselines/baselines-rows.js'
import { fitMixture } from '../baselines/memories.js'
import { type NativeModel, native } from '../native.js'
import type { Node } from '../spec/ops.js'
import { Tensor } from '../torch/tensor.js'
import { fitInput } from './normaliser.js'
import type { Prepared } from './prepare.js'

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

/**
 * Starts a residual of memory from the mixture of exponential means fitted on the training windows, its weights fitted to a summary of
 * the means; an untrained model then predicts it.
 *
 * With more means than the fit can use, the others keep their decays and start with weight 0. A decay of 0, the last vector, is not learned.
 */
async function fitMemory(model: NativeModel, spec: Node, { train, split }: Prepared): Promise<void> {
  if (spec.params.residual !== 'memory') return
  const state = native.modelState(model)
  const at = (name: string) => Tensor.wrap(state.find((parameter) => parameter.name === name)!.tensor)
  const [decay, weight, summary] = [at('residual.decay'), at('residual.weight'), at('residual.summary')]
  const [means] = weight.shape as [number]
  const rows = { ...train, ids: split.train }
  const fitted = await fitAdaptiveMixture(rows, await fitMixture(sparse(rows), means))
  const { decays, weights } = fitted
  using wide = await decay.to({ device: 'cpu', dtype: 'float32' })
  const started = (await wide.data()) as Float32Array
  decays.forEach((value, i) => {
    started[i] = logit(value)
  })
  const shares = Float32Array.from({ length: means }, (_, i) => weights[i] ?? 0)
  for (const [parameter, values] of [
    [decay, started],
    [weight, shares],
    [summary, spread(fitted.summary, means)],
  ] as const) {
    using from = Tensor.from(values, parameter.shape)
    await parameter.change('aten::copy_', from)
  }
}

/** Fits what a new model takes from its training windows before the first step: the normaliser of its input, its residual of memory. */
export async function fitStart(model: NativeModel, spec: Node, data: Prepared): Promise<void> {
  await fitInput(model, spec, data)
  await fitMemory(model, spec, data)
}
