import { HEURISTICS } from '../../baselines/baselines-fit.js'
import { judged } from '../../evaluate/evaluate-fields.js'
import { choice, integer, real, text } from '../../options.js'

const heuristic = HEURISTICS.join('|')

/** Options of `abtest` beside the runs. */
export const abtestFields = {
  ...judged,
  bank: text({
    default: undefined,
    about: 'file of vectors to search; all rows of the data unless given',
    group: 'Data',
  }),
  k: integer({ default: 10, min: 1, max: 10_000, about: 'number of rows that a search returns', group: 'Run' }),
  against: text({
    default: 'copy_last,context_mean,exponential_mean',
    about: 'heuristics to test against, separated by commas; each one more makes the correction larger',
    matches: new RegExp(`^(${heuristic})(,(${heuristic}))*$`),
    expected: 'exponential_mixture, copy_last, context_mean or exponential_mean, separated by commas',
    group: 'Run',
  }),
  latency: real({ default: 1.5, min: 0, max: 600, about: 'seconds of timing for each arm; 0 skips latency', group: 'Run' }),
  seed: integer({ default: 0, min: 0, about: 'seed of the bootstrap', group: 'Run' }),
  log: text({
    default: undefined,
    about: 'log of a server (serve --log) to judge the arms of --split by, instead of runs',
    group: 'Live',
  }),
  control: text({
    default: undefined,
    about: 'arm that the others are compared with; the first of --split unless given',
    group: 'Live',
  }),
  effect: real({
    default: 0.02,
    min: 0.0001,
    max: 1,
    about: 'difference of the mean reward that should be found soonest; every value keeps the error rate',
    group: 'Live',
  }),
  missing: choice(['skip', 'zero'], {
    default: 'skip',
    about:
      'skip: judge only requests with feedback; zero: a request without feedback has reward 0, as when only clicks are reported',
    group: 'Live',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the reports', group: 'Run' }),
} as const
