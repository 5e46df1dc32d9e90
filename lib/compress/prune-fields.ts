import { judged } from '../evaluate/evaluate-fields.js'
import { choice, flag, integer, real, text } from '../options.js'
import { gateFields } from './quantize-fields.js'

const { rows: _, ...data } = judged

/** What `prune` takes beside the run. */
export const pruneFields = {
  sparsity: real({
    default: 0.3,
    min: 0,
    max: 0.99,
    about: 'share that goes: of the weights of all matrices, or of the heads or neurons of every layer',
    group: 'Run',
  }),
  structured: choice(['none', 'heads', 'neurons'], {
    default: 'none',
    about:
      'remove whole attention heads or feed-forward neurons, which makes the model smaller and faster; single weights otherwise',
    group: 'Run',
  }),
  saliency: choice(['magnitude', 'first-order'], {
    default: 'magnitude',
    about: 'what goes first: the smallest, or what changes the loss least to first order, on training windows',
    group: 'Run',
  }),
  finetune: integer({ default: 0, min: 0, max: 1000, about: 'epochs of training that follow', group: 'Run' }),
  lr: real<number | undefined>({
    default: undefined,
    min: 1e-12,
    max: 10,
    about: 'learning rate of these epochs; a fifth of that of the run unless given',
    group: 'Run',
  }),
  ...gateFields,
  ...data,
  latency: real({ default: 1.5, min: 0.01, max: 600, about: 'seconds of timing for each batch size', group: 'Run' }),
  name: text({
    default: undefined,
    about: 'name of the new run, beside the old one; the old name with _pruned unless given',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    group: 'Run',
  }),
  overwrite: flag({ default: false, about: 'replace a run that exists', group: 'Run' }),
} as const
