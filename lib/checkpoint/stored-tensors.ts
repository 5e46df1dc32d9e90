import type { Tensor } from '../torch/tensor.js'

/** A tensor of a file, not yet read. */
export interface Stored {
  readonly shape: readonly number[]
  /** What it is, when its type is not read; its shape may then be unknown. */
  readonly unread?: string
  /** Whether its numbers are whole: no weights, but a counter, a mask or a table. */
  readonly isBuffer?: boolean
  read(): Promise<Tensor>
}
/** Tensors of a file by name. */
export type StoredTensors = ReadonlyMap<string, Stored>

/** What one file holds. */
export interface Opened {
  readonly tensors: StoredTensors
  /** What a file of PyTorch holds beside its weights. */
  readonly rest: ReadonlyMap<unknown, unknown>
  readonly warnings: readonly string[]
}
