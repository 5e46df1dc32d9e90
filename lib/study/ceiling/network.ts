import { findArchitecture } from '../../architectures/index.js'
import type { Baseline } from '../../baselines/baselines-fit.js'
import { type Rows, samplesOf } from '../../baselines/baselines-rows.js'
import { native } from '../../native.js'
import { Tensor } from '../../torch/tensor.js'

const [EVAL_BATCH, CHUNK] = [256, 100]
/** Windows per step; of wide networks more, because a step then spends less of its time on the optimizer's passes over the weights. */
const [BATCH, WIDE_BATCH] = [64, 128]
/** Fewest windows for the larger batch: of fewer an epoch has too few steps. */
const MANY = 8192
/** Cost of a step of `BATCH` windows from which a network is wide; below it a second thread gains nothing. Units: floating-point operations. */
const WIDE = 1e8
const [RATE, WARM] = [1e-3, 0.05]

/** Options of a network; `seed` determines its weights and the order of its batches. */
export interface NetworkOptions {
  readonly seed: number
  readonly width: number
  readonly dropout?: number
}

/** Opens the model `mlp`, with the decaying context mean as residual, in the native trainer. The caller calls `close` and disposes of the model. */
export async function openNetwork(train: Rows, { seed, width, dropout = 0 }: NetworkOptions) {
  const { dim, context } = train.windows
  const { node } = findArchitecture('mlp').spec({ dim, context }, { residual: 'decay', width, dropout })
  const model = await native.model(node, 'float32', 'cpu', seed)
  const operations = 6 * width * dim * (context + 1)
  const wide = operations * BATCH >= WIDE
  const samples = samplesOf(train)
  const trainer = await native.trainer(model, samples, train.ids, {
    batch: wide && train.ids.length >= MANY ? WIDE_BATCH : BATCH,
    accumulate: 1,
    loss: 'mse',
    bf16: false,
    sequence: false,
    recompute: false,
    seed,
    weightDecay: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-10,
    clip: 1,
    ema: 0,
    ...(!wide && { threads: 1 }),
  })
  const stepsPerEpoch = native.trainerStepsPerEpoch(trainer)
  return {
    model,
    stepsPerEpoch,
    /** Floating-point operations of an epoch. */
    epochCost: operations * train.ids.length,
    /** Makes the steps from `first` on, each with the learning rate of its step number. */
    async advance(first: number, count: number, rate: (step: number) => number): Promise<void> {
      for (let at = first; at < first + count; ) {
        const from = at % stepsPerEpoch
        const chunk = Math.min(CHUNK, stepsPerEpoch - from, first + count - at)
        const rates = Float64Array.from({ length: chunk }, (_, i) => rate(at + i))
        await native.trainerRun(trainer, Math.floor(at / stepsPerEpoch) + 1, from, rates)
        at += chunk
      }
    },
    predict: async (rows: Rows, ids: Int32Array): Promise<Tensor> => {
      const judged = samplesOf(rows)
      try {
        return Tensor.wrap(await native.predict(model, judged, ids, EVAL_BATCH))
      } finally {
        native.dispose(judged)
      }
    },
    close() {
      native.dispose(trainer)
      native.dispose(samples)
    },
    dispose: () => native.dispose(model),
  }
}
export type Network = Awaited<ReturnType<typeof openNetwork>>

/** Trains for `epochs`, with linear warm-up over the first twentieth of the steps, then cosine decay to zero. */
export async function fitNetwork(train: Rows, { epochs, ...o }: NetworkOptions & { epochs: number }): Promise<Baseline<'mlp'>> {
  const network = await openNetwork(train, o)
  const total = epochs * network.stepsPerEpoch
  const warm = Math.max(1, Math.round(WARM * total))
  const rate = (step: number) =>
    step < warm ? (RATE * (step + 1)) / warm : 0.5 * RATE * (1 + Math.cos((Math.PI * (step - warm)) / (total - warm)))
  try {
    await network.advance(0, total, rate)
  } catch (error) {
    network.dispose()
    throw error
  } finally {
    network.close()
  }
  return { name: 'mlp', params: { width: o.width, epochs }, predict: network.predict, dispose: network.dispose }
}
