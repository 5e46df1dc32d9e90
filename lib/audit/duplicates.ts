import type { Tensor } from '../torch/tensor.js'
import { count, type Finding, finding, some } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'
import { byChance } from './chance-level.js'
import { type Copies, copiesWithin } from './copies.js'
import { type Near, nearWithin } from './near-duplicates.js'
import { isBad } from './unit-table.js'

/** What is there twice. */
export interface Duplicates {
  /** Rows that repeat an earlier one to the bit. */
  readonly exact: number
  readonly near_pairs: number
  /** Rows, copies aside, that are in such a pair. */
  readonly near_rows: number
  /** Rows that were compared with all others: all of them, or a sample. */
  readonly compared: number
  readonly first: readonly { readonly a: number; readonly b: number; readonly cosine: number }[]
}

function exactFinding(copies: Copies, rows: number): Finding {
  const figures = { copies: copies.size, share: copies.size / rows }
  if (copies.size === 0) return finding('DUPLICATES', 'PASS', 'no row is a copy of another', figures)
  const [[row, first]] = copies as unknown as [[number, number]]
  const told = `${some(copies.size, 'row')} of ${count(rows)} ${copies.size === 1 ? 'is a copy' : 'are copies'} of earlier ones to the bit, as row ${row} of row ${first}`
  return finding('DUPLICATES', copies.size > rows / 2 ? 'FAIL' : 'WARN', told, figures, copies.keys())
}

function nearFinding({ pairs, rows, first, compared }: Near, distinct: number, chance: number): Finding {
  const figures = { pairs, rows: rows.size, compared }
  const sample =
    compared < distinct ? ` (a sample of ${count(compared)} rows, drawn by seed, was compared with all ${count(distinct)})` : ''
  if (pairs === 0) return finding('NEAR_DUPLICATES', 'PASS', `no other pair above a cosine of .98${sample}`, figures)
  const told = `${some(pairs, 'pair')} above a cosine of .98, copies aside; ${some(rows.size, 'row')} concerned${sample}`
  const products = compared < distinct ? compared * distinct : (compared * (compared - 1)) / 2
  if (byChance(pairs, chance, products))
    return finding('NEAR_DUPLICATES', 'PASS', `as many as chance makes in so few dimensions: ${told}`, figures)
  const as = first[0] === undefined ? '' : `, as rows ${first[0].a} and ${first[0].b}`
  return finding('NEAR_DUPLICATES', 'WARN', told + as, figures, rows)
}

/** Copies and near-copies in one file; `chance`: how often unrelated rows are near-copies. */
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
