import type { TrainSettings } from './recipe.js'

/** What a learning-rate schedule remembers; plain numbers, so that a checkpoint holds it. */
export interface ScheduleState {
  lr: number
  best: number | null
  bad: number
}
export const freshSchedule = (lr: number): ScheduleState => ({ lr, best: null, bad: 0 })

/**
 * The learning rates of `count` steps from step `from` (counted over the whole training) on.
 *
 * Source: warm-up and cosine as in Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
 */
export function rates(o: TrainSettings, state: ScheduleState, from: number, count: number, total: number): Float64Array {
  if (o.schedule !== 'warmup-cosine') return new Float64Array(count).fill(state.lr)
  const warm = Math.max(1, Math.round(o.warmup * total))
  return Float64Array.from({ length: count }, (_, i) => {
    const step = from + i
    if (step < warm) return (o.lr * (step + 1)) / warm
    return 0.5 * o.lr * (1 + Math.cos(Math.PI * Math.min(1, (step - warm) / Math.max(1, total - warm))))
  })
}

/** After an epoch: torch.optim.lr_scheduler.ReduceLROnPlateau with its default threshold, in double. */
export function afterEpoch(o: TrainSettings, state: ScheduleState, loss: number): ScheduleState {
  if (o.schedule !== 'plateau') return state
  if (state.best === null || loss < state.best * (1 - 1e-4)) return { ...state, best: loss, bad: 0 }
  if (state.bad + 1 <= o.plateauPatience) return { ...state, bad: state.bad + 1 }
  const lr = state.lr * o.plateauFactor
  return { ...state, lr: state.lr - lr > 1e-8 ? lr : state.lr, bad: 0 }
}
