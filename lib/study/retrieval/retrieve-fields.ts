import { foldsField, judged, sharedFields } from '../../evaluate/evaluate-fields.js'
import { choice, integer, text } from '../../options.js'

/** Options of `retrieve` beside the runs. */
export const retrieveFields = {
  ...judged,
  folds: foldsField,
  bank: text({
    default: undefined,
    about: 'file of vectors to search, or address of a bank in a database; all rows of the data unless given',
    group: 'Data',
  }),
  bankSearch: choice(['index', 'exact'], {
    default: undefined,
    about:
      'how a bank in a database is searched: by its index, which may miss rows (unless given), or exactly, after reading all its rows',
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
  ...sharedFields,
} as const
