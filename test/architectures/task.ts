import { type NativeModel, type NativeSamples, type NativeTrainer, native, type TrainerOptions } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { contexts, DIM, unit } from './tiny.js'

export const CONTEXT = 5
export const BASE: TrainerOptions = {
  batch: 32,
  accumulate: 1,
  loss: 'mse',
  bf16: false,
  sequence: false,
  recompute: false,
  seed: 3,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clip: 1,
  ema: 0,
}

/** A rule that depends on order: the last vector rotated, mixed with the vector two before it. */
function task(count: number, seed: number): { samples: NativeSamples; x: Float32Array; y: Float32Array } {
  const x = contexts(count, CONTEXT, seed)
  const y = Float32Array.from({ length: count * DIM }, (_, i) => {
    const [row, d] = [Math.floor(i / DIM), i % DIM]
    const at = (t: number, k: number) => x[(row * CONTEXT + t) * DIM + (k % DIM)]!
    return (d % 2 === 0 ? 1 : -1) * at(4, d + 1) + 0.5 * at(2, d + 5)
  })
  unit(y)
  const first = Int32Array.from({ length: count }, (_, i) => i * CONTEXT)
  const targets = Int32Array.from(first.keys())
  const table = (data: Float32Array) => Tensor.from(data, [data.length / DIM, DIM]).native
  return { samples: native.samples(table(x), table(y), first, targets, CONTEXT), x, y }
}
export const TRAIN = task(2000, 11)
/** Windows over one table, each with the next vector as target. */
export const CHAINED = ((): NativeSamples => {
  const table = Tensor.from(contexts(120, 1, 13), [120, DIM])
  const first = Int32Array.from({ length: 100 }, (_, i) => i)
  return native.samples(
    table.native,
    null,
    first,
    first.map((row) => row + CONTEXT),
    CONTEXT,
  )
})()
export const TEST = task(400, 12)
export const ids = (n: number) => Int32Array.from({ length: n }, (_, i) => i)
export const cosine = (p: ArrayLike<number>, q: ArrayLike<number>) => Array.from(p).reduce((sum, v, i) => sum + v * q[i]!, 0)
export const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length

const specOf = (a: Architecture, options: Record<string, unknown>) =>
  a.spec({ dim: DIM, context: CONTEXT }, { ...a.presets.tiny, ...options }).node
export const made = (a: Architecture, options: Record<string, unknown> = {}, seed = 5): Promise<NativeModel> =>
  native.model(specOf(a, options), 'float32', 'cpu', seed)
/** The same model in double precision. */
export async function exactly(a: Architecture, options: Record<string, unknown>): Promise<NativeModel> {
  const [narrow, wide] = [await made(a, options), await native.model(specOf(a, options), 'float64', 'cpu', null)]
  await native.modelLoad(wide, Object.fromEntries(native.modelState(narrow).map(({ name, tensor }) => [name, tensor])))
  return wide
}

/** Trains for `steps` steps and returns the mean loss of the last epoch. */
export async function train(trainer: NativeTrainer, steps: number, lr: number): Promise<number> {
  const perEpoch = native.trainerStepsPerEpoch(trainer)
  for (let done = 0, epoch = 1; done < steps; epoch++) {
    const count = Math.min(perEpoch, steps - done)
    native.trainerSums(trainer, { loss: 0, gradNorm: 0, windows: 0, steps: 0 })
    done += await native.trainerRun(trainer, epoch, 0, new Float64Array(count).fill(lr))
  }
  const { loss, windows } = native.trainerSums(trainer)
  return loss / windows
}
export async function weights(model: NativeModel): Promise<Record<string, Float32Array>> {
  const state = native.modelState(model).map(async ({ name, tensor }) => [name, await Tensor.wrap(tensor).data()] as const)
  return Object.fromEntries(await Promise.all(state)) as Record<string, Float32Array>
}
export const score = async (model: NativeModel) =>
  mean((await native.evaluate(model, TEST.samples, ids(400), { batch: 128, centre: null })).cosine)
