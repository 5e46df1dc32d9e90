import { foldsField, judged } from '../../evaluate/evaluate-fields.js'
import { choice, integer, text } from '../../options.js'

/** Options of `retrieve` beside the runs. */
export const retrieveFields = {
  ...judged,
  folds: foldsField,
  bank: text({
    default: undefined,
    about: 'file of vectors to search; all rows of the data unless given',
    group: 'Data',
  }),
  exclude: choice(['seen', 'context'], {
    default: 'seen',
    about:
      'rows left out of the second pool for each window: all that the model has seen, or only the last vectors, as many as the shortest context has',
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
