import { integer, orAuto, real } from '../options.js'

const training = { group: 'Training' }

/** Options of `train` whose value a test before the training can choose. */
export const testedFields = {
  batchSize: orAuto(
    integer<number>({
      default: 32,
      min: 1,
      about:
        'windows per batch; auto tries sizes before the training and takes the fastest that fits in memory and leaves at least 8 steps an epoch',
      ...training,
    }),
  ),
  lr: orAuto(
    real<number>({
      default: 5e-4,
      min: 1e-12,
      max: 10,
      about: 'learning rate of AdamW; auto chooses it by a range test of 200 steps before the training, and shows its curve',
      ...training,
    }),
  ),
} as const
