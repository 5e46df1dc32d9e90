import { expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { evaluateEpoch } from '../../lib/train/evaluate-epoch.js'
import { prepare } from '../../lib/train/prepare.js'
import { plan } from '../../lib/train/recipe.js'
import { closeSession, openSession } from '../../lib/train/session.js'
import { refused } from '../files/fixture.js'
import { vectorFile } from './runs.js'

/** Error message of a three-step epoch after which the raw weights are not finite. */
async function messageWith(ema: number): Promise<string> {
  const given = { data: await vectorFile('base'), preset: 'tiny', ema, epochs: 1 }
  const planned = plan('lstm', given)
  const data = await prepare(planned.train)
  const { node: spec } = findArchitecture('lstm').spec({ dim: 16, context: planned.train.context }, planned.model)
  const session = await openSession(planned, data, { spec, device: 'cpu', threads: 1, recompute: false })
  try {
    session.progress.epoch = 2
    session.progress.optimizer_steps = await native.trainerRun(session.trainer, 2, 0, Float64Array.of(1e-3, 1e-3, 1e-3))
    for (const { tensor } of native.modelState(session.model)) await Tensor.wrap(tensor).change('aten::fill_.Scalar', Number.NaN)
    return await refused(
      'DIVERGED',
      evaluateEpoch(session, 1e-3, new AbortController().signal, () => null),
    )
  } finally {
    closeSession(session)
    data.dispose()
  }
}

it.each([0, 0.99])(
  'DIVERGED names both losses, the epoch and the step when raw weights are not finite, with --ema %d',
  async (ema) => {
    expect(await messageWith(ema)).toBe(
      'training: the loss on the training windows is NaN and the loss on the validation windows is NaN after epoch 2 (step 3)',
    )
  },
)
