import { columnFields, dataFields } from '../data/data-fields.js'
import { choice, type Fields, factors, flag, integer, list, real, text } from '../options.js'
import { type Architecture, PRESETS } from '../spec/architecture.js'
import { encoderField } from '../text/space/encoder-of-base.js'
import { runFields } from './run-fields.js'
import { testedFields } from './tested-fields.js'

const training = { group: 'Training' }
const data = { group: 'Data' }

/** Options of `train` other than those of the model. The defaults are those of the specification. */
export const trainFields = {
  data: text({
    default: undefined,
    about:
      'file of vectors: .npy or .npz with a .jsonl beside it, .safetensors, .parquet, .arrow, .feather, .jsonl, .csv, .pt or .h5',
    ...data,
  }),
  ...columnFields,
  ...dataFields,
  encoder: encoderField,
  context: integer({ default: 5, min: 1, about: 'vectors per context', ...data }),
  history: text({
    default: undefined,
    about: 'instead of --context: up to this many vectors before the target in its article, or article for all of them',
    expected: 'article or a number of vectors',
    matches: /^(article|[1-9]\d{0,8})$/,
    ...data,
  }),
  minHistory: integer({
    default: 5,
    min: 1,
    about: 'fewest vectors of a context, with --history; the targets are the same for every history',
    ...data,
  }),
  split: choice(['articles', 'windows', 'file'], {
    default: 'articles',
    about:
      'how validation data is held out: whole articles, random windows (leaky: neighbours share vectors), or a separate file',
    ...data,
  }),
  val: text({ default: undefined, about: 'validation file, with --split file', ...data }),
  test: real({ default: 0, min: 0, max: 0.8, about: 'fraction held out from both training and model selection', ...data }),
  fold: text({
    default: undefined,
    about: 'hold out part i of k parts of the articles as test part; over 1/k to k/k each article is held out once',
    expected: 'i/k, such as 1/5',
    matches: /^\d{1,4}\/\d{1,4}$/,
    ...data,
  }),
  splitSeed: integer({
    default: undefined,
    min: 0,
    about: 'seed of the split alone, so that trainings with different seeds are judged on the same rows; if omitted, --seed',
    ...data,
  }),
  maxWindows: integer({
    default: undefined,
    min: 1,
    about: 'limit the windows used for training, and those for validation',
    ...data,
  }),

  recipe: choice(['prd', 'strong', 'retrieve', 'small', 'lcm'], {
    default: 'prd',
    about:
      'set of defaults, which flags override; strong (for cosine) and retrieve (for Top-10) were chosen on 36,801 windows, small on 1,244',
    ...training,
  }),
  epochs: integer({ default: 20, min: 0, about: 'passes over the training windows', ...training }),
  maxSteps: integer({
    default: undefined,
    min: 1,
    about: 'stop after this many optimizer steps',
    ...training,
  }),
  batchSize: testedFields.batchSize,
  batchVectors: integer({
    default: 4096,
    min: 1,
    about:
      'vectors read at once, with --history; with --objective sequence a batch is as many articles as have about so many vectors',
    ...training,
  }),
  shuffleBuffer: integer({
    default: undefined,
    min: 1,
    about:
      'shuffle so many windows at a time, which are 32 stretches of the data at random places, instead of all windows: for data on a slow disk that does not fit in memory',
    ...training,
  }),
  accumulate: integer({ default: 1, min: 1, about: 'batches per optimizer step (gradient accumulation)', ...training }),
  lr: testedFields.lr,
  weightDecay: real({ default: 0.01, min: 0, max: 10, about: 'decoupled weight decay', ...training }),
  beta1: real({ default: 0.9, min: 0, max: 0.999999, about: 'decay of the first moment', ...training }),
  beta2: real({ default: 0.999, min: 0, max: 0.9999999, about: 'decay of the second moment', ...training }),
  eps: real({
    default: 1e-8,
    min: 0,
    max: 1,
    about:
      'term that AdamW adds to the square root of the second moment; all models except lstm, gru and transformer use 1e-10, because their gradients are smaller',
    ...training,
  }),
  clip: real({ default: 1, min: 0, about: 'largest global gradient norm; 0 turns clipping off', ...training }),
  schedule: choice(['plateau', 'warmup-cosine', 'constant'], {
    default: 'plateau',
    about: 'learning-rate schedule',
    ...training,
  }),
  plateauFactor: real({
    default: 0.5,
    min: 0.01,
    max: 0.99,
    about: 'factor applied to the learning rate on a plateau',
    ...training,
  }),
  plateauPatience: integer({
    default: 3,
    min: 0,
    about: 'epochs without improvement before the learning rate drops',
    ...training,
  }),
  extend: choice(['constant', 'restart', 'replan'], {
    default: undefined,
    about:
      'train beyond the planned steps of --schedule warmup-cosine: constant keeps the last rate, restart runs warm-up and cosine over the new steps, replan one cosine over all steps',
    ...training,
  }),
  warmup: real({
    default: 0.05,
    min: 0,
    max: 0.9,
    about: 'fraction of all steps used for warm-up, with --schedule warmup-cosine',
    ...training,
  }),
  objective: choice(['last', 'sequence'], {
    default: 'last',
    about:
      'predict the vector after the context (last), or the next vector at every position (sequence, for causal models only); with --history sequence reads each article once for all its targets',
    ...training,
  }),
  loss: choice(['mse', 'cosine', 'contrastive', 'mse+contrastive'], {
    default: 'mse',
    about:
      'training loss: squared error asks for a mean of the possible targets; contrastive (InfoNCE) for a vector that finds the target among other rows',
    ...training,
  }),
  contrastiveWeight: real({
    default: 0.9,
    min: 0.001,
    max: 0.999,
    about:
      'weight of the contrastive loss, with --loss mse+contrastive; the rest is that of the squared error, summed over dimensions and relative to the mean squared length of the targets (2 − 2 cosine for unit vectors)',
    ...training,
  }),
  negatives: integer({
    default: 4096,
    min: 1,
    about: 'training rows drawn in each step as negatives, beside the other targets of a batch, with a contrastive --loss',
    ...training,
  }),
  select: choice(['loss', 'cosine', 'top10'], {
    default: undefined,
    about:
      'validation figure that chooses the best epoch and stops early; if omitted, the loss, or top10 with a contrastive --loss',
    ...training,
  }),
  valRetrieval: flag({
    default: false,
    about:
      'rank the validation targets in a fixed pool after each epoch (Top-10, MRR), as a contrastive --loss and --select top10 always do',
    ...training,
  }),
  ema: real({
    default: 0,
    min: 0,
    max: 0.999999,
    about:
      'decay of the moving average of the weights (EMA), warmed up as min(ema, (1 + t) / (10 + t)); the better of raw and averaged weights is kept; 0 turns it off',
    ...training,
  }),
  earlyStop: integer({
    default: undefined,
    min: 1,
    about: 'stop after this many epochs without improvement',
    ...training,
  }),
  precision: choice(['fp32', 'bf16'], {
    default: 'fp32',
    about: 'precision of matrix products in training; weights stay fp32',
    ...training,
  }),
  weights: choice(['fp32', 'bf16'], {
    default: 'fp32',
    about:
      'precision of weights, gradients and moments: fp32 takes 16 bytes per parameter, bf16 takes 8 with stochastic rounding; the model lcm uses bf16',
    ...training,
  }),
  recompute: choice(['auto', 'on', 'off'], {
    default: 'auto',
    about:
      'recompute layers in the backward pass instead of storing activations: less memory, a third more time, the same result',
    ...training,
  }),
  keepZeros: flag({
    default: false,
    about: 'keep matrix weights at zero that are zero at the start, as after prune',
    ...training,
  }),
  freeze: list({
    about:
      'parameters that are not trained: their names, where * stands for any characters, such as in_proj.*,core.*; with --init, to train the rest of a model',
    expected: 'names of parameters, separated by commas',
    ...training,
  }),
  lrScale: factors({
    about:
      'factors of the learning rate by names of parameters, where * stands for any characters, such as core.*=0.1; the last that fits a parameter counts',
    expected: 'names with factors above 0, such as core.*=0.1,head.*=2',
    ...training,
  }),
  trainEval: text({
    default: '4096',
    about: 'training windows to evaluate after each epoch: a number, or all',
    expected: 'a number of windows or all',
    matches: /^(all|[1-9]\d*)$/,
    ...training,
  }),

  preset: choice(PRESETS, { default: 'target', about: 'model size', group: 'Model' }),
  init: text({
    default: undefined,
    about: 'initial weights: a run, or published weights (file or folder); missing layers are initialised at random',
    group: 'Model',
  }),

  ...runFields,
} as const

/** `trainFields` with the defaults of one architecture. */
export const trainFieldsOf = ({ training = {} }: Architecture): Fields =>
  Object.fromEntries(
    Object.entries(trainFields).map(([key, field]) => [key, key in training ? { ...field, default: training[key] } : field]),
  )
