import { judged } from '../../evaluate/evaluate-fields.js'
import { integer, text } from '../../options.js'

/** What `retrieve` takes beside the runs. */
export const retrieveFields = {
  ...judged,
  bank: text({
    default: undefined,
    about: 'file of the vectors that are searched; all rows of the data unless given',
    group: 'Data',
  }),
  failures: integer({
    default: 20,
    min: 0,
    max: 10_000,
    about: 'how many of the misses are listed, the worst first',
    group: 'Run',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const
