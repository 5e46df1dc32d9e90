import { architectures } from '../architectures/index.js'
import { badOption } from '../errors.js'
import { integer, real, text } from '../options.js'
import { trainFields } from '../train/train-fields.js'

const { name: _name, resume: _resume, init: _init, extend: _extend, ...training } = trainFields

/** Options of `sweep`: its own, and those of `train` that apply to several models at once. */
export const sweepFields = {
  models: text({
    default: 'all',
    about: 'models to train: all thirteen of the matrix, or names separated by commas',
    group: 'Sweep',
  }),
  modelFile: text({
    default: undefined,
    about:
      'JavaScript files that export architectures of your own, separated by commas: train these, and those of --models if it is given',
    group: 'Sweep',
  }),
  budget: text({
    default: undefined,
    about: 'time for all trainings together, shared evenly; unused time of one is shared among the rest',
    expected: 'a time such as 90s, 90m or 4h',
    matches: /^\d+(\.\d+)?[smh]$/,
    group: 'Sweep',
  }),
  folds: integer({
    default: undefined,
    min: 2,
    max: 9999,
    about: 'train each model so many times, so that every article is held out once; judge them with: evaluate NAME --folds',
    group: 'Sweep',
  }),
  seeds: integer({
    default: 1,
    min: 1,
    max: 1000,
    about: 'train each model with so many seeds, from 1 or --seed on; their split is that of --split-seed, or of the first seed',
    group: 'Sweep',
  }),
  evaluation: text({
    default: 'artifacts/lvm/evaluation',
    about: 'folder for the evaluation, the report and sweep.json',
    group: 'Sweep',
  }),
  latency: real({
    default: 1.5,
    min: 0,
    max: 600,
    about: 'seconds of timing per batch size; 0 turns timing off',
    group: 'Sweep',
  }),
  ...training,
} as const

/** Names of the options passed to every training. */
export const passedOn: readonly string[] = Object.keys(training).filter((key) => !['out', 'overwrite'].includes(key))

const UNITS = { s: 1, m: 60, h: 3600 } as const

/** Converts a time such as 90m to seconds. */
export const seconds = (time: string): number => Number(time.slice(0, -1)) * UNITS[time.at(-1) as keyof typeof UNITS]

/** Architectures of a list of names; `all` gives those of the matrix in its order. Errors: BAD_OPTION for unknown or repeated names. */
export function modelsOf(list: string) {
  if (list === 'all') return architectures.filter(({ row }) => row !== null)
  const names = list.split(',').map((name) => name.trim())
  const known = architectures.map(({ name }) => name)
  const wrong = names.find((name, i) => !known.includes(name) || names.indexOf(name) !== i)
  if (wrong !== undefined) throw badOption('sweep', 'models', `all, or each once of ${known.join(', ')}`, list)
  return names.map((name) => architectures.find((a) => a.name === name)!)
}
