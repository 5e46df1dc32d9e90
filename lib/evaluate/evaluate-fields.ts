import { columnFields, dataFields } from '../data/data-fields.js'
import { badOption } from '../errors.js'
import { choice, flag, integer, real, text } from '../options.js'
import { generatorFields } from '../text/decode/sentence-generator.js'

/** Options that every verb that evaluates a run accepts. */
export const judged = {
  data: text({ default: undefined, about: 'file of vectors; the training file if not given', group: 'Data' }),
  ...columnFields,
  ...dataFields,
  rows: choice(['auto', 'train', 'val', 'test', 'all'], {
    default: 'auto',
    about:
      'windows to evaluate; auto: the validation windows (of a fold the test windows) if the data is the training data, otherwise all; no verdict on windows used for training',
    group: 'Data',
  }),
  device: text({ default: 'auto', about: 'cpu, cuda[:n], mps, or auto', group: 'Run' }),
  threads: integer({
    default: undefined,
    min: 1,
    max: 1024,
    about: 'CPU threads; the number used in training if not given',
    group: 'Run',
  }),
}

/** Options of verbs whose work several processes can share. */
export const sharedFields = {
  processes: integer({
    default: undefined,
    min: 1,
    max: 256,
    about: 'share predictions and searches among this many processes on this machine; the scores do not depend on it',
    group: 'Run',
  }),
  rankTimeout: integer({
    default: undefined,
    min: 1,
    max: 86_400,
    about: 'seconds after which a process that does not answer ends work in several processes; if omitted, 300',
    group: 'Run',
  }),
} as const

/** The option of verbs that pool the folds of a run. */
export const foldsField = flag({
  default: false,
  about: 'name runs without -foldIofK: judge each fold on the articles that it held out, and pool all of them',
  group: 'Data',
})

/** Errors: BAD_OPTION for other data or rows with `folds`, which are judged on the articles that they held out. */
export function requireOwnRows(owner: string, { data, rows }: { readonly data?: unknown; readonly rows: string }): void {
  if (data !== undefined)
    throw badOption(
      owner,
      'data',
      'no value with "folds", which are judged on their own data,',
      data,
      'leave --data or --folds out',
    )
  if (rows !== 'auto')
    throw badOption(
      owner,
      'rows',
      'no value with "folds", which are judged on the articles that they held out,',
      rows,
      'leave --rows out',
    )
}

/** Options of `evaluate`, besides the runs. Those of `generatorFields` need a decoder. */
export const evaluateFields = {
  ...judged,
  folds: foldsField,
  decoder: text({
    default: undefined,
    about: "folder of a vec2text decoder: also generate a sentence for the prediction of each of the report's ten windows",
    expected: 'the folder of a decoder',
    group: 'Text',
  }),
  ...generatorFields,
  latency: real({
    default: 0.4,
    min: 0,
    max: 600,
    about: 'seconds of timing per batch size; 0 skips latency',
    group: 'Run',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder to write the reports to', group: 'Run' }),
  ...sharedFields,
} as const

/** Options of `predict`, besides the run. */
export const predictFields = {
  ...judged,
  stream: flag({
    default: false,
    about: 'read each article from its beginning, one vector at a time, instead of windows; causal models only',
    group: 'Data',
  }),
  raw: flag({
    default: false,
    about: 'write the raw output of the head, in the scale of the loss, instead of vectors of length 1',
    group: 'Run',
  }),
  out: text({
    default: undefined,
    about: '.npy file to write, new or of an earlier call; a .json file beside it lists the predicted rows and the scale',
    group: 'Run',
  }),
} as const

/** Options of `rollout`, besides the run. */
export const rolloutFields = {
  ...judged,
  steps: integer({
    default: 5,
    min: 1,
    max: 1000,
    about: 'number of vectors to predict; each prediction is fed back as input',
    group: 'Run',
  }),
  memory: choice(['auto', 'stream', 'window'], {
    default: 'auto',
    about: 'stream: keep a state over all inputs (causal models only); window: read only the last context vectors',
    group: 'Run',
  }),
  text: flag({
    default: false,
    about: 'also show some rollouts as sentences: at each step the stored one nearest to the prediction, and the true one',
    group: 'Run',
  }),
} as const

/** Options of `doctor`, besides the runs. */
export const doctorFields = {
  ...judged,
  ood: text({
    default: undefined,
    about: 'file of other texts to compare the runs on, such as another domain',
    group: 'Data',
  }),
  steps: integer({
    default: 5,
    min: 0,
    max: 1000,
    about: 'number of vectors to predict by feeding predictions back; 0 skips the rollout',
    group: 'Run',
  }),
  seed: integer({ default: 0, min: 0, about: 'seed of samples, shuffles and intervals', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder to write the reports to', group: 'Run' }),
} as const

/** Options of `selftest`. */
export const selftestFields = {
  seed: integer({ default: 0, min: 0, about: 'seed of the synthetic texts', group: 'Run' }),
} as const

/** Options of `analyze`, besides the run. */
export const analyzeFields = {
  ...judged,
  ood: text({
    default: undefined,
    about: 'file of other texts to analyse beside the data, such as another domain',
    group: 'Data',
  }),
  points: integer({
    default: 1500,
    min: 10,
    max: 4000,
    about: 'number of windows whose targets and predictions are projected to 2-D',
    group: 'Run',
  }),
  clusters: integer({
    default: 12,
    min: 2,
    max: 100,
    about: 'number of clusters (k-means) of the targets',
    group: 'Run',
  }),
  text: flag({
    default: false,
    about: 'also show ten windows at evenly spaced quantiles of the cosine as sentences',
    group: 'Run',
  }),
  projection: choice(['tsne', 'umap', 'none'], { default: 'tsne', about: 'method of the projection to 2-D', group: 'Run' }),
  seed: integer({ default: 0, min: 0, about: 'seed of samples, clusters, intervals and UMAP', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder to write the reports to', group: 'Run' }),
} as const
