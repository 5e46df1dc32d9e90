// within-estimate.mjs: trains a small LSTM with residual memory on one context of 16,384 vectors, at every position, and prints the
// largest memory of the process and its estimate, both in bytes.
import { findArchitecture } from '../../dist/lib/architectures/index.js'
import { native } from '../../dist/lib/native.js'
import { Tensor } from '../../dist/lib/torch/tensor.js'
import { estimate } from '../../dist/lib/train/estimate.js'
import { plan } from '../../dist/lib/train/recipe.js'

const [dim, context] = [768, 16384]
native.setThreads(1)
const o = plan('lstm', { data: 'x.npy', context, batchSize: 1, objective: 'sequence', preset: 'tiny', residual: 'memory' })
const { node } = findArchitecture('lstm').spec({ dim, context }, o.model)
const model = await native.model(node, 'float32', 'cpu', 1)
const numbers = Float32Array.from({ length: (context + 1) * dim }, (_, i) => Math.sin(i * i))
const table = Tensor.from(numbers, [context + 1, dim]).native
const samples = native.samples(table, null, Int32Array.of(0), Int32Array.of(context), context)
const usual = { batch: 1, accumulate: 1, loss: 'mse', sequence: true, bf16: false, recompute: false, seed: 1, weightDecay: 0 }
const trainer = await native.trainer(model, samples, Int32Array.of(0), {
  ...usual,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clip: 0,
  ema: 0,
})
for (let epoch = 1; epoch <= 2; epoch++) await native.trainerRun(trainer, epoch, 0, new Float64Array(1).fill(1e-3))
const { memory_bytes } = estimate(o.train, node, { dim, context, dataBytes: 2 * numbers.byteLength })
process.stdout.write(JSON.stringify({ used: process.resourceUsage().maxRSS * 1024, estimated: memory_bytes }))
