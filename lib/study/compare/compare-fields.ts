import { foldsField, judged } from '../../evaluate/evaluate-fields.js'
import { integer, text } from '../../options.js'

const { data: _, ...others } = judged
/** Options of `compare` beside the contestants and the data, which may be several files. */
export const compareFields = {
  ...others,
  folds: foldsField,
  bank: text({
    default: undefined,
    about: 'file of vectors to search for Top-10; all rows of the data unless given',
    group: 'Data',
  }),
  seed: integer({ default: 0, min: 0, about: 'seed of the bootstrap and the sign flips', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the report', group: 'Run' }),
} as const
