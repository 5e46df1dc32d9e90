import { count, counted } from '../show.js'
import type { Tensor } from '../torch/tensor.js'
import { type Finding, finding } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'
import { byChance } from './chance-level.js'
import { type Copies, copiesWithin } from './copies.js'
import { type Near, nearWithin } from './near-duplicates.js'
import { isBad } from './unit-table.js'

/** Counts of copies and near-copies in a file. */
export interface Duplicates {
  /** Rows that are bit-identical to an earlier one. */
  readonly exact: number
  readonly near_pairs: number
  /** Rows in such a pair, not counting copies. */
  readonly near_rows: number
  /** Rows that were compared with all others: all rows, or a sample. */
  readonly compared: number
  readonly first: readonly { readonly a: number; readonly b: number; readonly cosine: number }[]
}

function exactFinding(copies: Copies, rows: number): Finding {
  const figures = { copies: copies.size, share: copies.size / rows }
  if (copies.size === 0) return finding('DUPLICATES', 'PASS', 'no row is a copy of another', figures)
  const [[row, first]] = copies as unknown as [[number, number]]
  const summary = `${counted(copies.size, 'row')} of ${count(rows)} ${copies.size === 1 ? 'is' : 'are'} bit-identical to an earlier row, such as row ${row} to row ${first}`
  return finding('DUPLICATES', copies.size > rows / 2 ? 'FAIL' : 'WARN', summary, figures, copies.keys())
}

function nearFinding({ pairs, rows, first, compared }: Near, distinct: number, chance: number): Finding {
  const figures = { pairs, rows: rows.size, compared }
  const sample =
    compared < distinct ? ` (a seeded sample of ${count(compared)} rows was compared with all ${count(distinct)})` : ''
  if (pairs === 0) return finding('NEAR_DUPLICATES', 'PASS', `no other pair above a cosine of .98${sample}`, figures)
  const summary = `${counted(pairs, 'pair')} above a cosine of .98, not counting copies; ${counted(rows.size, 'row')} affected${sample}`
  const products = compared < distinct ? compared * distinct : (compared * (compared - 1)) / 2
  if (byChance(pairs, chance, products))
    return finding('NEAR_DUPLICATES', 'PASS', `no more than expected by chance in so few dimensions: ${summary}`, figures)
  const as = first[0] === undefined ? '' : `, such as rows ${first[0].a} and ${first[0].b}`
  return finding('NEAR_DUPLICATES', 'WARN', summary + as, figures, rows)
}

/** Finds copies and near-copies in one file; `chance` is the probability that two unrelated rows are near-copies. */
export async function duplicatesOf(
  { table }: Pick<AuditedFile, 'table'>,
  basis: Tensor,
  chance: number,
): Promise<{ findings: Finding[]; duplicates: Duplicates }> {
  const copies = await copiesWithin(table)
  const distinct = Int32Array.from({ length: table.rows }, (_, row) => row).filter(
    (row) => !copies.has(row) && !isBad(table.lengths[row]!),
  )
  const near = await nearWithin(table, distinct, basis)
  return {
    findings: [exactFinding(copies, table.rows), nearFinding(near, distinct.length, chance)],
    duplicates: {
      exact: copies.size,
      near_pairs: near.pairs,
      near_rows: near.rows.size,
      compared: near.compared,
      first: near.first,
    },
  }
}
