import { RUNS } from '../checkpoint/run-folder.js'
import { flag, real, text } from '../options.js'

const run = { group: 'Run' }

/** What `report` takes. */
export const reportFields = {
  runs: text({ default: RUNS, about: 'folder of the runs', expected: 'a folder', ...run }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the evaluation; the report is written there too', ...run }),
} as const

/** What `verify` takes beside the report. */
export const verifyFields = {
  runs: text({ default: undefined, about: 'folder of the runs; the one that the report names unless given', ...run }),
  recompute: flag({ default: false, about: 'judge every run again on its data, and compare the figures too', ...run }),
  tolerance: real({
    default: 1e-6,
    min: 0,
    max: 1,
    about: 'how far a figure that is computed again may be off, as a share of it',
    ...run,
  }),
} as const
