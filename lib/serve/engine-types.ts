import type { Contexts } from '../spec/contexts.js'
import type { FoundRow } from '../study/next/found-rows.js'
import type { KillReason } from './process-watch.js'

/** Description of a served run. */
export interface ServedRun {
  /** Name in paths, metrics and --split. */
  readonly name: string
  readonly folder: string
  readonly architecture: string
  readonly dim: number
  /** Vectors of the longest context of the training. */
  readonly context: number
  /** Context lengths of the training: one, or with a history a range. */
  readonly trained: Contexts
  /** Context lengths that the model accepts. */
  readonly contexts: Contexts
  readonly causal: boolean
  /** Whether the model was trained on unit vectors. */
  readonly unit: boolean
  readonly parameters: number
  /** SHA-256 of the weight file. */
  readonly weights: string
  /** Scheme of a quantised run. */
  readonly scheme: string | null
  readonly space: string | null
  readonly device: string
  readonly threads: number
  readonly bank: { readonly path: string; readonly rows: number; readonly hash: string } | null
}

/** Contexts of one request. Shapes: [batch, context, dim]. */
export interface Contexted {
  readonly contexts: Float32Array
  readonly batch: number
  readonly context: number
}

/** Limits of one request. */
export interface Asked {
  /** Time of performance.now() at its first byte; now unless given. Units: ms */
  readonly since?: number
  /** Time of performance.now() after which no answer is wanted. Units: ms */
  readonly deadline: number
  /** Aborts when the client has left. */
  readonly signal: AbortSignal
}

/** Events of an engine, from which metrics are counted. */
export type EngineEvent =
  | {
      readonly type: 'batch'
      readonly contexts: number
      readonly requests: number
      readonly context: number
      readonly inferenceMs: number
    }
  | { readonly type: 'waited'; readonly queueMs: number }
  | { readonly type: 'rejected'; readonly code: 'OVERLOADED' | 'DEADLINE' | 'UNAVAILABLE' | 'CLIENT_LEFT' }
  | {
      readonly type: 'fault'
      readonly exit: number | null
      readonly signal: string | null
      readonly reason: KillReason | null
      readonly lost: number
    }
  | { readonly type: 'restarted'; readonly seconds: number }
  /** A sentence of the process, once. */
  | { readonly type: 'warning'; readonly message: string }

/** A run in its own supervised process, behind a bounded queue. */
export interface Engine {
  readonly run: ServedRun
  readonly state: 'ready' | 'restarting' | 'closed'
  readonly gauges: {
    readonly queued: number
    readonly inFlight: number
    readonly sessions: number
    readonly pid: number | null
    /** Resident memory of the process, at most a second old. */
    readonly memoryBytes: number
    /** Processor time of the process since its start. */
    readonly cpuSeconds: number
    /** Time after which a refused request is likely to be accepted, for Retry-After; at least 1. Units: s */
    readonly retryAfter: number
  }
  /**
   * Shapes: → [batch, dim], unit vectors.
   * Errors: OVERLOADED, DEADLINE, UNAVAILABLE; BAD_REQUEST for a shape that does not fit; INTERRUPTED when the client has left.
   */
  predict(x: Contexted, asked: Asked): Promise<Float32Array>
  /** The k rows of the bank nearest to each prediction, without the excluded rows; fewer if the bank is smaller. Errors: BAD_REQUEST without a bank. */
  retrieve(x: Contexted, o: { k: number; exclude: Int32Array }, asked: Asked): Promise<FoundRow[][]>
  /** Feeds predictions back, as `rollout` with memory `auto` does. Shapes: → [batch, steps, dim]. */
  rollout(x: Contexted, steps: number, asked: Asked): Promise<Float32Array>
  /** Errors: BAD_REQUEST for a model that is not causal; OVERLOADED when no session is idle. */
  openSession(asked: Asked): Promise<string>
  /**
   * Shapes: vector [dim].
   * Errors: NOT_FOUND, SESSION_GONE; BAD_REQUEST beyond the longest context of the model. After DEADLINE the vector may have been fed: the next position tells.
   */
  feed(session: string, vector: Float32Array, asked: Asked): Promise<{ prediction: Float32Array; position: number }>
  /** Errors: NOT_FOUND, SESSION_GONE. */
  endSession(session: string): Promise<void>
  /** Errors: OVERLOADED when not even one more context has room. */
  requireRoom(): void
  /** Refuses new work, finishes the accepted work and its sessions' requests, and ends the process. */
  drain(): Promise<void>
  /** Ends the process at once. */
  close(): Promise<void>
}

export interface EngineOptions {
  readonly run: string
  /** Name in paths and metrics; default: that of the run's folder. */
  readonly name?: string | undefined
  readonly bank?: string | undefined
  /** Encoder of a bank without a card. */
  readonly space?: string | undefined
  /** Encoder that must have made the bank, by measurement. */
  readonly encoder?: string | undefined
  readonly device: string
  readonly threads?: number | undefined
  /** Computes every context alone, so that answers do not depend on other requests to the last bit. */
  readonly deterministic: boolean
  /** Contexts in one batch. */
  readonly maxBatch: number
  /** Time to wait for more contexts while the process is idle. Units: ms */
  readonly batchDelay: number
  /** Contexts that may wait. */
  readonly maxQueue: number
  /** Time within which an answer must be expected for a request to be accepted. Units: ms */
  readonly maxWait?: number | undefined
  /** Least time after which a batch counts as stuck and its process is killed; 20 times the longest batch before is allowed too. Units: ms */
  readonly batchLimit: number
  readonly maxSessions: number
  /** Units: s */
  readonly sessionIdle: number
  readonly observe: (event: EngineEvent) => void
  /** Ends the loading of the run. */
  readonly signal?: AbortSignal | undefined
}
