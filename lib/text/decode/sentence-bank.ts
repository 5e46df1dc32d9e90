import type { Base } from '../../data/base.js'
import { LvmError } from '../../errors.js'
import { type NativeBank, native } from '../../native.js'
import type { Tensor } from '../../torch/tensor.js'

/** A stored sentence with the cosine of its vector. */
export interface StoredSentence {
  /** Row of the bank. */
  readonly row: number
  readonly text: string
  readonly cosine: number
}

/** Rows of a bank that a search leaves out, one list for each query. */
export type Exclusions = readonly (readonly number[])[]

/** Returns the first row that is not in a list. */
function firstAllowed(excluded: readonly number[]): number {
  const rows = new Set(excluded)
  let row = 0
  while (rows.has(row)) row++
  return row
}

/**
 * Returns the `k` rows of a bank nearest to each vector by exact search, the nearest first, with their cosines; −1 where no row is left.
 *
 * Shapes: vectors [n, dim]; n · k rows.
 * Errors: DIVERGED when a vector is not finite.
 */
export async function nearestRows(
  bank: NativeBank,
  vectors: Tensor,
  without?: { readonly excluded: Exclusions; readonly rows: number },
  k = 1,
): Promise<{ rows: Int32Array; cosines: Float64Array }> {
  const n = vectors.shape[0]!
  if (n === 0) return { rows: new Int32Array(0), cosines: new Float64Array(0) }
  // The native search ranks a target, which must be a row that it does not leave out.
  const target = Int32Array.from({ length: n }, (_, i) => firstAllowed(without?.excluded[i] ?? []))
  const none = target.map((row) => (without !== undefined && row >= without.rows ? 1 : 0))
  const lists = Array.from({ length: n }, (_, i) => (none[i] ? [] : (without?.excluded[i] ?? [])))
  const first = new Int32Array(n + 1)
  lists.forEach((list, i) => {
    first[i + 1] = first[i]! + list.length
  })
  const rows = { target: target.map((row, i) => (none[i] ? 0 : row)), first, excluded: Int32Array.from(lists.flat()) }
  using queries = await vectors.to({ device: 'cpu', dtype: 'float32' }).ready()
  const { allowed } = await native.retrieve(queries.native, bank, rows, k)
  return { rows: allowed.rows.map((row, i) => (none[Math.floor(i / k)] ? -1 : row)), cosines: allowed.cosines }
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
