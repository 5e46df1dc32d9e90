import type { Base } from '../../data/base.js'
import { LvmError } from '../../errors.js'
import { type NativeBank, native } from '../../native.js'
import type { Tensor } from '../../torch/tensor.js'

/** Rows left out of a search: query i leaves out rows[first[i] … first[i + 1]). */
export interface Exclusions {
  readonly first: Int32Array
  readonly rows: Int32Array
}

/**
 * Returns the row of a bank nearest to each vector by exact search, with its cosine; −1 when no row is left.
 *
 * Shapes: vectors [n, dim].
 * Errors: DIVERGED when a vector is not finite.
 */
export async function nearestRows(
  bank: NativeBank,
  vectors: Tensor,
  excluded?: Exclusions,
): Promise<{ rows: Int32Array; cosines: Float64Array }> {
  const n = vectors.shape[0]!
  if (n === 0) return { rows: new Int32Array(0), cosines: new Float64Array(0) }
  const { first, rows: left } = excluded ?? { first: new Int32Array(n + 1), rows: new Int32Array(0) }
  using queries = await vectors.to({ device: 'cpu', dtype: 'float32' })
  const { allowed } = await native.retrieve(queries.native, bank, { target: new Int32Array(n), first, excluded: left }, 1)
  return { rows: allowed.rows, cosines: allowed.cosines }
}

/** Joins lists of rows, one for each query. */
export function exclusionsOf(lists: readonly (readonly number[])[]): Exclusions {
  const first = new Int32Array(lists.length + 1)
  lists.forEach((list, i) => {
    first[i + 1] = first[i]! + list.length
  })
  return { first, rows: Int32Array.from(lists.flat()) }
}

/** Stored vectors to search, with the sentence of each. */
export interface SentenceBank {
  readonly base: Base
  readonly texts: readonly string[]
  readonly handle: NativeBank
  /** Frees the search, not the base. */
  dispose(): void
}

/** Returns the sentence of each row of a base. Errors: TEXT_MISSING. */
export async function requireTexts(base: Base, key: string): Promise<readonly string[]> {
  const texts = await base.texts()
  if (texts !== undefined) return texts
  const found = base.sideFile === undefined ? 'there is no .jsonl beside it' : `${base.sideFile} has lines without "text"`
  throw new LvmError('TEXT_MISSING', `${base.path}: expected a sentence for each row of "${key}" but ${found}`)
}

/** Makes a base searchable for sentences; of sequences, their targets are searched. Errors: TEXT_MISSING. */
export async function openSentences(base: Base): Promise<SentenceBank> {
  const texts = await requireTexts(base, 'bank')
  const handle = native.bank((base.targets ?? base.vectors).native)
  return { base, texts, handle, dispose: () => native.bankDispose(handle) }
}
