import { RUNS } from '../checkpoint/run-folder.js'
import { flag, real, text } from '../options.js'

const run = { group: 'Run' }

/** Options of `report`. */
export const reportFields = {
  runs: text({ default: RUNS, about: 'folder of the runs', expected: 'a folder', ...run }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the evaluation and of the report', ...run }),
} as const

/** Options of `verify` beside the report. */
export const verifyFields = {
  runs: text({ default: undefined, about: 'folder of the runs; the one in the report unless given', ...run }),
  recompute: flag({ default: false, about: 'evaluate every run again on its data and compare the figures', ...run }),
  tolerance: real({
    default: 1e-6,
    min: 0,
    max: 1,
    about: 'relative tolerance of figures that are computed again',
    ...run,
  }),
} as const
