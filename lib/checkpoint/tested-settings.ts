/** Result of a learning-rate range test. */
export interface LrTest {
  /** The chosen rate. */
  readonly lr: number
  /** Rate of the recipe. */
  readonly usual: number
  /** Rates with the lowest loss and with the steepest descent; null where the loss does not fall. */
  readonly lowest: number | null
  readonly steepest: number | null
  /** The losses of the untrained model and of the one in training, on the same batch, in order of the rates. */
  readonly curve: readonly { readonly lr: number; readonly untrained: number; readonly trained: number }[]
  /** Whether the loss became infinite or NaN at the rate after the last one of the curve. */
  readonly diverged: boolean
}

/** Result of a test of batch sizes. Units: windows, bytes. */
export interface BatchTest {
  /** The chosen size. */
  readonly batch_size: number
  /** Size of the recipe. */
  readonly usual: number
  readonly sizes: readonly { readonly batch_size: number; readonly samples_per_second: number; readonly memory_bytes: number }[]
  /** Why no larger size was tried: an epoch would have too few steps, memory, time, or two sizes in a row that were not faster. */
  readonly ended: 'steps' | 'memory' | 'time' | 'slower'
}
