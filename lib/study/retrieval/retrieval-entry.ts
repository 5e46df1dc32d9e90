import type { BaselineName } from '../../evaluate/baselines-fit.js'
import type { Provenance } from '../../evaluate/subject.js'
import type { Oracle } from './oracle.js'
import type { Failure } from './retrieval-failures.js'
import type { Hits, PoolScores } from './retrieval-scores.js'
import type { Verdict } from './retrieval-verdict.js'

/** The whole bank, and the bank without the vectors that a prediction was made from. */
export interface Pools<T> {
  readonly with_context: T
  readonly without_context: T
}

/** One run in retrieval_results.json. What an oracle that fails makes meaningless is null. */
export interface RetrievalEntry extends Provenance {
  readonly run: string
  readonly model: string
  /** Of the file of weights that was judged. */
  readonly weights_sha256: string
  readonly bank: { readonly path: string; readonly hash: string; readonly rows: number; readonly space: string | null }
  readonly context: number
  readonly n: number
  readonly articles: number
  /** Why there are no intervals. */
  readonly ci95_note: string | null
  readonly seed: number
  readonly status: 'valid' | 'invalid'
  readonly oracle: Oracle
  readonly scores: Pools<PoolScores> | null
  /** Hits on the target or on a row whose cosine with it is above the threshold. */
  readonly near_duplicate: ({ readonly threshold: number } & Pools<Hits>) | null
  readonly baselines: Readonly<
    Partial<Record<BaselineName, { readonly params: Readonly<Record<string, number>>; readonly scores: Pools<PoolScores> }>>
  > | null
  readonly verdict: Verdict | null
  /** Targets that are not among the first twenty of the whole bank; the worst are listed. */
  readonly failed: number | null
  readonly failures: readonly Failure[] | null
  readonly libtorch: string
}

export const RETRIEVAL_RESULTS = 'retrieval_results.json'
