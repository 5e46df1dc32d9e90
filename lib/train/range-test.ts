import type { LrTest } from '../checkpoint/tested-settings.js'
import { asLvmError } from '../errors.js'
import { native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { stoppedBefore } from './before-first-step.js'
import type { Session } from './session.js'
import { chosenRate, RATES } from './tested-rates.js'
import type { Told } from './train-events.js'

/** Least time between two events of progress. Units: ms. */
const EVERY = 500

/** Makes a step with each rate; gives the loss of each step's windows before it, up to a step that diverges at a rate above 0. */
async function* losses({ trainer, steps }: Session, rates: readonly number[], signal: AbortSignal): AsyncGenerator<number> {
  for (const [i, lr] of rates.entries()) {
    native.trainerSums(trainer, { loss: 0, gradNorm: 0, windows: 0, steps: 0 })
    try {
      await native.trainerRun(trainer, 1 + Math.floor(i / steps), i % steps, Float64Array.of(lr))
    } catch (error) {
      if (asLvmError(error).code === 'DIVERGED' && lr > 0) return
      throw error
    }
    if (signal.aborted) throw stoppedBefore(signal)
    const { loss, windows } = native.trainerSums(trainer)
    yield loss / windows
  }
}

/** Sets an optimizer back to before its first step, so that the same steps draw the same dropout and negatives again. */
async function restart({ trainer, contrastive }: Session, temperature: ReturnType<typeof native.trainerTemperature>) {
  for (const { m, v } of native.trainerState(trainer).slots)
    for (const moment of [m, v]) await Tensor.wrap(moment).change('aten::zero_')
  native.trainerSetSteps(trainer, 0)
  if (contrastive) native.trainerTemperature(trainer, temperature)
}

/**
 * Chooses a learning rate with a session that is thrown away: first the losses of the untrained model on the batches of the test, with a
 * rate of 0, then those of a model that is trained on them with a growing rate.
 *
 * Errors: INTERRUPTED, TERMINATED.
 */
export async function* rangeTest(session: Session, signal: AbortSignal): AsyncGenerator<Told, LrTest> {
  const stop = () => native.trainerStop(session.trainer)
  signal.addEventListener('abort', stop)
  const [start, steps] = [performance.now(), 2 * RATES.length]
  let told = Number.NEGATIVE_INFINITY
  try {
    if (signal.aborted) throw stoppedBefore(signal)
    const temperature = native.trainerTemperature(session.trainer)
    const found: number[][] = []
    for (const rates of [RATES.map(() => 0), RATES]) {
      const own: number[] = []
      found.push(own)
      for await (const loss of losses(session, rates, signal)) {
        own.push(loss)
        const now = performance.now()
        if (now - told < EVERY) continue
        told = now
        const step = (found.length - 1) * RATES.length + own.length
        yield { type: 'lr_test_progress', step, steps, seconds_left: ((now - start) / 1000 / step) * (steps - step) }
      }
      if (found.length === 1) await restart(session, temperature)
    }
    const [untrained, trained] = found as [number[], number[]]
    const test = chosenRate(untrained, trained, session.plan.train.lr)
    yield { type: 'lr_test', ...test }
    return test
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
