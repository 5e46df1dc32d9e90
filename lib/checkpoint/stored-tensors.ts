import type { Tensor } from '../torch/tensor.js'

/** A tensor in a file, not read yet. */
export interface Stored {
  readonly shape: readonly number[]
  /** Description of a type that is not read; the shape may then be unknown. */
  readonly unread?: string
  /** Whether its numbers are integers: a counter, a mask or a table, not weights. */
  readonly isBuffer?: boolean
  read(): Promise<Tensor>
}
/** Tensors in a file by name. */
export type StoredTensors = ReadonlyMap<string, Stored>

/** Content of a weight file. */
export interface Opened {
  readonly tensors: StoredTensors
  /** Entries of a PyTorch file other than the weights. */
  readonly rest: ReadonlyMap<unknown, unknown>
  readonly warnings: readonly string[]
}
