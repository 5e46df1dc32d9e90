import type { Interval } from '../../evaluate/metrics.js'
import type { Provenance } from '../../evaluate/subject.js'
import type { Oracle } from '../retrieval/oracle.js'
import type { ArmLatency } from './arm-latency.js'

/** Mean scores of one arm over all windows. */
export interface ArmScores {
  readonly hit_rate: number
  readonly mrr: number
}

/** One way to make queries, in abtest_results.json. */
export interface ArmEntry extends ArmScores {
  readonly name: string
  readonly kind: 'run' | 'heuristic'
  readonly params: Readonly<Record<string, number>>
  readonly latency: ArmLatency | null
  /** Hits per search divided by its median time. Units: 1/ms */
  readonly hits_per_ms: number | null
}

/** Model minus heuristic in one score. */
export interface ScoreTest {
  readonly difference: number
  /** Covers all comparisons of this score at once with a probability of 95 %. */
  readonly ci95: Interval
  /** Two-sided p value of this comparison alone. */
  readonly p: number | null
  /** p value after the max-T correction over all comparisons of this score. */
  readonly p_adjusted: number | null
  /** Smallest true difference that such windows find with power 80 %, after the same correction. */
  readonly minimum_detectable: number | null
  /** Articles that would find the seen difference with power 80 %; no fewer than an interval needs. */
  readonly articles_needed: number | null
  /** Reason for a missing interval. */
  readonly reason: string | null
}

/** The heuristic with as many rows as it finds in the model's time. */
export interface EqualTime {
  readonly budget_ms: number
  /** Null, like all below, when it takes longer than the model for the same k. */
  readonly k: number | null
  readonly hit_rate: number | null
  /** Hit rate of the model at its own k minus that of the heuristic at this k. */
  readonly difference: number | null
}

export interface HeuristicComparison {
  readonly against: string
  readonly hit_rate: ScoreTest
  readonly mrr: ScoreTest
  /** Windows in which exactly one of the two finds the target among the first k. */
  readonly discordant: number
  /** Whether both give every target the same rank. */
  readonly identical: boolean
  /** Null when latency was not measured. */
  readonly equal_time: EqualTime | null
}

export interface ArmVerdict {
  /** `model`, `heuristic`, `none` (no difference found), `tie` (the same hits everywhere) or `unknown`. */
  readonly decision: 'model' | 'heuristic' | 'none' | 'tie' | 'unknown'
  /** The heuristic that the decision is about. */
  readonly against: string
  readonly sentence: string
}

/** One run in abtest_results.json. */
export interface AbtestEntry extends Provenance {
  readonly run: string
  readonly model: string
  readonly weights_sha256: string
  readonly bank: { readonly path: string; readonly hash: string; readonly rows: number; readonly space: string | null }
  readonly context: number
  readonly k: number
  readonly n: number
  readonly articles: number
  /** Reason for missing intervals. */
  readonly ci95_note: string | null
  readonly seed: number
  /** Number of comparisons that the p values are corrected for. */
  readonly family: number
  readonly oracle: Oracle
  /** The run first, then the heuristics. */
  readonly arms: readonly ArmEntry[]
  readonly comparisons: readonly HeuristicComparison[]
  /** Null when windows were trained on. */
  readonly verdict: ArmVerdict | null
  readonly libtorch: string
}

export const ABTEST_RESULTS = 'abtest_results.json'
