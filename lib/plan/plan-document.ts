import type { Ceiling } from './product-rates.js'
import type { Counts } from './window-counts.js'
import type { Span, Wire } from './wire.js'

/** Memory of one rank by what needs it; the parts add up to `bytes`. Units: bytes. */
export interface PlannedMemory {
  readonly bytes: number
  /** `measured`: weights, gradients, optimizer, exchange and rows by their numbers, and the rest as it was here. */
  readonly from: 'measured' | 'estimated'
  readonly weights_bytes: number
  readonly gradients_bytes: number
  /** Moments and moving average, or this rank's part of them. */
  readonly optimizer_bytes: number
  /** Buckets of the gradients' sums. */
  readonly exchange_bytes: number
  /** Activations, temporary tensors, Node and libtorch. */
  readonly working_bytes: number
  /** Articles, positions, windows and their split. */
  readonly rows_bytes: number
  /** Vectors in memory, or the mapped pages that count as this process's. */
  readonly vectors_bytes: number
  /** Vectors in a memory-mapped file, which the page cache holds as far as it can; 0 if none. */
  readonly mapped_bytes: number
  /** Memory that is free here. */
  readonly free_bytes: number
}

/** Time on machines like this one. Units: seconds. */
export interface PlannedTime {
  /** `ceiling`: a lower bound, from the speed of products and copies. */
  readonly from: 'measured' | 'ceiling'
  /** A step without exchange between machines. */
  readonly computed_seconds: number
  /** Bounds: exchange beside the computation, and after it. */
  readonly step_seconds: Span
  readonly evaluation_seconds: number
  readonly epoch_seconds: Span
  /** All steps, evaluations and saves. */
  readonly training_seconds: Span
  /** Share of the processor time that the measured process was ready to use and got; times are corrected by it. */
  readonly cpu_share: number | null
}

/** Result of `plan`, and `plan --json`. */
export interface Planned {
  readonly version: 1
  readonly model: string
  readonly parameters: number
  readonly data: { readonly rows: number; readonly dim: number; readonly article_rows: number; readonly bytes: number }
  readonly ranks: number
  /** Ranks of one machine, and threads of a rank. */
  readonly processes: number
  readonly threads: number
  readonly counts: Counts
  readonly memory: PlannedMemory
  /** Null for a single rank. */
  readonly wire: (Wire & { readonly network_gb_per_s: number; readonly seconds: number | null }) | null
  readonly time: PlannedTime | null
  /** Why `time` is null or not measured. */
  readonly time_note: string | null
  readonly checkpoint: {
    /** Last weights with the optimizer's state, and best weights. */
    readonly final_bytes: number
    readonly best_bytes: number
    /** Disk of the run: while a save is written, the one before it is kept. */
    readonly disk_bytes: number
    /** Time of a save of both; null where none was measured. */
    readonly seconds: number | null
  }
  readonly ceiling: Ceiling | null
  readonly notes: readonly string[]
}
