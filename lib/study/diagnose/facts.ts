import type { BaselineName } from '../../baselines/baselines-fit.js'
import type { History } from '../../checkpoint/run-manifest.js'
import type { Interval } from '../../evaluate/metrics.js'
import type { Estimate } from '../../statistics/estimates.js'
import { extremes } from '../../statistics/extremes.js'
import type { Spread } from '../../train/spread.js'
import type { Ablation } from './ablations.js'

/** A figure with its interval. */
export interface Figure {
  readonly value: number
  readonly ci95: Interval
}

export interface CurvePoint extends Figure {
  /** Offset from the target, in rows; −1 is the last vector of the context. */
  readonly offset: number
}

/** Mean cosines of predictions with the rows around the target, all on the same windows. */
export interface Curves {
  readonly windows: number
  readonly articles: number
  readonly run: readonly CurvePoint[]
  readonly reference: readonly CurvePoint[]
  readonly copy_last: readonly CurvePoint[]
}

/** Facts about a run's training, from its history. */
export interface Past {
  readonly epochs: number
  readonly best_epoch: number | null
  readonly cosine_epoch0: number | null
  readonly cosine_best: number | null
  readonly cosine_last: number | null
  /** Gain of validation cosine over the untrained model. */
  readonly gain: number | null
  /** Running loss of the last epoch divided by that of the first, minus 1; with one epoch, divided by the evaluated loss before it. */
  readonly running_loss_change: number | null
  /** Relative rise of the evaluated loss on training rows in the last epoch: the larger of those over the first epoch and over the untrained model. */
  readonly judged_loss_change: number | null
  /** Largest mean gradient norm of an epoch divided by the median. */
  readonly grad_norm_peak: number | null
  /** Mean output norm of the last epoch divided by that of the first. */
  readonly output_norm_growth: number | null
}

/** All figures that the patterns are tested on; diagnostics.json contains them. */
export interface Facts {
  readonly dim: number
  readonly output: 'raw' | 'unit'
  readonly leaky: boolean
  /** Share of the windows that were used for training; null when the data is not the training data. */
  readonly trained_on: number | null
  readonly articles: number
  readonly cosine: Figure
  /** Cosine minus that of the best baseline; null when windows were used for training, like generalisation and twins. */
  readonly skill: (Figure & { readonly against: BaselineName }) | null
  /** Mean cosine with targets of other articles, and the run's gain over it; `reference` has the same for the reference predictor. */
  readonly floor: number
  readonly gain: Estimate
  readonly reference: {
    readonly name: BaselineName
    readonly cosine: number
    readonly gain: number
    readonly identification: number
    readonly spread: Spread
  }
  /** Share of the targets of other articles that are farther from the prediction than its own target. */
  readonly identification: Figure
  /** Identification of the run minus that of the reference. */
  readonly identification_difference: Estimate
  readonly curves: Curves
  /** Cosine with the target minus cosine with the last context vector; an optimal predictor that shrinks can also be negative. */
  readonly margin: Figure & {
    /** The baseline that does not copy, ridge or context mean, that is nearer to the last vector, and its margin. */
    readonly against: BaselineName
    readonly expected: number
    readonly copy_last: number
    /** Margin of the run minus the expected one. */
    readonly difference: Estimate
    /** 0: the margin is the expected one; 1: it is that of copy_last. */
    readonly copying: number
  }
  /** Cosine at t + 1 minus at t, and at t − 4 (or the first vector) minus at t − 1; null without such rows. */
  readonly ahead: Estimate | null
  /** Largest value of `ahead` of a baseline; it is positive in a text that alternates. */
  readonly ahead_reference: number | null
  readonly behind: Estimate | null
  readonly behind_reference: number | null
  readonly ablations: readonly Ablation[]
  readonly dispersion: { readonly predictions: Spread; readonly targets: Spread }
  /** Mean cosine of predictions with the mean of the training targets. */
  readonly to_mean: number
  readonly norm: { readonly mean: number; readonly sd: number }
  readonly generalisation: {
    readonly train: number
    readonly judged: number
    readonly gap: Figure
    /** The gap as a share of the run's gain over the floor on its training rows; null for a gain below .01. */
    readonly share: number | null
    readonly reference_share: number | null
    readonly windows: number
  } | null
  /** Share of the evaluated targets with a near-duplicate in the training rows (cosine above .98). */
  readonly twins: number | null
  readonly past: Past
  /** Whether the history's cosine of the best epoch equals the measured one; null when they are of different rows. */
  readonly recorded: { readonly cosine: number; readonly measured: number; readonly equal: boolean } | null
  readonly other: Other | null
  readonly rollout_to_mean: number | null
  /** config.json of the run, with the options of its model; null if there is none. */
  readonly settings: Readonly<Record<string, unknown>> | null
}

/** Run and reference on other data, such as an out-of-domain file. */
export interface Other {
  readonly path: string
  readonly n: number
  readonly articles: number
  readonly cosine: Figure
  readonly reference: number
  /** Run minus reference on this data and on the evaluated rows, and the decrease between them. */
  readonly advantage: Figure
  readonly advantage_judged: Figure
  readonly loss: Figure
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Derives facts from the history of a run. */
export function pastOf(history: History | undefined): Past {
  const rows = history?.history ?? []
  const at = (epoch: number | null | undefined) => rows.find((row) => row.epoch === epoch)
  const best = at(history?.best_epoch)
  const trained = rows.filter(({ epoch }) => epoch > 0)
  const grads = trained.flatMap(({ grad_norm }) => (grad_norm === null ? [] : [grad_norm]))
  const typical = median(grads)
  const [first, last] = [trained[0], trained.at(-1)]
  const start = at(0)?.val_cosine ?? null
  const change = (to: number | null | undefined, from: number | null | undefined) => (to && from ? to / from - 1 : null)
  const running = change(last?.train_loss_running, trained.length > 1 ? first?.train_loss_running : at(0)?.train_loss)
  const rises = [at(0), ...(trained.length > 1 ? [first] : [])].flatMap((row) => change(last?.train_loss, row?.train_loss) ?? [])
  return {
    epochs: trained.length,
    best_epoch: history?.best_epoch ?? null,
    cosine_epoch0: start,
    cosine_best: best?.val_cosine ?? null,
    cosine_last: last?.val_cosine ?? null,
    gain: best === undefined || start === null ? null : best.val_cosine - start,
    running_loss_change: running,
    judged_loss_change: rises.length === 0 ? null : Math.max(...rises),
    grad_norm_peak: typical === undefined || typical === 0 ? null : extremes(grads).most / typical,
    output_norm_growth: first && last ? last.output_norm_mean / Math.max(1e-12, first.output_norm_mean) : null,
  }
}
