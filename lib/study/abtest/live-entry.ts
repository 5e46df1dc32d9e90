import type { LeftOut, LogFaults } from './log-tally.js'

/** One arm of --split in abtest_live.json. */
export interface LiveArm {
  readonly name: string
  /** SHA-256 of the weight file that answered. */
  readonly weights: string
  /** Clients that --split gave to it, and that the split expects. */
  readonly assigned: number
  readonly expected: number
  readonly requests: number
  readonly contexts: number
  /** Share of the contexts with feedback. */
  readonly feedback_share: number | null
  /** Clients with a reward. */
  readonly clients: number
  readonly rewards: number
  readonly mean_reward: number | null
}

/** Test whether clients were assigned as --split says. */
export interface SampleRatio {
  readonly chi_square: number
  readonly df: number
  /** Null when an arm expects fewer than 5 clients. */
  readonly p: number | null
  readonly limit: number
  readonly valid: boolean
}

/** One arm against the control. */
export interface LiveComparison {
  readonly arm: string
  /** Mean reward of the arm minus that of the control. */
  readonly difference: number | null
  /** Standard error over clients. */
  readonly se: number | null
  /** Confidence sequence: it holds at all times at once, for all arms at once. */
  readonly ci95: readonly [number, number] | null
  /** Valid at any time, corrected for the number of arms. */
  readonly p: number | null
  /** Smallest true difference that the present log would find with power 80 %. */
  readonly minimum_detectable: number | null
  /** Reason for a missing interval. */
  readonly reason: string | null
  /** Valid at any time: whether the share of contexts with feedback differs. */
  readonly feedback_p: number | null
}

export interface LiveVerdict {
  /** `arm` or `control` to use, `none` (no difference found yet), `early` (too little feedback), `refused` (wrong sample ratio). */
  readonly decision: 'arm' | 'control' | 'none' | 'early' | 'refused'
  readonly arm: string
  readonly sentence: string
}

/** Content of abtest_live.json. */
export interface LiveDocument {
  readonly version: 1
  readonly log: string
  readonly lines: number
  /** Times of the first and the last judged request. */
  readonly first: string | null
  readonly last: string | null
  readonly faults: Readonly<LogFaults>
  /** Null when weights and split stayed the same. */
  readonly left_out: LeftOut | null
  /** Clients that more than one arm served. */
  readonly crossed_clients: number
  readonly missing: 'skip' | 'zero'
  readonly effect: number
  readonly control: string
  readonly arms: readonly LiveArm[]
  readonly sample_ratio: SampleRatio
  readonly comparisons: readonly LiveComparison[]
  readonly verdict: LiveVerdict
}

export const ABTEST_LIVE = 'abtest_live.json'
