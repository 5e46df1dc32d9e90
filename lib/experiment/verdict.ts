import { studentP } from '../statistics/student.js'
import type { RunEnd } from './journal-entry.js'
import type { MetricName } from './metric.js'
import type { Ranked } from './next-jobs.js'
import { type SeedMean, seedMean } from './seed-mean.js'
import { meanText, scoreText } from './shown-scores.js'

/** A configuration that was trained again with fresh seeds. */
export interface Confirmed {
  readonly config: number
  /** Score that the search chose it by. */
  readonly searched: number
  readonly seeds: readonly number[]
  readonly scores: readonly (number | null)[]
  readonly confirmed: SeedMean | null
}

/** Difference of the first configuration to another one, seed by seed; positive when the first is better. */
export interface Lead {
  readonly over: number
  readonly difference: SeedMean
  readonly p: number | null
}

/** What follows from the confirmation runs. */
export interface Verdict {
  /** Configuration that is shown to be the best; null when none is. */
  readonly winner: number | null
  readonly sentence: string
  /** The confirmed configurations, the best mean first. */
  readonly confirmed: readonly Confirmed[]
  readonly leads: readonly Lead[]
}

/** Compares two configurations on the seeds that both have: the same seed gives both the same split. */
function lead(first: Confirmed, other: Confirmed, sign: number): Lead | undefined {
  const differences = first.scores.flatMap((score, i) => {
    const against = other.scores[i]
    return score === null || against == null ? [] : [sign * (score - against)]
  })
  if (differences.length < 2) return undefined
  const difference = seedMean(differences)
  const se = difference.sd! / Math.sqrt(difference.n)
  const p = se === 0 ? (difference.mean === 0 ? 1 : 0) : studentP(difference.mean / se, difference.n - 1)
  return { over: other.config, difference, p }
}

/**
 * Decides from the confirmation runs whether one configuration is the best.
 *
 * The one with the best mean wins if it leads every other one seed by seed (paired t-test, two-sided level .05).
 * A false winner is most probable, 5 %, when two equal configurations are far ahead of the rest; each further equal one makes it rarer.
 */
export function decide(
  candidates: readonly Ranked[],
  ends: readonly RunEnd[],
  seeds: readonly number[],
  { metric, direction }: { readonly metric: MetricName; readonly direction: 'max' | 'min' },
): Verdict {
  const sign = direction === 'max' ? 1 : -1
  const endOf = (config: number, seed: number) =>
    ends.find((e) => e.stage === 'confirm' && e.config === config && e.seed === seed)
  const all = candidates.map(({ config, score }): Confirmed => {
    const scores = seeds.map((seed) => endOf(config, seed)?.score ?? null)
    const values = scores.filter((value) => value !== null)
    return { config, searched: score, seeds, scores, confirmed: values.length === 0 ? null : seedMean(values) }
  })
  const standing = all.filter(({ confirmed }) => confirmed !== null)
  const confirmed = standing.toSorted((a, b) => sign * (b.confirmed!.mean - a.confirmed!.mean) || a.config - b.config)
  const none = (why: string): Verdict => ({ winner: null, sentence: `no winner: ${why}`, confirmed, leads: [] })
  if (candidates.length === 0) return none('nothing was confirmed')
  // Confirmations of configurations that a larger budget has displaced do not count.
  if (candidates.some(({ config }) => seeds.some((seed) => endOf(config, seed) === undefined)))
    return none('not all confirmation runs have ended')
  const [first, ...others] = confirmed
  if (first === undefined) return none('every confirmation run failed')
  if (others.length === 0) return none('only one configuration could be confirmed, so there is nothing to compare it with')
  const leads = others.map((other) => lead(first, other, sign))
  const name = (config: number) => `configuration ${config}`
  if (leads.some((found) => found === undefined))
    return { ...none('fewer than two seeds can be compared'), leads: leads.filter((found) => found !== undefined) }
  const behind = leads.map((found) => found!)
  const close = behind.find(({ difference }) => !(difference.ci95![0] > 0))
  const lines = { confirmed, leads: behind }
  const show = (x: number) => scoreText(metric, x)
  if (close !== undefined) {
    const { mean, n, ci95 } = close.difference
    const range = `interval ${show(ci95![0])} … ${show(ci95![1])}`
    const sentence = `no winner: ${name(first.config)} is not shown to be better than ${name(close.over)}: it leads by ${show(mean)} over ${n} seeds (${range})`
    return { winner: null, sentence, ...lines }
  }
  const next = behind[0]!
  return {
    winner: first.config,
    sentence: `${name(first.config)} wins: ${meanText(metric, first.confirmed)} over ${first.confirmed!.n} fresh seeds, ${show(next.difference.mean)} better than the runner-up, ${name(next.over)}`,
    ...lines,
  }
}
