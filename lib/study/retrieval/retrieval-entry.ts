import type { Exclude } from '../../evaluate/exclusions.js'
import type { Provenance } from '../../evaluate/subject.js'
import type { Oracle } from './oracle.js'
import type { QueryName } from './queries.js'
import type { Failure } from './retrieval-failures.js'
import type { Hits, PoolScores } from './retrieval-scores.js'
import type { Verdict } from './retrieval-verdict.js'

/** A value for the whole bank, and for the bank without the context of each query. */
export interface Pools<T> {
  readonly with_context: T
  readonly without_context: T
}

/** The searched windows; whether a predictor that is no run was chosen by them is not known. */
export interface SearchedWindows extends Omit<Provenance, 'selected_on'> {
  readonly selected_on: boolean | null
}
/** Models of predictors that are no runs. */
const OUTSIDE: readonly unknown[] = ['file', 'function']
/** Whether an entry of a document is about a predictor that is no run. */
export const isOutside = ({ kind, model }: { readonly kind?: unknown; readonly model?: unknown }): boolean =>
  OUTSIDE.includes(kind) || OUTSIDE.includes(model)

/** How a bank in a database was searched. */
export interface BankSearch {
  /** By the index of the database, or by comparing all rows here. */
  readonly method: 'index' | 'exact'
  /** Kind of the index; null without one. */
  readonly index: string | null
  /** Share of the 20 nearest rows that the database returns for the predictions, and the number of windows that it was measured on. */
  readonly recall20: number
  readonly queries: number
}

/** One run or other predictor in retrieval_results.json; scores are null when the oracle fails. */
export interface RetrievalEntry extends SearchedWindows {
  readonly run: string
  /** Model of a run; `file` or `function` for a predictor that is none. */
  readonly model: string
  /** SHA-256 of the evaluated weights file, or of the file of predictions; null for a function. */
  readonly weights_sha256: string | null
  readonly bank: {
    readonly path: string
    readonly hash: string
    readonly rows: number
    readonly space: string | null
    /** Only for a bank in a database. */
    readonly search?: BankSearch
  }
  readonly context: number
  /** What each window leaves out of the pool: all that the model has seen, or the last vectors of the shortest context. */
  readonly exclude: Exclude
  /** The folds, where the rows are `folds`; `run` then names all of them. */
  readonly folds?: {
    readonly count: number
    readonly runs: readonly { readonly run: string; readonly articles: number; readonly n: number }[]
  }
  readonly n: number
  readonly articles: number
  /** Reason for missing intervals. */
  readonly ci95_note: string | null
  readonly seed: number
  readonly status: 'valid' | 'invalid'
  readonly oracle: Oracle
  readonly scores: Pools<PoolScores> | null
  /** Hits on the target or on a row whose cosine with the target is above the threshold. */
  readonly near_duplicate: ({ readonly threshold: number } & Pools<Hits>) | null
  readonly baselines: Readonly<
    Partial<
      Record<
        QueryName,
        {
          readonly params: Readonly<Record<string, number>>
          readonly scores: Pools<PoolScores>
          /** As that of the run, in `bank.search`. */
          readonly recall20?: number
        }
      >
    >
  > | null
  readonly verdict: Verdict | null
  /** Number of targets outside the Top-20 of the whole bank; `failures` lists the worst. */
  readonly failed: number | null
  readonly failures: readonly Failure[] | null
  readonly libtorch: string
}

export const RETRIEVAL_RESULTS = 'retrieval_results.json'
