import { findArchitecture } from '../../architectures/index.js'
import { native } from '../../native.js'
import { Tensor } from '../../torch/tensor.js'
import type { Baseline } from '../baselines-fit.js'
import type { Rows } from '../baselines-rows.js'
import { samplesOf } from '../baselines-rows.js'

const [BATCH, EVAL_BATCH, CHUNK] = [64, 256, 100]
const [RATE, WARM] = [1e-3, 0.05]

/** Rates that rise over the first twentieth of the steps and then fall to zero along a cosine. */
function rates(from: number, count: number, total: number): Float64Array {
  const warm = Math.max(1, Math.round(WARM * total))
  return Float64Array.from({ length: count }, (_, i) => {
    const step = from + i
    return step < warm ? (RATE * (step + 1)) / warm : 0.5 * RATE * (1 + Math.cos((Math.PI * (step - warm)) / (total - warm)))
  })
}

/** The model `mlp` as a change from the decaying mean of the context, trained by the native trainer. */
export async function fitNetwork(train: Rows, o: { seed: number; epochs: number; width: number }): Promise<Baseline<'mlp'>> {
  const { dim, context } = train.windows
  const { node } = findArchitecture('mlp').spec({ dim, context }, { residual: 'decay', width: o.width })
  const model = await native.model(node, 'float32', 'cpu', o.seed)
  const samples = samplesOf(train)
  const trainer = native.trainer(model, samples, train.ids, {
    batch: BATCH,
    accumulate: 1,
    loss: 'mse',
    bf16: false,
    sequence: false,
    recompute: false,
    seed: o.seed,
    weightDecay: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-10,
    clip: 1,
    ema: 0,
  })
  try {
    const steps = native.trainerStepsPerEpoch(trainer)
    for (let epoch = 1; epoch <= o.epochs; epoch++)
      for (let step = 0; step < steps; step += CHUNK) {
        const count = Math.min(CHUNK, steps - step)
        await native.trainerRun(trainer, epoch, step, rates((epoch - 1) * steps + step, count, o.epochs * steps))
      }
  } catch (error) {
    native.dispose(model)
    throw error
  } finally {
    native.dispose(trainer)
    native.dispose(samples)
  }
  return {
    name: 'mlp',
    params: { width: o.width, epochs: o.epochs },
    async predict(rows, ids) {
      const judged = samplesOf(rows)
      try {
        return Tensor.wrap(await native.predict(model, judged, ids, EVAL_BATCH))
      } finally {
        native.dispose(judged)
      }
    },
    dispose: () => native.dispose(model),
  }
}
