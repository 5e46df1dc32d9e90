import type { Stretch } from '../checkpoint/run-manifest.js'
import { badOption, LvmError } from '../errors.js'
import type { TrainSettings } from './recipe.js'

/** State of a learning-rate schedule; plain numbers, so that a checkpoint can store it. */
export interface ScheduleState {
  lr: number
  best: number | null
  bad: number
}
export const freshSchedule = (lr: number): ScheduleState => ({ lr, best: null, bad: 0 })

/** Optimizer steps of a whole training, given those of one epoch. */
export const totalSteps = ({ epochs, maxSteps }: TrainSettings, perEpoch: number): number =>
  Math.min(epochs * perEpoch, maxSteps ?? Infinity)

/** Plan of a training of `total` steps. */
export const planned = (total: number): Stretch[] => [{ kind: 'planned', since: 0, from: 0, to: total }]

/**
 * Plan of a run that resumes after `done` steps and trains to `total`.
 *
 * Errors: BAD_OPTION when the schedule was planned for fewer steps and `extend` is not given.
 */
export function extended(o: TrainSettings, plan: readonly Stretch[], total: number, done: number): readonly Stretch[] {
  const last = plan.at(-1)!
  if (o.schedule !== 'warmup-cosine') {
    if (o.extend === undefined) return planned(total) // the rates do not depend on the plan
    throw badOption('train', 'extend', 'no value without "schedule" warmup-cosine, where it has no effect,', o.extend)
  }
  if (done === 0 && o.extend === undefined) return planned(total)
  const isLast = total === last.to && o.extend === last.kind // the interrupted command is repeated
  if (total <= last.to) {
    if (o.extend === undefined || isLast) return plan
    throw badOption('train', 'extend', `no value up to step ${last.to}, where the planned schedule ends,`, o.extend)
  }
  if (o.extend === undefined)
    throw new LvmError(
      'BAD_OPTION',
      `train: expected at most ${last.to} steps, where the planned warm-up and cosine of this run end, but received ${total}`,
      {
        hint: 'choose the further learning rate: --extend constant (the last rate), restart (warm-up and cosine over the new steps) or replan (one cosine over all steps: the rate jumps, and the result differs from a single run of as many epochs)',
      },
    )
  const beyond = o.extend === 'replan' ? { since: done, from: 0 } : { since: last.to, from: last.to }
  return [...plan, { kind: o.extend, ...beyond, to: total }]
}

/** Source: warm-up and cosine as in Loshchilov & Hutter 2017, arXiv:1608.03983; `restart` is its warm restart. */
function warmupCosine(o: TrainSettings, plan: readonly Stretch[], step: number): number {
  const index = plan.findLastIndex(({ since }) => since <= step)
  const { kind, from, to } = plan[index]!
  if (kind === 'constant') return warmupCosine(o, plan.slice(0, index), from - 1)
  const [total, at] = [to - from, step - from]
  const warm = Math.max(1, Math.round(o.warmup * total))
  if (at < warm) return (o.lr * (at + 1)) / warm
  return 0.5 * o.lr * (1 + Math.cos(Math.PI * Math.min(1, (at - warm) / Math.max(1, total - warm))))
}

/** Learning rates of `count` steps, beginning with step `from` of the whole training. */
export const rates = (
  o: TrainSettings,
  { schedule, plan }: { schedule: ScheduleState; plan?: readonly Stretch[] },
  from: number,
  count: number,
): Float64Array =>
  Float64Array.from({ length: count }, (_, i) =>
    o.schedule === 'warmup-cosine' ? warmupCosine(o, plan!, from + i) : schedule.lr,
  )

/** Advances the schedule after an epoch. Source: torch.optim.lr_scheduler.ReduceLROnPlateau with its default threshold, in double. */
export function afterEpoch(o: TrainSettings, state: ScheduleState, loss: number): ScheduleState {
  if (o.schedule !== 'plateau') return state
  if (state.best === null || loss < state.best * (1 - 1e-4)) return { ...state, best: loss, bad: 0 }
  if (state.bad + 1 <= o.plateauPatience) return { ...state, bad: state.bad + 1 }
  const lr = state.lr * o.plateauFactor
  return { ...state, lr: state.lr - lr > 1e-8 ? lr : state.lr, bad: 0 }
}
