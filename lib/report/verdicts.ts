import type { RunEntry } from '../evaluate/results-file.js'
import { wasTrainedOn } from '../evaluate/trained-on.js'
import { studentLimit } from '../statistics/student.js'
import type { ReportedRun } from './reported-runs.js'

/** Skill of a run over its best baseline, corrected for the number of compared runs. */
export interface SkillVerdict {
  readonly run: string
  readonly value: number
  /** Interval widened for the number of runs; null with too few articles. */
  readonly interval: readonly [number, number] | null
  readonly verdict: 'better' | 'worse' | 'not told apart' | 'no interval'
}

/** Widens a 95 % interval to 1 − .05/N by Student's t over articles. Source: Bonferroni. */
function widened([low, high]: readonly [number, number], value: number, articles: number, n: number): [number, number] {
  const wider = studentLimit(0.05 / n, articles - 1) / studentLimit(0.05, articles - 1)
  return [value - wider * (value - low), value + wider * (high - value)]
}

/** Returns the entries that allow a verdict: trained model, windows that it was not trained on, split without a leak. */
export const fairEntries = (runs: readonly ReportedRun[]): RunEntry[] =>
  runs.flatMap(({ validation: e, ended }) =>
    e !== null && ended && e.skill !== null && e.split?.leaky !== true && !wasTrainedOn(e) ? [e] : [],
  )

/** Compares every run that allows a verdict with its best baseline; at most 5 % of reports contain a wrong verdict. */
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
