import type { RunEntry } from '../evaluate/results-file.js'
import { wasTrainedOn } from '../evaluate/trained-on.js'
import { studentLimit } from '../statistics/student.js'
import type { ReportedRun } from './reported-runs.js'

/** A run beside the best baseline on its windows, corrected for how many runs are compared. */
export interface SkillVerdict {
  readonly run: string
  readonly value: number
  /** Widened for the number of runs; null without an interval. */
  readonly interval: readonly [number, number] | null
  readonly verdict: 'better' | 'worse' | 'not told apart' | 'no interval'
}

/** An interval of 95 % as one of 1 − .05/N, by Student's t over articles. Source: Bonferroni. */
function widened([low, high]: readonly [number, number], value: number, articles: number, n: number): [number, number] {
  const wider = studentLimit(0.05 / n, articles - 1) / studentLimit(0.05, articles - 1)
  return [value - wider * (value - low), value + wider * (high - value)]
}

/** Entries that allow a verdict: of a trained model, on windows that it was not trained on, of a split that does not leak. */
export const fairEntries = (runs: readonly ReportedRun[]): RunEntry[] =>
  runs.flatMap(({ validation: e, ended }) =>
    e !== null && ended && e.skill !== null && e.split?.leaky !== true && !wasTrainedOn(e) ? [e] : [],
  )

/** Every run that allows a verdict beside its best baseline; together they are wrong in 5 % of reports at most. */
export function skillVerdicts(runs: readonly ReportedRun[]): SkillVerdict[] {
  const entries = fairEntries(runs)
  const n = entries.filter(({ skill }) => skill!.ci95 !== null).length
  return entries.map(({ run, skill, articles }) => {
    const { value, ci95 } = skill!
    if (ci95 === null) return { run, value, interval: null, verdict: 'no interval' }
    const interval = widened(ci95, value, articles, n)
    return { run, value, interval, verdict: interval[0] > 0 ? 'better' : interval[1] < 0 ? 'worse' : 'not told apart' }
  })
}
