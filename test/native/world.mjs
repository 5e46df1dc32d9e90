// Data of the child processes of these tests: a few vectors, and models that are slow on them.
import { architectures } from '../../dist/lib/architectures/index.js'
import { native } from '../../dist/lib/native.js'
import { Tensor } from '../../dist/lib/torch/tensor.js'

export { call, Tensor } from '../../dist/lib/torch/tensor.js'
export { native }

const [dim, rows, context] = [16, 200, 5]
const first = Int32Array.from({ length: rows - context }, (_, i) => i)
const table = () =>
  Tensor.from(
    Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i * i)),
    [rows, dim],
  )
export const samples = () =>
  native.samples(
    table().native,
    null,
    first,
    first.map((row) => row + context),
    context,
  )
export const windows = first

export function model(which = 0, seed = 1) {
  const { presets, spec } = architectures[which % architectures.length]
  return native.model(spec({ dim, context }, presets.tiny).node, 'float32', 'cpu', seed)
}
/** One of 37 MB. */
export const large = () =>
  native.model(
    architectures.find(({ name }) => name === 'lstm').spec({ dim, context }, { width: 1500, layers: 1, dropout: 0 }).node,
    'float32',
    'cpu',
    1,
  )
export const vectors = (length = context) => Tensor.from(new Float32Array(length * dim).fill(0.25), [1, length, dim])

/** A trainer whose epoch outlasts every test. */
export const endless = (of) =>
  trainer(
    of,
    Int32Array.from({ length: 1_600_000 }, (_, i) => i % first.length),
  )
export const trainer = (of, ids = first) =>
  native.trainer(of, samples(), ids, {
    batch: 16,
    accumulate: 1,
    loss: 'mse',
    bf16: false,
    seed: 1,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    clip: 1,
    ema: 0,
  })
export const train = (of, steps) => native.trainerRun(of, 1, 0, new Float64Array(steps).fill(1e-3))
