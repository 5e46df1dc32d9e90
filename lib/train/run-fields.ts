import { flag, integer, text } from '../options.js'

const run = { group: 'Run' }

/** Options of `train` that say where a run is, how it is saved and logged, and what computes it. */
export const runFields = {
  name: text({
    default: undefined,
    about: 'name of the run; if omitted, the folder name of the model',
    expected: 'a name without slashes',
    matches: /^[^/\\]+$/,
    ...run,
  }),
  out: text({ default: 'artifacts/lvm/models', about: 'folder of runs', ...run }),
  resume: flag({ default: false, about: 'continue a stopped run with its own options', ...run }),
  force: flag({ default: false, about: 'train even if the audit of the data fails', ...run }),
  overwrite: flag({ default: false, about: 'replace an existing run', ...run }),
  saveEvery: integer({
    default: undefined,
    min: 1,
    about: 'save every n steps, in addition to each epoch and every 5 minutes',
    ...run,
  }),
  keepBest: integer({
    default: 0,
    min: 0,
    about: 'keep the weights of the k best epochs, in the folder epochs of the run; best_model.pt is kept in any case',
    ...run,
  }),
  keepLast: integer({
    default: 0,
    min: 0,
    about: 'keep the weights of the last n epochs, in the folder epochs of the run',
    ...run,
  }),
  logEvery: integer({
    default: 10,
    min: 1,
    about: 'write the figures of the training to metrics.jsonl every n steps, as means over these steps',
    ...run,
  }),
  log: text({
    default: undefined,
    about:
      'further places for these figures, separated by commas: tensorboard (an event file in the run), csv (metrics.csv), mlflow=URL (a tracking server; mlflow alone uses MLFLOW_TRACKING_URI)',
    expected: 'a list such as tensorboard,csv,mlflow=http://127.0.0.1:5000',
    ...run,
  }),
  seed: integer({
    default: 0,
    min: 0,
    about: 'seed of split, initial weights, batch order and dropout; --split-seed keeps the split',
    ...run,
  }),
  device: text({ default: 'auto', about: 'cpu, cuda[:n], mps, or auto', ...run }),
  threads: integer({
    default: undefined,
    min: 1,
    max: 1024,
    about:
      'CPU threads of each process; if omitted, OMP_NUM_THREADS or all that this process may use, divided among the processes of this machine',
    ...run,
  }),
  processes: integer({
    default: undefined,
    min: 1,
    max: 256,
    about: 'train in this many processes on this machine, which share each batch; the result does not depend on it',
    ...run,
  }),
  shardOptimizer: flag({
    default: false,
    about: 'with several processes: each keeps a part of the optimizer’s moments and averages; the result does not depend on it',
    ...run,
  }),
  rankTimeout: integer({
    default: undefined,
    min: 1,
    max: 86_400,
    about: 'seconds after which a process that does not answer ends a training in several processes; if omitted, 300',
    ...run,
  }),
} as const
