import { decimal, fixed } from '../show.js'
import { studentLimit, studentP } from '../statistics/student.js'
import type { RunEnd } from './journal-entry.js'
import type { Ranked } from './next-jobs.js'

/** Mean over seeds with a 95 % interval of Student's t; none for a single seed. */
export interface SeedMean {
  readonly n: number
  readonly mean: number
  readonly sd: number | null
  readonly ci95: readonly [number, number] | null
}

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
  /** Two-sided level of each comparison. */
  readonly level: number | null
}

/** Mean and interval of the values of seeds at a two-sided level. */
export function seedMean(values: readonly number[], level = 0.05): SeedMean {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  if (n < 2) return { n, mean, sd: null, ci95: null }
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  const half = (studentLimit(level, n - 1) * sd) / Math.sqrt(n)
  return { n, mean, sd, ci95: [mean - half, mean + half] }
}

/** Compares two configurations on the seeds that both have: the same seed gives both the same split. */
function lead(first: Confirmed, other: Confirmed, sign: number, level: number): Lead | undefined {
  const differences = first.scores.flatMap((score, i) => {
    const against = other.scores[i]
    return score === null || against == null ? [] : [sign * (score - against)]
  })
  if (differences.length < 2) return undefined
  const difference = seedMean(differences, level)
  const se = difference.sd! / Math.sqrt(difference.n)
  const p = se === 0 ? (difference.mean === 0 ? 1 : 0) : studentP(difference.mean / se, difference.n - 1)
  return { over: other.config, difference, p }
}

/**
 * Decides from the confirmation runs whether one configuration is the best.
 *
 * The one with the best mean wins if it leads every other one seed by seed (paired t-test, two-sided level .1 / number of configurations).
 * If all were equal, the probability of any winner is then at most 5 %: each of k configurations leads one given other with probability .05 / k.
 */
export function decide(
  candidates: readonly Ranked[],
  ends: readonly RunEnd[],
  seeds: readonly number[],
  direction: 'max' | 'min',
): Verdict {
  const sign = direction === 'max' ? 1 : -1
  const all = candidates.map(({ config, score }): Confirmed => {
    const scores = seeds.map(
      (seed) => ends.find((e) => e.stage === 'confirm' && e.config === config && e.seed === seed)?.score ?? null,
    )
    const values = scores.filter((value) => value !== null)
    return { config, searched: score, seeds, scores, confirmed: values.length === 0 ? null : seedMean(values) }
  })
  const standing = all.filter(({ confirmed }) => confirmed !== null)
  const confirmed = standing.toSorted((a, b) => sign * (b.confirmed!.mean - a.confirmed!.mean) || a.config - b.config)
  const none = (why: string): Verdict => ({ winner: null, sentence: `no winner: ${why}`, confirmed, leads: [], level: null })
  if (candidates.length === 0) return none('nothing was confirmed')
  const missing = ends.filter((e) => e.stage === 'confirm').length < candidates.length * seeds.length
  if (missing) return none('not all confirmation runs have ended')
  const [first, ...others] = confirmed
  if (first === undefined) return none('every confirmation run failed')
  if (others.length === 0) return none('only one configuration could be confirmed, so there is nothing to compare it with')
  const level = 0.1 / confirmed.length
  const leads = others.map((other) => lead(first, other, sign, level))
  const name = (config: number) => `configuration ${config}`
  if (leads.some((found) => found === undefined))
    return { ...none('fewer than two seeds can be compared'), leads: leads.filter((found) => found !== undefined), level }
  const behind = leads.map((found) => found!)
  const close = behind.find(({ difference }) => !(difference.ci95![0] > 0))
  const lines = { confirmed, leads: behind, level }
  if (close !== undefined) {
    const [low, high] = close.difference.ci95!
    const sentence = `no winner: ${name(first.config)} is not shown to be better than ${name(close.over)}: it leads by ${fixed(close.difference.mean, 4)} over ${close.difference.n} seeds (interval ${fixed(low, 4)} … ${fixed(high, 4)})`
    return { winner: null, sentence, ...lines }
  }
  const { mean, ci95 } = first.confirmed!
  const interval = ci95 === null ? '' : ` ± ${fixed((ci95[1] - ci95[0]) / 2, 4)}`
  const next = behind[0]!
  return {
    winner: first.config,
    sentence: `${name(first.config)} wins: ${decimal(mean)}${interval} over ${first.confirmed!.n} fresh seeds, ${fixed(next.difference.mean, 4)} better than the runner-up, ${name(next.over)}`,
    ...lines,
  }
}
