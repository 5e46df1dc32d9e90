import { dataFields } from '../data/data-fields.js'
import { choice, flag, integer, real, text } from '../options.js'

/** What every verb that judges a run takes. */
export const judged = {
  data: text({ default: undefined, about: 'file of vectors; the one the run was trained on unless given', group: 'Data' }),
  ...dataFields,
  rows: choice(['auto', 'train', 'val', 'test', 'all'], {
    default: 'auto',
    about:
      'which windows: those the run validated on if the data is the same, all otherwise; no verdict on windows that were trained on',
    group: 'Data',
  }),
  device: text({ default: 'auto', about: 'cpu, cuda[:n], mps, or auto', group: 'Run' }),
  threads: integer<number | undefined>({
    default: undefined,
    min: 1,
    max: 1024,
    about: 'processor threads; those of the training unless given',
    group: 'Run',
  }),
}

/** What `evaluate` takes beside the runs. */
export const evaluateFields = {
  ...judged,
  latency: real({
    default: 1.5,
    min: 0,
    max: 600,
    about: 'seconds of timing for each batch size; 0 to leave latency out',
    group: 'Run',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const

/** What `predict` takes beside the run. */
export const predictFields = {
  ...judged,
  stream: flag({
    default: false,
    about: 'read every article from its beginning, one vector at a time, instead of windows; causal models only',
    group: 'Data',
  }),
  raw: flag({
    default: false,
    about: 'write what the head gives, in the scale of the loss, instead of vectors of length 1',
    group: 'Run',
  }),
  out: text({
    default: undefined,
    about: 'the .npy file that is written; what it predicts, and whether scaled to length 1, is listed in a .json beside it',
    group: 'Run',
  }),
} as const

/** What `rollout` takes beside the run. */
export const rolloutFields = {
  ...judged,
  steps: integer({
    default: 5,
    min: 1,
    max: 1000,
    about: 'how many vectors are predicted on, each from those before',
    group: 'Run',
  }),
  memory: choice(['auto', 'stream', 'window'], {
    default: 'auto',
    about: 'keep a state of all that was fed (causal models), or see a window as long as the context',
    group: 'Run',
  }),
} as const

/** What `doctor` takes beside the runs. */
export const doctorFields = {
  ...judged,
  ood: text({
    default: undefined,
    about: 'file of other texts that the runs are compared on, such as another domain',
    group: 'Data',
  }),
  steps: integer<number>({
    default: 5,
    min: 0,
    max: 1000,
    about: 'how many vectors predictions are fed back for; 0 to leave that out',
    group: 'Run',
  }),
  seed: integer({ default: 0, min: 0, about: 'of samples, shuffles and intervals', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const

/** What `selftest` takes. */
export const selftestFields = {
  seed: integer({ default: 0, min: 0, about: 'of the texts that the instruments are tried on', group: 'Run' }),
} as const

/** What `analyze` takes beside the run. */
export const analyzeFields = {
  ...judged,
  ood: text({ default: undefined, about: 'file of other texts that are analysed beside, such as another domain', group: 'Data' }),
  points: integer({
    default: 4000,
    min: 10,
    max: 4000,
    about: 'windows whose targets and predictions are drawn in a plane',
    group: 'Run',
  }),
  clusters: integer({
    default: 12,
    min: 2,
    max: 100,
    about: 'groups of like vectors that the targets are sorted into',
    group: 'Run',
  }),
  projection: choice(['tsne', 'umap', 'none'], { default: 'tsne', about: 'how vectors are laid into a plane', group: 'Run' }),
  seed: integer({ default: 0, min: 0, about: 'of samples, clusters, intervals and UMAP', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const
