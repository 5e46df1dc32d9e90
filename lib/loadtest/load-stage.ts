/** Percentiles of a stage. Units: ms. */
export interface Latencies {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Reason for a stage. */
export type Purpose = 'fixed' | 'bracket' | 'bisect' | 'confirm' | 'overload'

/** Measurement of one load, in loadtest.json. */
export interface Stage {
  readonly purpose: Purpose
  readonly loop: 'open' | 'closed'
  /** Intended requests per second; null in a closed loop. */
  readonly rate: number | null
  /** Clients of a closed loop. */
  readonly clients: number | null
  readonly seed: number
  /** Measured seconds, without the warm-up. */
  readonly seconds: number
  /** False when the stage was stopped before its end. */
  readonly complete: boolean
  /** Requests due in the measured seconds; each is answered, rejected or failed. */
  readonly sent: number
  readonly answered: number
  /** Answers with 429. */
  readonly rejected: number
  readonly failed: number
  /** Failures by code: of the answer, or of the connection. */
  readonly errors: Readonly<Record<string, number>>
  readonly answers_per_second: number
  /** Answers within the limit of the latency, per second. */
  readonly goodput: number
  /** Of the answers, from the intended start; null without an answer. */
  readonly latency_ms: Latencies | null
  /** Latency by percentile, of every answer. */
  readonly distribution: readonly { readonly percentile: number; readonly ms: number }[]
  /** Share of the answers above the limit, with the upper end of its one-sided 95 % interval over ten blocks of time. */
  readonly over_limit: { readonly share: number; readonly upper95: number } | null
  readonly met: boolean
  readonly in_flight_max: number
  /** Seconds from the last request to the first answer of a probe within the limit; null when there was none for 10 s. */
  readonly recovery_seconds: number | null
  /** Units: processors in use on average; bytes. */
  readonly server: { readonly cpu: number; readonly memory_bytes: number } | null
  readonly client: { readonly cpu: number; readonly event_loop: number; readonly send_delay_p99_ms: number }
  /** Whether this client, not the server, may have limited the result. */
  readonly client_limited: boolean
}

/** Times of a stage for the threads that send it. */
export interface StagePlan {
  /** Value of `now()` at the start of the warm-up. Units: ms */
  readonly start: number
  /** Units: ms */
  readonly warmup: number
  /** Measured time after the warm-up. Units: ms */
  readonly measured: number
  /** Requests per second; null in a closed loop. */
  readonly rate: number | null
  readonly clients: number
  readonly seed: number
  /** Limit of the latency. Units: ms */
  readonly limit: number
}

/** Blocks of equal time over which the interval of a stage is computed. */
export const BLOCKS = 10
