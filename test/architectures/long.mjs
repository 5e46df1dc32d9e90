// long.mjs MODEL TIME [RESIDUAL]: trains the tiny preset for two steps on one context of TIME, at every position with a RESIDUAL, and
// prints by how many bytes memory grew at most.
import { findArchitecture } from '../../dist/lib/architectures/index.js'
import { native } from '../../dist/lib/native.js'
import { Tensor } from '../../dist/lib/torch/tensor.js'

const [name, time, residual] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const dim = 12
const { presets, spec } = findArchitecture(name)
native.setThreads(1)

async function train(context) {
  const model = await native.model(
    spec({ dim, context }, { ...presets.tiny, ...(residual && { residual }) }).node,
    'float32',
    'cpu',
    1,
  )
  const numbers = Float32Array.from({ length: (context + 1) * dim }, (_, i) => Math.sin(i * i))
  const table = Tensor.from(numbers, [context + 1, dim]).native
  const samples = native.samples(table, null, Int32Array.of(0), Int32Array.of(context), context)
  const usual = {
    batch: 1,
    accumulate: 1,
    loss: 'mse',
    sequence: residual !== undefined,
    bf16: false,
    seed: 1,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
  }
  const trainer = await native.trainer(model, samples, Int32Array.of(0), { ...usual, clip: 0, ema: 0 })
  for (let epoch = 1; epoch <= 2; epoch++) await native.trainerRun(trainer, epoch, 0, new Float64Array(1).fill(1e-3))
}

await train(64) // everything that is loaded once
const before = process.resourceUsage().maxRSS
await train(time)
process.stdout.write(String((process.resourceUsage().maxRSS - before) * 1024))
