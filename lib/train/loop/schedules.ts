import { type Given, integer, real } from '../../options.js'
import type { TrainSettings } from '../recipe.js'
import { afterEpoch, freshSchedule, planned, rates } from '../schedule.js'
import { trainFields } from '../train-fields.js'
import { settled } from './settled.js'

const lr = real({ default: 1e-3, min: 0, max: 1000, about: 'learning rate to begin with, or after warm-up' })
export const warmupCosineFields = {
  lr,
  steps: integer({ default: 1000, min: 1, about: 'optimizer steps of the whole training' }),
  warmup: trainFields.warmup,
} as const
export const plateauFields = { lr, factor: trainFields.plateauFactor, patience: trainFields.plateauPatience } as const

/** Returns the learning rate of each step, from 0: warm-up, then a cosine to 0. Source: Loshchilov & Hutter 2017, arXiv:1608.03983. */
export function warmupCosine(options: Given<typeof warmupCosineFields>): (step: number) => number {
  const { steps, ...o } = settled('warmupCosine', warmupCosineFields, options)
  const settings = { ...o, schedule: 'warmup-cosine' } as TrainSettings
  const state = { schedule: freshSchedule(o.lr), plan: planned(steps) }
  return (step) => rates(settings, state, step, 1)[0]!
}

/** Returns a function that takes the loss of each epoch and gives the learning rate of the next. Source: torch.optim.lr_scheduler.ReduceLROnPlateau. */
export function plateau(options: Given<typeof plateauFields>): (loss: number) => number {
  const { lr, factor, patience } = settled('plateau', plateauFields, options)
  const settings = { schedule: 'plateau', plateauFactor: factor, plateauPatience: patience } as TrainSettings
  let state = freshSchedule(lr)
  return (loss) => {
    state = afterEpoch(settings, state, loss)
    return state.lr
  }
}
