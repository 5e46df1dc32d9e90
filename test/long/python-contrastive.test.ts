import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fill } from '../../lib/checkpoint/run-weights.js'
import { openState } from '../../lib/checkpoint/state-dict.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { prepare } from '../../lib/train/prepare.js'
import { plan } from '../../lib/train/recipe.js'
import { done, runPython, SAMPLE, workFolder } from './python.js'

const work = workFolder()
const USUAL = { batch: 4096, accumulate: 1, bf16: false, sequence: false, recompute: false, seed: 0 }
const OFF = { weightDecay: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, clip: 0, ema: 0 }

it.each([
  ['gru', {}, 1],
  ['gru', { output: 'unit', residual: 'mean' }, 0.3],
  ['lstm', { dropout: 0 }, 0.9],
] as [string, Record<string, string | number>, number][])(
  'loss and gradients of the contrastive loss equal those of a plain PyTorch script in float64: %s %o, weight %f',
  async (model, options, weight) => {
    const scale = 100
    const name = `${model}-${weight}`
    const flags = Object.entries(options).flatMap(([key, value]) => [`--${key}`, value])
    await done(work, ['train', model, '--preset', 'tiny', '--data', SAMPLE, '--epochs', 0, '--name', name, ...flags])
    const run = join(work, 'artifacts/lvm/models', name)
    const theirs = await runPython<{ loss: number; log_temperature: number; gradients: Record<string, number[]> }>(
      'contrastive_reference.py',
      run,
      SAMPLE,
      weight,
      scale,
    )
    const planned = plan(model, { data: SAMPLE, preset: 'tiny', ...options })
    const data = await prepare(planned.train)
    const { node } = planned.architecture.spec({ dim: data.train.base.dim, context: data.context }, planned.model)
    const ours = await native.model(node, 'float64', 'cpu', null)
    await fill(ours, run, (await openState(join(run, 'final_model.pt'))).tensors)
    const contrastive = { weight, errorScale: scale, negatives: 1 << 20 }
    const trainer = await native.trainer(ours, data.train.samples, data.split.train, {
      ...USUAL,
      ...OFF,
      loss: 'mse',
      contrastive,
    })
    await native.trainerRun(trainer, 1, 0, new Float64Array(1))
    const { loss, windows } = native.trainerSums(trainer)
    expect(Math.abs(loss / windows / theirs.loss - 1)).toBeLessThan(1e-10)
    // Where the mean of the context is all of the output, the gradient of its weight is zero but for rounding.
    const floor = 1e-9 * Math.max(...Object.values(theirs.gradients).flatMap((values) => values.map(Math.abs)))
    const near = (found: ArrayLike<number>, expected: readonly number[], what: string) => {
      const largest = Math.max(...expected.map(Math.abs), floor)
      const apart = Math.max(...expected.map((value, i) => Math.abs(found[i]! - value)))
      expect(apart / largest, what).toBeLessThan(1e-6)
    }
    // The first moments after one step are a tenth of the gradients.
    for (const slot of native.trainerState(trainer).slots) {
      const moment = (await Tensor.wrap(slot.m).data()) as Float64Array
      near(
        moment.map((value) => 10 * value),
        theirs.gradients[slot.name]!,
        slot.name,
      )
    }
    near([10 * native.trainerTemperature(trainer).m], [weight === 0 ? 0 : theirs.log_temperature], 'log temperature')
    data.dispose()
  },
)
