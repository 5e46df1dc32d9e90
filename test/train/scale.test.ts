import { test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { contexts, DIM } from '../architectures/tiny.js'
import { expectRounding, printMargin, ULP } from '../rounding.js'

printMargin()
const TIME = 3
const N = 40

async function losses(scale: (row: number) => number, loss: 'mse' | 'cosine', output: 'raw' | 'unit') {
  const { node } = findArchitecture('gru').spec({ dim: DIM, context: TIME }, { ...findArchitecture('gru').presets.tiny, output })
  const model = await native.model(node, 'float32', 'cpu', 5)
  const targets = contexts(N, 1, 9).map((x, i) => x * scale(Math.floor(i / DIM)))
  const samples = native.samples(
    Tensor.from(contexts(N, TIME), [N * TIME, DIM]).native,
    Tensor.from(targets, [N, DIM]).native,
    Int32Array.from({ length: N }, (_, i) => i * TIME),
    Int32Array.from({ length: N }, (_, i) => i),
    TIME,
  )
  const ids = Int32Array.from({ length: N }, (_, i) => i)
  const scores = await native.evaluate(model, samples, ids, { batch: N, centre: null })
  const o = { batch: N, accumulate: 1, loss, bf16: false, sequence: false, recompute: false, seed: 3, weightDecay: 0, clip: 0 }
  const trainer = await native.trainer(model, samples, ids, { ...o, beta1: 0.9, beta2: 0.999, eps: 1e-8, ema: 0 })
  await native.trainerRun(trainer, 1, 0, Float64Array.of(0))
  const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length
  return { running: native.trainerSums(trainer).loss / N, cosine: mean(scores.cosine), mseUnit: mean(scores.mseUnit) }
}

test.each([
  ['of one length', () => 1],
  ['of length 20', () => 20],
  ['of lengths from .001 to 1000', (row: number) => 10 ** ((row % 7) - 3)],
])('the cosine loss and the mean squared error of unit vectors ignore lengths, with targets %s', async (what, scale) => {
  const cosine = await losses(scale, 'cosine', 'raw')
  expectRounding(Math.abs(cosine.running - (1 - cosine.cosine)), ULP * DIM, `cosine loss, ${what}`)
  const unit = await losses(scale, 'mse', 'unit')
  expectRounding(Math.abs(unit.running - unit.mseUnit), ULP * DIM, `unit loss, ${what}`)
  expectRounding(Math.abs(unit.mseUnit - (2 * (1 - unit.cosine)) / DIM), 0, `the identity of both, ${what}`)
})
