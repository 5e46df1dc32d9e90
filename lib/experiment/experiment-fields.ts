import { choice, integer, text } from '../options.js'

const time = { expected: 'a time such as 90s, 90m or 4h', matches: /^\d+(\.\d+)?[smh]$/ }

/** Options of `experiment`, besides the plan. */
export const experimentFields = {
  out: text({
    default: undefined,
    about: 'folder of the experiment; if omitted, artifacts/lvm/experiments/NAME with the name of the plan',
    group: 'Experiment',
  }),
  runs: integer({ default: undefined, min: 1, about: 'number of searched runs, instead of budget.runs', group: 'Experiment' }),
  time: text({ default: undefined, about: 'time for all runs, instead of budget.time', ...time, group: 'Experiment' }),
} as const

/** Options of `experiment status` and `experiment report`, besides the plan or folder. */
export const experimentFolderFields = { out: experimentFields.out } as const

export const METHODS = ['random', 'tpe', 'halving'] as const

/** Keys of a plan with a single value. */
export const planFields = {
  version: integer({ default: 1, min: 1, max: 1, about: 'version of the format' }),
  name: text({
    default: undefined,
    about: 'name of the experiment; if omitted, the name of the file',
    expected: 'a name of letters, digits, ".", "_" and "-"',
    matches: /^[A-Za-z0-9_][\w.-]{0,99}$/,
  }),
  data: text({ default: undefined, about: 'file of vectors; a relative path begins at the plan, else at the working folder' }),
  method: choice(METHODS, {
    default: 'tpe',
    about: 'random search, tree-structured Parzen estimator (TPE), or successive halving',
  }),
  metric: text({ default: 'val_cosine', about: 'figure to optimise' }),
  direction: choice(['max', 'min'], { default: undefined, about: 'direction of the metric, which is also known from its name' }),
  seed: integer({ default: 0, min: 0, about: 'seed of the search' }),
  concurrency: integer({ default: 1, min: 1, max: 64, about: 'runs at the same time, as far as memory allows' }),
  retries: integer({
    default: 2,
    min: 0,
    max: 20,
    about: 'further attempts at a run that failed by chance, such as by lack of memory',
  }),
} as const

/** Keys of `budget`. */
export const budgetFields = {
  runs: integer({ default: undefined, min: 1, max: 10_000, about: 'number of searched runs' }),
  time: text({ default: undefined, about: 'time for all runs', ...time }),
} as const

/** Keys of `confirm`. */
export const confirmFields = {
  top: integer({ default: 3, min: 0, max: 20, about: 'number of configurations to train again; 0 turns confirmation off' }),
  seeds: integer({ default: 5, min: 2, max: 100, about: 'fresh seeds for each of them' }),
} as const

/** Keys of `halving`. */
export const halvingFields = {
  resource: choice(['epochs', 'maxSteps'], { default: 'epochs', about: 'length of a training' }),
  min: integer({ default: 1, min: 1, about: 'length of the first trainings' }),
  max: integer({ default: undefined, min: 2, about: 'length of the last trainings' }),
  factor: integer({
    default: 3,
    min: 2,
    max: 10,
    about: 'each round keeps 1/factor of the runs and trains them factor times as long',
  }),
  promote: choice(['resume', 'retrain'], {
    default: 'resume',
    about: 'whether a promoted run continues from its checkpoint or starts again',
  }),
} as const
