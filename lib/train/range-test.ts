import type { LrTest } from '../checkpoint/run-manifest.js'
import { asLvmError, LvmError } from '../errors.js'
import { native } from '../native.js'
import type { Session } from './session.js'

/** Rates of the test: from the lowest to the highest in so many steps, each a constant factor above the last one. */
const RANGE = { from: 1e-6, to: 1, steps: 100 }
/** Weight of the past in the smoothed loss. */
const SMOOTHING = 0.9
/** The test ends when the smoothed loss exceeds its lowest value by this factor, or after so many seconds. */
const LIMITS = { factor: 4, seconds: 30 }
/** The chosen rate is this fraction of the rate with the lowest smoothed loss. */
const MARGIN = 0.1

/** Trains one step at each rate; returns the smoothed losses. */
async function sweep({ trainer, steps }: Session, signal: AbortSignal): Promise<Pick<LrTest, 'curve' | 'ended'>> {
  const curve: { lr: number; loss: number }[] = []
  const start = performance.now()
  let [mean, lowest] = [0, Number.POSITIVE_INFINITY]
  for (let i = 0; i < RANGE.steps; i++) {
    if (performance.now() - start > 1000 * LIMITS.seconds) return { curve, ended: 'time' }
    const lr = RANGE.from * (RANGE.to / RANGE.from) ** (i / (RANGE.steps - 1))
    native.trainerSums(trainer, { loss: 0, gradNorm: 0, windows: 0, steps: 0 })
    try {
      await native.trainerRun(trainer, 1 + Math.floor(i / steps), i % steps, Float64Array.of(lr))
    } catch (error) {
      if (asLvmError(error).code !== 'DIVERGED') throw error
      return { curve, ended: 'diverged' }
    }
    if (signal.aborted) throw new LvmError('INTERRUPTED', 'train: interrupted during the learning-rate range test')
    const { loss, windows } = native.trainerSums(trainer)
    mean = SMOOTHING * mean + ((1 - SMOOTHING) * loss) / windows
    const smoothed = mean / (1 - SMOOTHING ** (i + 1))
    curve.push({ lr, loss: smoothed })
    lowest = Math.min(lowest, smoothed)
    if (smoothed > LIMITS.factor * lowest) return { curve, ended: 'diverged' }
  }
  return { curve, ended: 'range' }
}

/**
 * Chooses a learning rate with a session that is thrown away: a tenth of the rate at which the smoothed loss is lowest.
 *
 * Source: learning-rate range test, Smith 2017, arXiv:1506.01186, section 3.3, with exponential steps; the fraction is our own.
 */
export async function rangeTest(session: Session, signal: AbortSignal): Promise<LrTest> {
  const { curve, ended } = await sweep(session, signal)
  const best = curve.reduce((a, b) => (b.loss < a.loss ? b : a))
  return { lr: Number((MARGIN * best.lr).toPrecision(2)), lowest: best, ended, curve }
}
