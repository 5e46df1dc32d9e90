import { Tensor } from '../torch/tensor.js'

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

/** Buffers of a residual of memory, and the constants that earlier versions had in their place. */
const ADDED = { 'residual.center': 0, 'residual.summary_center': 0, 'residual.summary_scale': 1 }

/** Adds the tensors that a run of an earlier version lacks beside its own, as that version computed. */
export function completed(tensors: StoredTensors, shapeOf: (name: string) => readonly number[] | undefined): StoredTensors {
  if (!tensors.has('residual.summary')) return tensors
  const added = Object.entries(ADDED).flatMap(([name, value]): [string, Stored][] => {
    const shape = shapeOf(name)
    if (tensors.has(name) || shape === undefined) return []
    return [[name, { shape, read: async () => Tensor.from(new Float32Array(shape[0]!).fill(value), shape) }]]
  })
  return new Map([...tensors, ...added])
}
