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

/**
 * Starts a residual of memory from the mixture of exponential means fitted on the training windows, which an untrained model then predicts.
 *
 * With more means than the fit can use, the others keep their decays and start with weight 0. A decay of 0, the last vector, is not learned.
 */
async function fitMemory(model: NativeModel, spec: Node, { train, split }: Prepared): Promise<void> {
  if (spec.params.residual !== 'memory') return
  const state = native.modelState(model)
  const at = (name: string) => Tensor.wrap(state.find((parameter) => parameter.name === name)!.tensor)
  const [decay, weight] = [at('residual.decay'), at('residual.weight')]
  const [means] = weight.shape as [number]
  const { decays, weights } = await fitMixture(sparse({ ...train, ids: split.train }), means)
  using wide = await decay.to({ device: 'cpu', dtype: 'float32' })
  const started = (await wide.data()) as Float32Array
  decays.forEach((value, i) => {
    started[i] = logit(value)
  })
  const shares = Float32Array.from({ length: means }, (_, i) => weights[i] ?? 0)
  for (const [parameter, values] of [
    [decay, started],
    [weight, shares],
  ] as const) {
    using from = Tensor.from(values)
    await parameter.change('aten::copy_', from)
  }
}

/** Fits what a new model takes from its training windows before the first step: the normaliser of its input, its residual of memory. */
export async function fitStart(model: NativeModel, spec: Node, data: Prepared): Promise<void> {
  await fitInput(model, spec, data)
  await fitMemory(model, spec, data)
}
