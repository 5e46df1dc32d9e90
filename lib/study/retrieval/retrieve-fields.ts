import { judged } from '../../evaluate/evaluate-fields.js'
import { integer, text } from '../../options.js'

/** Options of `retrieve` beside the runs. */
export const retrieveFields = {
  ...judged,
  bank: text({
    default: undefined,
    about: 'file of vectors to search; all rows of the data unless given',
    group: 'Data',
  }),
  failures: integer({
    default: 20,
    min: 0,
    max: 10_000,
    about: 'number of failures to list, the worst first',
    group: 'Run',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const
