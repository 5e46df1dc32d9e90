import type { Provenance } from '../../evaluate/subject.js'
import type { Oracle } from '../retrieval/oracle.js'
import type { Pair } from './pairs.js'
import type { Measure } from './shared-windows.js'

/** All contestants on the same windows of one file. */
export interface Comparison extends Provenance {
  readonly bank: { readonly path: string; readonly hash: string; readonly rows: number }
  /** Context rows that are excluded from the pool; their mean over windows. */
  readonly excluded: number
  readonly context: number
  /** Articles and windows that each fold held out; null without folds. */
  readonly folds: readonly { readonly articles: number; readonly windows: number }[] | null
  readonly n: number
  readonly articles: number
  /** Whether the intervals cover the spread between trainings, in words. */
  readonly seeds_note: string
  /** Reason for missing intervals. */
  readonly ci95_note: string | null
  readonly oracle: Oracle
  /** Reason for a missing Top-10. */
  readonly top10_note: string | null
  readonly contestants: readonly ({
    readonly name: string
    readonly kind: 'run' | 'baseline' | 'outside'
    readonly model: string | null
    /** Runs of the contestant, one list for each training seed; empty for a baseline and for a predictor that is no run. */
    readonly trainings: readonly (readonly string[])[]
    /** Of a predictor that is no run: the share of these windows that it was trained on; null when that is not known. */
    readonly trained_on?: number | null
  } & Readonly<Record<Measure, number | null>>)[]
  readonly pairs: readonly Pair[]
}
/** Content of comparison.json. */
export interface ComparisonDocument {
  readonly version: 1
  readonly seed: number
  readonly libtorch: string
  readonly comparisons: readonly Comparison[]
}
