import type { Base } from '../data/base.js'
import type { BankRows } from './bank.js'

/** Numbers that are sent and read together: 4 MB of float32. */
const TOGETHER = 1 << 20

/** Rows that are sent and read together. */
export const rowsTogether = (dim: number): number => Math.max(1, Math.floor(TOGETHER / dim))

/** Reads some rows of a base, with the sentences of all its rows. */
export async function baseRows(
  { vectors, articles, positions }: Base,
  texts: readonly string[] | undefined,
  at: number,
  count: number,
): Promise<BankRows> {
  using part = await vectors.op('aten::narrow', 0, at, count)
  using single = await part.to({ dtype: 'float32' }).ready()
  const list = <T>(of: (row: number) => T) => Array.from({ length: count }, (_, i) => of(at + i))
  return {
    at,
    count,
    vectors: (await single.data()) as Float32Array,
    articles: list((row) => articles?.ids[articles.of[row]!] ?? null),
    positions: list((row) => positions?.[row] ?? null),
    texts: list((row) => texts?.[row] ?? null),
  }
}
