import type { Interval } from '../../evaluate/metrics.js'
import { stage, tally } from '../../stages.js'
import { crossedDifference } from '../../statistics/crossed-difference.js'
import { minimumDetectable, signFlipP } from '../../statistics/paired-tests.js'
import type { Contestant } from './contestants.js'
import { MEASURES, type Measure, type Values } from './shared-windows.js'

/** Difference of two contestants in one measure. */
export interface Difference {
  /** Mean of a − b over the windows. */
  readonly difference: number
  readonly ci95: Interval
  /** Two-sided p value by sign flips of whole articles; null when windows were trained on. */
  readonly p: number | null
  /** p after Benjamini-Hochberg over all pairs of one call. */
  readonly p_adjusted: number | null
  /** Smallest true difference that such windows detect with power 80 %; null with one article, or when windows were trained on. */
  readonly minimum_detectable: number | null
  /** `unknown` with too few articles for an interval; `none` when windows were trained on. */
  readonly verdict: 'a' | 'b' | 'tie' | 'unknown' | 'none'
}
export type Pair = { readonly a: string; readonly b: string } & Readonly<Record<Measure, Difference | null>>

/** A difference before its p value is adjusted for all pairs. */
export type RawDifference = Omit<Difference, 'p_adjusted' | 'verdict'>
export type RawPair = { readonly a: string; readonly b: string } & Readonly<Record<Measure, RawDifference | null>>

/** Mean over the trainings of a side at one window. */
export const meanAt = (side: readonly Float64Array[], i: number): number =>
  side.reduce((sum, values) => sum + values[i]!, 0) / side.length

/** Largest difference of two scores in a window that round-off of float32 explains: batches of other sizes change a cosine by about 1e-7. */
const ROUND_OFF = 2e-6

async function difference(
  a: readonly Float64Array[],
  other: readonly Float64Array[],
  articles: Int32Array,
  { seed, seen }: { seed: number; seen: boolean },
): Promise<RawDifference> {
  const same = other.length === a.length && a[0]!.every((_, i) => Math.abs(meanAt(a, i) - meanAt(other, i)) <= ROUND_OFF)
  const b = same ? a : other
  const estimate = await stage('interval', () => crossedDifference(a, b, articles, { seed }))
  const figures = { difference: estimate.mean, ci95: estimate.ci95 }
  if (seen) return { ...figures, p: null, minimum_detectable: null }
  return {
    ...figures,
    p: await stage('sign flips', () =>
      signFlipP(
        a[0]!.map((_, i) => meanAt(a, i) - meanAt(b, i)),
        articles,
        { seed },
      ),
    ),
    minimum_detectable: minimumDetectable(estimate),
  }
}

/** One measure of all trainings; null when it could not be taken. */
export function valuesOf(trainings: readonly Values[], measure: Measure): Float64Array[] | null {
  const all = trainings.flatMap((values) => values[measure] ?? [])
  return all.length === trainings.length ? all : null
}

/** Compares every pair of contestants; `seen` says that some of the windows were trained on. */
export async function comparePairs(
  contestants: readonly Contestant[],
  articles: Int32Array,
  o: { seed: number; seen: boolean },
): Promise<readonly RawPair[]> {
  const pairs: RawPair[] = []
  for (const [i, a] of contestants.entries()) {
    for (const b of contestants.slice(i + 1)) {
      tally(pairs.length, (contestants.length * (contestants.length - 1)) / 2)
      const measured: Partial<Record<Measure, RawDifference | null>> = {}
      for (const measure of MEASURES) {
        const [mine, theirs] = [a, b].map(({ values }) => valuesOf(values, measure))
        measured[measure] = mine && theirs ? await difference(mine, theirs, articles, o) : null
      }
      pairs.push({ a: a.name, b: b.name, ...(measured as Record<Measure, RawDifference | null>) })
    }
  }
  return pairs
}

/** A side wins when the adjusted p and the interval agree; all other cases are ties. */
export function verdict({ difference, ci95, p_adjusted }: Omit<Difference, 'verdict'>): Difference['verdict'] {
  if (p_adjusted === null) return 'none'
  if (ci95 === null) return 'unknown'
  const apart = p_adjusted <= 0.05 && (ci95[0] > 0 || ci95[1] < 0)
  return apart ? (difference > 0 ? 'a' : 'b') : 'tie'
}
