import type { History } from '../../checkpoint/run-manifest.js'
import type { BaselineName } from '../../evaluate/baselines-fit.js'
import type { Interval } from '../../evaluate/metrics.js'
import type { Estimate } from '../../statistics/estimates.js'
import { extremes } from '../../statistics/extremes.js'
import type { Ablation } from './ablations.js'
import type { Spread } from './spread.js'

/** A figure with its interval. */
export interface Figure {
  readonly value: number
  readonly ci95: Interval
}

export interface CurvePoint extends Figure {
  /** Rows from the target: −1 is the last vector of the context. */
  readonly offset: number
}

/** The cosine of predictions with the rows around the target, all on the same windows. */
export interface Curves {
  readonly windows: number
  readonly articles: number
  readonly run: readonly CurvePoint[]
  readonly reference: readonly CurvePoint[]
  readonly copy_last: readonly CurvePoint[]
}

/** How a run was trained, as its history tells it. */
export interface Past {
  readonly epochs: number
  readonly best_epoch: number | null
  readonly cosine_epoch0: number | null
  readonly cosine_best: number | null
  readonly cosine_last: number | null
  /** Validation cosine that training added. */
  readonly gain: number | null
  /** Running loss of the last epoch over that of the first, less 1; of a single epoch, over the judged loss before it. */
  readonly running_loss_change: number | null
  /** The largest rise of the judged loss on training rows: of the last epoch over the first and over the untrained model, less 1. */
  readonly judged_loss_change: number | null
  /** The largest mean gradient norm of an epoch over the median one. */
  readonly grad_norm_peak: number | null
  /** Mean output norm of the last epoch over that of the first. */
  readonly output_norm_growth: number | null
}

/** Everything about a run that patterns are looked for in; all of it stands in diagnostics.json. */
export interface Facts {
  readonly dim: number
  readonly output: 'raw' | 'unit'
  readonly leaky: boolean
  /** Share of the windows that were trained on; null where the data is not that of the training. */
  readonly trained_on: number | null
  readonly articles: number
  readonly cosine: Figure
  /** The best baseline, and the run's cosine less its; null where windows were trained on, as generalisation and twins are. */
  readonly skill: (Figure & { readonly against: BaselineName }) | null
  /** What knows nothing of the context reaches, and how much more the run does; the same of the reference. */
  readonly floor: number
  readonly gain: Estimate
  readonly reference: {
    readonly name: BaselineName
    readonly cosine: number
    readonly gain: number
    readonly identification: number
    readonly spread: Spread
  }
  /** Share of other articles' targets that are further from the prediction than its own. */
  readonly identification: Figure
  /** Of the run less that of the reference. */
  readonly identification_difference: Estimate
  readonly curves: Curves
  /** Cosine with the target less that with the last vector of the context: a shrunk optimal predictor has a negative one too. */
  readonly margin: Figure & {
    /** Of ridge and the context mean, which copy nothing, the one that is nearer to the last vector, and its margin. */
    readonly against: BaselineName
    readonly expected: number
    readonly copy_last: number
    /** Of the run less what is expected. */
    readonly difference: Estimate
    /** 0 where the margin is the expected one, 1 where it is that of copying. */
    readonly copying: number
  }
  /** Cosine at t + 1 less that at t, and at t − 4 (or the first vector) less that at t − 1; null where there are no such rows. */
  readonly ahead: Estimate | null
  /** The most of the first that a baseline has: a text that alternates comes back to what it said. */
  readonly ahead_reference: number | null
  readonly behind: Estimate | null
  readonly behind_reference: number | null
  readonly ablations: readonly Ablation[]
  readonly dispersion: { readonly predictions: Spread; readonly targets: Spread }
  /** Mean cosine of predictions with the training targets' mean. */
  readonly to_mean: number
  readonly norm: { readonly mean: number; readonly sd: number }
  readonly generalisation: {
    readonly train: number
    readonly judged: number
    readonly gap: Figure
    /** The gap as a share of what the run gains over the floor on rows it was trained on. */
    readonly share: number
    readonly reference_share: number
    readonly windows: number
  } | null
  /** Share of the judged targets that lie in the training rows too (cosine above .98). */
  readonly twins: number | null
  readonly past: Past
  /** Whether the figure that the history gives for the best epoch is what is measured now; null where they are of other rows. */
  readonly recorded: { readonly cosine: number; readonly measured: number; readonly equal: boolean } | null
  readonly other: Other | null
  readonly rollout_to_mean: number | null
  /** config.json of the run, with the options of its model; null where there is none. */
  readonly settings: Readonly<Record<string, unknown>> | null
}

/** The run on other data, such as an out-of-domain file, beside the reference. */
export interface Other {
  readonly path: string
  readonly n: number
  readonly articles: number
  readonly cosine: Figure
  readonly reference: number
  /** Run less reference here and on the judged rows, and by how much less it is here. */
  readonly advantage: Figure
  readonly advantage_judged: Figure
  readonly loss: Figure
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** What the history of a training says. */
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
