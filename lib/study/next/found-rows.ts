import type { Base } from '../../data/base.js'
import { native } from '../../native.js'
import { stage, tally } from '../../stages.js'
import { type Exclusions, nearestRows } from '../../text/decode/sentence-bank.js'
import type { Tensor } from '../../torch/tensor.js'

/** A row of a bank that a search has found. */
export interface FoundRow {
  readonly row: number
  readonly cosine: number
  /** Article and text of the row; null when the bank does not know them. */
  readonly article: string | null
  readonly text: string | null
}

/** Queries that share one pass over the bank. */
const TOGETHER = 4096

/**
 * Finds the `k` rows of a base nearest to each query, the nearest first, by exact search; of sequences their targets are searched.
 *
 * Shapes: queries [n, dim]; n lists.
 * Errors: DIVERGED when a query is not finite.
 */
export async function foundRows(base: Base, queries: Tensor, k: number, excluded?: Exclusions): Promise<FoundRow[][]> {
  const bank = native.bank((base.targets ?? base.vectors).native)
  const n = queries.shape[0]!
  const most = Math.min(k, base.rows)
  const hits: { row: number; cosine: number }[][] = []
  try {
    await stage('search', async () => {
      for (let at = 0; at < n; at += TOGETHER) {
        tally(at, n)
        using part = await queries.op('aten::narrow', 0, at, Math.min(TOGETHER, n - at))
        const without = excluded && { excluded: excluded.slice(at, at + TOGETHER), rows: base.rows }
        const { rows, cosines } = await nearestRows(bank, part, without, most)
        for (let i = 0; i < part.shape[0]!; i++)
          hits.push(
            Array.from(rows.subarray(i * most, (i + 1) * most), (row, j) => ({ row, cosine: cosines[i * most + j]! })).filter(
              ({ row }) => row >= 0,
            ),
          )
      }
    })
  } finally {
    native.bankDispose(bank)
  }
  const texts = await base.textsOf(hits.flatMap((list) => list.map(({ row }) => row)))
  const { articles } = base
  return hits.map((list) =>
    list.map(({ row, cosine }) => ({
      row,
      cosine,
      article: articles === undefined ? null : articles.ids[articles.of[row]!]!,
      text: texts?.get(row) ?? null,
    })),
  )
}
