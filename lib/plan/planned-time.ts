import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { SAVE_SECONDS } from '../train/epochs.js'
import type { TrainSettings } from '../train/recipe.js'
import type { Measured } from './measured-training.js'
import type { PlannedTime } from './plan-document.js'
import type { Ceiling } from './product-rates.js'
import { type Counts, windowsOfRank } from './window-counts.js'
import { type Span, stepSpan, type Wire } from './wire.js'

/** Times of a step, of the evaluation of a window, and of a save on one rank. Units: seconds. */
export interface Pace {
  readonly from: 'measured' | 'ceiling'
  readonly step: number
  readonly evaluation: number
  readonly save: number
  readonly cpu_share: number | null
}

export const measuredPace = (measured: Measured): Pace => ({
  from: 'measured',
  step: measured.step_seconds,
  evaluation: measured.evaluation_seconds,
  save: measured.save_seconds,
  cpu_share: measured.cpu_share,
})

/**
 * Lower bounds from the speed of products and copies: two operations for each parameter and vector forward and four backward, two more
 * where layers are recomputed; the update reads weights, gradients and moments once and writes them once.
 */
export function ceilingPace(
  { gflops, gigabytes_per_second: copied }: Ceiling,
  o: { train: TrainSettings; spec: Node; vectors: number; context: number; ranks: number; recompute: boolean },
): Pace {
  const parameters = countParameters(o.spec)
  const each = o.train.weights === 'bf16' ? 2 : 4
  const perVector = (2 * parameters) / (1e9 * gflops)
  const shares = o.train.shardOptimizer ? o.ranks : 1
  const update = (parameters * each * (o.train.ema > 0 ? 9 : 7)) / shares / (1e9 * copied)
  return {
    from: 'ceiling',
    step: o.train.accumulate * o.vectors * perVector * (o.recompute ? 4 : 3) + update,
    evaluation: o.context * perVector,
    save: 0,
    cpu_share: null,
  }
}

/** Time of a whole training. Units: seconds. */
export function plannedTime(
  { from, step, evaluation, save, cpu_share }: Pace,
  o: { train: TrainSettings; counts: Counts; ranks: number; wire: Wire | null; bytesPerSecond: number; recompute: boolean },
): PlannedTime {
  const { train, counts } = o
  const steps = o.wire === null ? { least: step, most: step } : stepSpan(step, o.wire, { ...o, overlaps: !o.recompute })
  const kinds = train.ema > 0 ? 2 : 1
  const own = (windows: number) => windowsOfRank(windows, { ranks: o.ranks, call: counts.evaluated_at_once })
  const { val, test } = counts.windows
  const evaluated = evaluation * (own(val) * kinds + own(counts.judged) + (train.fold === undefined ? 0 : own(test)))
  const epochs = Math.ceil(counts.steps / counts.steps_per_epoch)
  const saves = (seconds: number) =>
    epochs +
    1 +
    Math.floor(seconds / SAVE_SECONDS) +
    (train.saveEvery === undefined ? 0 : Math.floor(counts.steps / train.saveEvery))
  const over = (of: (bound: number) => number): Span => ({ least: of(steps.least), most: of(steps.most) })
  return {
    from,
    computed_seconds: step,
    step_seconds: steps,
    evaluation_seconds: evaluated,
    epoch_seconds: over((each) => each * counts.steps_per_epoch + evaluated),
    training_seconds: over((each) => {
      const stepping = each * counts.steps
      return stepping + evaluated * (epochs + 1) + save * saves(stepping)
    }),
    cpu_share,
  }
}
