import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { openBeside } from '../../data/beside.js'
import { type Data, someData } from '../../data/given-data.js'
import { openBase } from '../../data/open.js'
import { agreedSpace, requireSameSpace } from '../../data/space.js'
import { type Check, count, only, optional, word } from '../../door.js'
import { LvmError } from '../../errors.js'
import type { Numbers } from '../../torch/lists.js'
import { Tensor } from '../../torch/tensor.js'
import { type FoundRow, foundRows } from './found-rows.js'

/** Vectors to search for: numbers, which are taken as vectors of the bank's space, or data with a space of its own. Shapes: [n, dim]. */
export type Queries = Tensor | Float32Array | Float64Array | Numbers | Data | Base

/** Options of `nearest`. */
export interface NearestOptions {
  /** Encoder that made the vectors of both, where no card names it. */
  readonly space?: string
}

const isBase = (value: unknown): value is Base =>
  typeof value === 'object' && value !== null && (value as Partial<Base>).vectors instanceof Tensor && 'contentHash' in value
const isNumbers = (value: unknown): value is Numbers =>
  Array.isArray(value) && (typeof value[0] === 'number' || (Array.isArray(value[0]) && typeof value[0][0] === 'number'))
const isPlain = (value: unknown): value is Tensor | Float32Array | Float64Array | Numbers =>
  value instanceof Tensor || value instanceof Float32Array || value instanceof Float64Array || isNumbers(value)

/** Data, or values that need no file. */
const dataOr = (expected: string, plain: (value: unknown) => boolean): Check => ({
  expected: `${expected}${someData.expected}`,
  accepts: (value) => plain(value) || someData.accepts(value),
  load: async (value, place) => (plain(value) ? value : someData.load!(value, place)),
})

/** Numbers as a tensor. Shapes: [n, dim]. Errors: DATA_SHAPE. */
async function asTensor(given: Tensor | Float32Array | Float64Array | Numbers, dim: number): Promise<Tensor> {
  const flat =
    given instanceof Float32Array || given instanceof Float64Array || (Array.isArray(given) && !Array.isArray(given[0]))
  const length = given instanceof Tensor ? 0 : given.length
  const wrong = (received: string) =>
    new LvmError('DATA_SHAPE', `nearest: expected vectors of dimension ${dim}, as the bank has, but received ${received}`, {
      hint: 'give one vector, a list of vectors, or a tensor of shape [n, dim]',
    })
  if (flat && (length === 0 || length % dim !== 0)) throw wrong(`${length} numbers`)
  const fit = async (tensor: Tensor) => {
    if (tensor.shape.length !== 2 || tensor.shape[1] !== dim) throw wrong(`shape [${tensor.shape.join(', ')}]`)
    return tensor.to({ device: 'cpu', dtype: 'float32' }).ready()
  }
  if (given instanceof Tensor) return fit(given)
  using made = flat ? Tensor.from(Float32Array.from(given as number[]), [length / dim, dim]) : Tensor.from(given as Numbers)
  return await fit(made)
}

/** Opens the vectors to search for. Errors: those of openBeside. */
async function opened(bank: Base, given: Queries, space: string | undefined): Promise<{ vectors: Tensor; dispose(): void }> {
  if (isPlain(given)) {
    const vectors = await asTensor(given, bank.dim)
    return { vectors, dispose: () => vectors.dispose() }
  }
  if (isBase(given)) {
    requireSameSpace(bank, given)
    return { vectors: given.targets ?? given.vectors, dispose() {} }
  }
  const base = await openBeside(bank, given as string, { space })
  return { vectors: base.targets ?? base.vectors, dispose: () => base.dispose() }
}

const ARGS = {
  bank: dataOr('a base, as openBase returns it, ', isBase),
  vectors: dataOr('numbers, a base, ', (value) => isPlain(value) || isBase(value)),
  k: optional(count),
  options: only({ space: optional(word) }),
}

/**
 * Finds the rows of a bank that are nearest to vectors, the nearest first, by exact search. A bank that `openBase` returned is not opened again.
 *
 * Shapes: vectors [n, dim]; n lists of `k` rows, 10 unless given.
 * Errors: those of openBase; DATA_SHAPE and SPACE_MISMATCH for vectors that do not fit the bank; DIVERGED for numbers that are not finite.
 */
export const nearest = longDoor(
  'nearest',
  ARGS,
  async (bank: Data | Base, vectors: Queries, k?: number, { space }: NearestOptions = {}): Promise<FoundRow[][]> => {
    const base = isBase(bank) ? bank : await openBase(bank, { ...(space !== undefined && { space }) })
    try {
      if (isBase(bank)) agreedSpace(base.path, { ...(base.space !== undefined && { space: base.space }) }, space)
      const queries = await opened(base, vectors, space)
      try {
        return await foundRows(base, queries.vectors, k ?? 10)
      } finally {
        queries.dispose()
      }
    } finally {
      if (!isBase(bank)) base.dispose()
    }
  },
)
