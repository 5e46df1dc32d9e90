import type { Interval } from '../../evaluate/metrics.js'
import { pairedDifference } from '../../statistics/estimates.js'
import { minimumDetectable, signFlipP } from '../../statistics/paired-tests.js'
import type { Contestant } from './contestants.js'
import { MEASURES, type Measure } from './shared-windows.js'

/** What the windows say about one measure of two contestants. */
export interface Difference {
  /** Mean of a − b over the windows. */
  readonly difference: number
  readonly ci95: Interval
  /** Of differences this far from 0 if there were none, by sign flips of whole articles; null where windows were trained on. */
  readonly p: number | null
  /** The same after Benjamini-Hochberg over all that is compared in one call. */
  readonly p_adjusted: number | null
  /** The smallest true difference that windows like these show in four cases of five; null with one article or where windows were trained on. */
  readonly minimum_detectable: number | null
  /** `unknown` with too few articles for an interval; `none` where windows were trained on. */
  readonly verdict: 'a' | 'b' | 'tie' | 'unknown' | 'none'
}
export type Pair = { readonly a: string; readonly b: string } & Readonly<Record<Measure, Difference | null>>

/** Two contestants before anything is known about the others. */
export type RawDifference = Omit<Difference, 'p_adjusted' | 'verdict'>
export type RawPair = { readonly a: string; readonly b: string } & Readonly<Record<Measure, RawDifference | null>>

async function difference(
  a: Float64Array,
  b: Float64Array,
  articles: Int32Array,
  { seed, seen }: { seed: number; seen: boolean },
): Promise<RawDifference> {
  const estimate = await pairedDifference(a, b, articles, { seed })
  const figures = { difference: estimate.mean, ci95: estimate.ci95 }
  if (seen) return { ...figures, p: null, minimum_detectable: null }
  return {
    ...figures,
    p: await signFlipP(
      a.map((value, i) => value - b[i]!),
      articles,
      { seed },
    ),
    minimum_detectable: minimumDetectable(estimate),
  }
}

/** Every contestant against every one after it; `seen`: the windows include some that were trained on. */
export async function comparePairs(
  contestants: readonly Contestant[],
  articles: Int32Array,
  o: { seed: number; seen: boolean },
): Promise<readonly RawPair[]> {
  const pairs: RawPair[] = []
  for (const [i, a] of contestants.entries()) {
    for (const b of contestants.slice(i + 1)) {
      const measured: Partial<Record<Measure, RawDifference | null>> = {}
      for (const measure of MEASURES) {
        const [mine, theirs] = [a.values[measure], b.values[measure]]
        measured[measure] = mine && theirs && (await difference(mine, theirs, articles, o))
      }
      pairs.push({ a: a.name, b: b.name, ...(measured as Record<Measure, RawDifference | null>) })
    }
  }
  return pairs
}

/** A side wins when the adjusted p and the interval agree; anything else is a tie. */
export function verdict({ difference, ci95, p_adjusted }: Omit<Difference, 'verdict'>): Difference['verdict'] {
  if (p_adjusted === null) return 'none'
  if (ci95 === null) return 'unknown'
  const apart = p_adjusted <= 0.05 && (ci95[0] > 0 || ci95[1] < 0)
  return apart ? (difference > 0 ? 'a' : 'b') : 'tie'
}
