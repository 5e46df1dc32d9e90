import { judged } from '../evaluate/evaluate-fields.js'
import { choice, flag, integer, real, text } from '../options.js'
import { gateFields } from './quantize-fields.js'

const { rows: _, ...data } = judged

/** Options of `prune` beside the run. */
export const pruneFields = {
  sparsity: real({
    default: 0.3,
    min: 0,
    max: 0.99,
    about: 'share to remove: of the weights of all matrices, or of the heads or neurons of every layer',
    group: 'Run',
  }),
  structured: choice(['none', 'heads', 'neurons'], {
    default: 'none',
    about:
      'remove whole attention heads or feed-forward neurons, which makes the model smaller and faster; none sets single weights to zero',
    group: 'Run',
  }),
  saliency: choice(['magnitude', 'first-order'], {
    default: 'magnitude',
    about: 'criterion: smallest magnitude, or smallest first-order change of the loss on training windows',
    group: 'Run',
  }),
  finetune: integer({ default: 0, min: 0, max: 1000, about: 'epochs of training after pruning', group: 'Run' }),
  lr: real({
    default: undefined,
    min: 1e-12,
    max: 10,
    about: 'learning rate of these epochs; a fifth of the run’s own unless given',
    group: 'Run',
  }),
  ...gateFields,
  ...data,
  latency: real({ default: 1.5, min: 0.01, max: 600, about: 'seconds of timing for each batch size', group: 'Run' }),
  name: text({
    default: undefined,
    about: 'name of the new run, in the folder of the old one; the old name with _pruned unless given',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    group: 'Run',
  }),
  overwrite: flag({ default: false, about: 'replace an existing run', group: 'Run' }),
} as const
