import { dataFields } from '../data/data-fields.js'
import { choice, type Fields, flag, integer, real, text } from '../options.js'
import { type Architecture, PRESETS } from '../spec/architecture.js'

const training = { group: 'Training' }
const data = { group: 'Data' }
const run = { group: 'Run' }

/** Everything that `train` takes beside the options of the model. The defaults are the PRD's. */
export const trainFields = {
  data: text({ default: undefined, about: 'file of vectors: .npz, .npy with a .jsonl beside it, or .safetensors', ...data }),
  ...dataFields,
  context: integer({ default: 5, min: 1, about: 'vectors in a context', ...data }),
  split: choice(['articles', 'windows', 'file'], {
    default: 'articles',
    about: 'what is held out: whole articles, random windows (leaky: neighbours share vectors), or a file of its own',
    ...data,
  }),
  val: text({ default: undefined, about: 'validation file, with --split file', ...data }),
  test: real({ default: 0, min: 0, max: 0.8, about: 'fraction that neither training nor selection sees', ...data }),
  maxWindows: integer<number | undefined>({
    default: undefined,
    min: 1,
    about: 'use at most so many windows for training, and for validation',
    ...data,
  }),

  recipe: choice(['prd', 'strong', 'small', 'lcm'], {
    default: 'prd',
    about: 'a set of defaults; flags override it; strong was chosen on 36,801 windows, small on 1,244',
    ...training,
  }),
  epochs: integer({ default: 20, min: 0, about: 'passes over the training windows', ...training }),
  maxSteps: integer<number | undefined>({ default: undefined, min: 1, about: 'stop after so many optimizer steps', ...training }),
  batchSize: integer({ default: 32, min: 1, about: 'windows in a batch', ...training }),
  accumulate: integer({ default: 1, min: 1, about: 'batches whose gradients make one step', ...training }),
  lr: real({ default: 5e-4, min: 1e-12, max: 10, about: 'learning rate of AdamW', ...training }),
  weightDecay: real({ default: 0.01, min: 0, max: 10, about: 'decoupled weight decay', ...training }),
  beta1: real({ default: 0.9, min: 0, max: 0.999999, about: 'decay of the first moment', ...training }),
  beta2: real({ default: 0.999, min: 0, max: 0.9999999, about: 'decay of the second moment', ...training }),
  eps: real({
    default: 1e-8,
    min: 0,
    max: 1,
    about:
      'added to the root of the second moment; 1e-10 for all models but lstm, gru and transformer, because their gradients are smaller',
    ...training,
  }),
  clip: real({ default: 1, min: 0, about: 'largest global gradient norm; 0 for no clipping', ...training }),
  schedule: choice(['plateau', 'warmup-cosine', 'constant'], {
    default: 'plateau',
    about: 'how the learning rate changes',
    ...training,
  }),
  plateauFactor: real({
    default: 0.5,
    min: 0.01,
    max: 0.99,
    about: 'what a plateau multiplies the learning rate by',
    ...training,
  }),
  plateauPatience: integer({ default: 3, min: 0, about: 'epochs without improvement that a plateau lasts', ...training }),
  extend: choice(['constant', 'restart', 'replan'], {
    default: undefined,
    about:
      'go on beyond the steps that --schedule warmup-cosine was planned for: at the last rate, with warm-up and cosine over the new steps, or with one cosine over all steps',
    ...training,
  }),
  warmup: real({
    default: 0.05,
    min: 0,
    max: 0.9,
    about: 'share of all steps that warm-up takes, with --schedule warmup-cosine',
    ...training,
  }),
  objective: choice(['last', 'sequence'], {
    default: 'last',
    about: 'predict what follows the context, or at every position what follows it; causal models only',
    ...training,
  }),
  loss: choice(['mse', 'cosine'], { default: 'mse', about: 'what is minimised', ...training }),
  ema: real({
    default: 0,
    min: 0,
    max: 0.999999,
    about:
      'decay of averaged weights, which it rises to as min(ema, (1 + t) / (10 + t)); the better of raw and averaged weights is kept; 0 for none',
    ...training,
  }),
  earlyStop: integer<number | undefined>({
    default: undefined,
    min: 1,
    about: 'stop after so many epochs without a better one',
    ...training,
  }),
  precision: choice(['fp32', 'bf16'], { default: 'fp32', about: 'of products while training; weights stay fp32', ...training }),
  weights: choice(['fp32', 'bf16'], {
    default: 'fp32',
    about:
      'of weights, gradients and moments: 16 or 8 bytes a parameter; bf16 is rounded at random, right in the mean; lcm has bf16',
    ...training,
  }),
  recompute: choice(['auto', 'on', 'off'], {
    default: 'auto',
    about: 'compute layers again in the backward pass instead of keeping them: less memory, a third more time, the same result',
    ...training,
  }),
  keepZeros: flag({
    default: false,
    about: 'weights of matrices that are zero at the start stay zero, as after prune',
    ...training,
  }),
  trainEval: text({
    default: '4096',
    about: 'training windows that are evaluated after each epoch: a number, or all',
    expected: 'a number of windows or all',
    matches: /^(all|[1-9]\d*)$/,
    ...training,
  }),

  preset: choice(PRESETS, { default: 'target', about: 'size of the model', group: 'Model' }),
  init: text({
    default: undefined,
    about: 'weights to start from, those of a run or published ones (file or folder); layers that they lack are new',
    group: 'Model',
  }),

  name: text({
    default: undefined,
    about: 'name of the run; the folder of the model unless given',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    ...run,
  }),
  out: text({ default: 'artifacts/lvm/models', about: 'where runs are kept', ...run }),
  resume: flag({ default: false, about: 'go on where the run stopped, with its own options', ...run }),
  force: flag({ default: false, about: 'train although the audit of the data fails', ...run }),
  overwrite: flag({ default: false, about: 'replace a run that exists', ...run }),
  saveEvery: integer<number | undefined>({
    default: undefined,
    min: 1,
    about: 'save every so many steps, beside each epoch and every 5 minutes',
    ...run,
  }),
  seed: integer({ default: 0, min: 0, about: 'of split, initial weights, order and dropout', ...run }),
  device: text({ default: 'auto', about: 'cpu, cuda[:n], mps, or auto', ...run }),
  threads: integer<number | undefined>({
    default: undefined,
    min: 1,
    max: 1024,
    about: 'processor threads; those of OMP_NUM_THREADS, or all that this process may use, unless given',
    ...run,
  }),
} as const

/** The same with the defaults of one architecture. */
export const trainFieldsOf = ({ training = {} }: Architecture): Fields =>
  Object.fromEntries(
    Object.entries(trainFields).map(([key, field]) => [key, key in training ? { ...field, default: training[key] } : field]),
  )
