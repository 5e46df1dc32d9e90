import type { Facts } from './facts.js'
import { type Finding, said } from './pattern.js'
import { PATTERNS } from './patterns.js'

const wasSeen = ({ trained_on: share }: Pick<Facts, 'trained_on'>) => share !== null && share > 0

/** Returns a finding for each pattern that holds. */
export const findingsOf = (facts: Facts): Finding[] =>
  PATTERNS.filter(({ holds, unseen }) => !(unseen && wasSeen(facts)) && holds(facts)).map(({ code, level, what, why, fix }) => ({
    code,
    level,
    what: what(facts),
    why: said(why, facts),
    fix: said(fix, facts),
  }))

/** `NONE`: the windows were used for training, and no failure that shows on such windows was found. */
export type Verdict = 'PASS' | 'WARN' | 'FAIL' | 'NONE'
export function verdictOf(findings: readonly Pick<Finding, 'level'>[], facts: Pick<Facts, 'trained_on'>): Verdict {
  if (findings.some(({ level }) => level === 'fail')) return 'FAIL'
  if (wasSeen(facts)) return 'NONE'
  return findings.some(({ level }) => level === 'warn') ? 'WARN' : 'PASS'
}
