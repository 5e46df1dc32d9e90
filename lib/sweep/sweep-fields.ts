import { architectures } from '../architectures/index.js'
import { badOption } from '../errors.js'
import { real, text } from '../options.js'
import { trainFields } from '../train/train-fields.js'

const { name: _name, resume: _resume, init: _init, extend: _extend, ...training } = trainFields

/** What `sweep` takes: everything of `train` that can be said of several models at once, and what follows. */
export const sweepFields = {
  models: text({
    default: 'all',
    about: 'which models: all thirteen of the matrix, or names with commas between',
    group: 'Sweep',
  }),
  budget: text({
    default: undefined,
    about: 'time for all trainings together: shared evenly, and what one leaves is shared by the rest',
    expected: 'a time such as 90s, 90m or 4h',
    matches: /^\d+(\.\d+)?[smh]$/,
    group: 'Sweep',
  }),
  evaluation: text({
    default: 'artifacts/lvm/evaluation',
    about: 'folder of the evaluation, the report and sweep.json',
    group: 'Sweep',
  }),
  latency: real({
    default: 1.5,
    min: 0,
    max: 600,
    about: 'seconds of timing for each batch size; 0 to leave it out',
    group: 'Sweep',
  }),
  ...training,
} as const

/** The fields that are handed on to every training. */
export const passedOn: readonly string[] = Object.keys(training).filter((key) => !['out', 'overwrite'].includes(key))

const UNITS = { s: 1, m: 60, h: 3600 } as const

/** A time in seconds. */
export const seconds = (time: string): number => Number(time.slice(0, -1)) * UNITS[time.at(-1) as keyof typeof UNITS]

/** The models of a list, in the order of the matrix for `all`. Errors: BAD_OPTION for a name that is none, or twice. */
export function modelsOf(list: string) {
  if (list === 'all') return architectures.filter(({ row }) => row !== null)
  const names = list.split(',').map((name) => name.trim())
  const known = architectures.map(({ name }) => name)
  const wrong = names.find((name, i) => !known.includes(name) || names.indexOf(name) !== i)
  if (wrong !== undefined) throw badOption('sweep', 'models', `all, or each once of ${known.join(', ')}`, list)
  return names.map((name) => architectures.find((a) => a.name === name)!)
}
