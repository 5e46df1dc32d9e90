import type { Stage } from './load-stage.js'

/** Model that a server names in /v1/models. */
export interface LoadedModel {
  readonly name: string
  readonly architecture: string | null
  readonly dim: number
  readonly context: number
  /** SHA-256 of its weights, if the server tells. */
  readonly weights: string | null
  /** Rows of its bank; null without one. */
  readonly bank_rows: number | null
}

/** loadtest.json */
export interface LoadDocument {
  readonly version: 1
  readonly created_at: string
  readonly lvm_torch: string
  readonly url: string
  readonly loop: 'open' | 'closed'
  readonly route: 'predict' | 'retrieve' | 'sessions'
  readonly format: 'JSON' | 'bytes'
  /** Contexts in one request, and vectors in one context. */
  readonly batch: number
  readonly context: number
  readonly data: string | null
  readonly seed: number
  readonly server: {
    readonly model: string
    readonly architecture: string | null
    readonly dim: number
    readonly context: number
    readonly weights: string | null
    readonly bank_rows: number | null
    /** Version in its OpenAPI document. */
    readonly version: string | null
  }
  /** Machine of the client. */
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly node: string
    readonly threads: number
    readonly connections: number
    /** Load average of the last minute before the start. */
    readonly load_before: number
    /** Share of the processor time that this client was ready to use and got; null if unknown. */
    readonly cpu_share?: number | null
  }
  readonly objective: { readonly p99_ms: number; readonly errors: number }
  readonly duration: number
  readonly warmup: number
  readonly timeout_ms: number
  /** Median latency of requests sent one after the other before the first stage. */
  readonly alone_ms: number
  readonly stages: readonly Stage[]
  /** Highest rate that met the objective; null without a search, or if none did. */
  readonly knee: Knee | null
  /** Stage at a multiple of the highest rate. */
  readonly overload: Overload | null
  /** Whether the objective was met: by the stage of a fixed load, or by any rate of the search; null when stopped before. */
  readonly met: boolean | null
  /** `unanswered`: the server stopped answering. */
  readonly stopped: 'done' | 'interrupted' | 'unanswered'
  readonly warnings: readonly string[]
}

export interface Knee {
  readonly rate: number
  /** Whether a longer stage met the objective with 95 % confidence. */
  readonly confirmed: boolean
  readonly goodput: number
  readonly p99_ms: number
  /** Whether this client, not the server, may have limited the rate. */
  readonly client_limited: boolean
}

export interface Overload {
  readonly rate: number
  readonly goodput: number
  /** Share of the goodput at the highest rate. */
  readonly goodput_kept: number
  /** Of the answers. */
  readonly p99_ms: number | null
  readonly rejected_share: number
  readonly failed_share: number
  readonly recovery_seconds: number | null
}

/** Events of a load test. */
export type LoadEvent =
  | {
      readonly type: 'start'
      readonly version: 1
      readonly url: string
      readonly model: LoadedModel
      readonly loop: 'open' | 'closed'
      readonly route: LoadDocument['route']
      readonly format: LoadDocument['format']
      readonly alone_ms: number
      readonly threads: number
    }
  | {
      readonly type: 'load'
      readonly version: 1
      readonly purpose: Stage['purpose']
      readonly rate: number | null
      readonly clients: number | null
      readonly seconds: number
    }
  | ({ readonly type: 'stage'; readonly version: 1 } & Stage)
  | { readonly type: 'warning'; readonly version: 1; readonly message: string }
  | {
      readonly type: 'result'
      readonly version: 1
      readonly loadtest: LoadDocument
      readonly json: string
      readonly figures: readonly string[]
    }
