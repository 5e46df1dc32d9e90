import type { Facts } from './facts.js'
import { PATTERNS } from './patterns.js'

/** What is wrong with a run, why it is thought so, and what to do about it. */
export interface Finding {
  readonly code: string
  /** fail: the instrument or the run is broken; warn: the run is weak; note: good to know. */
  readonly level: 'fail' | 'warn' | 'note'
  readonly what: string
  readonly why: string
  readonly fix: string
}

/** The patterns that hold. */
export const findingsOf = (facts: Facts): Finding[] =>
  PATTERNS.filter(({ holds }) => holds(facts)).map(({ code, level, what, why, fix }) => ({
    code,
    level,
    what: what(facts),
    why,
    fix,
  }))

export type Verdict = 'PASS' | 'WARN' | 'FAIL'
export const verdictOf = (findings: readonly Pick<Finding, 'level'>[]): Verdict =>
  findings.some(({ level }) => level === 'fail') ? 'FAIL' : findings.some(({ level }) => level === 'warn') ? 'WARN' : 'PASS'
