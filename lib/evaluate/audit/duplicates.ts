import { splitWindows } from '../../data/split.js'
import type { Windows } from '../../data/windows.js'
import type { Tensor } from '../../torch/tensor.js'
import { byChance, LEAKING, type Read } from './against.js'
import { type Copies, copiesWithin } from './copies.js'
import { count, type Finding, finding, some } from './findings.js'
import { type Near, nearBetween, nearWithin } from './near.js'
import { isBad } from './table.js'

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

function nearFinding({ pairs, rows, first, compared }: Near, distinct: number, share: number): Finding {
  const figures = { pairs, rows: rows.size, compared }
  const sample =
    compared < distinct ? ` (a sample of ${count(compared)} rows, drawn by seed, was compared with all ${count(distinct)})` : ''
  if (pairs === 0) return finding('NEAR_DUPLICATES', 'PASS', `no other pair above a cosine of .98${sample}`, figures)
  const told = `${some(pairs, 'pair')} above a cosine of .98, copies aside; ${some(rows.size, 'row')} concerned${sample}`
  const products = compared < distinct ? compared * distinct : (compared * (compared - 1)) / 2
  if (byChance(pairs, share, products))
    return finding('NEAR_DUPLICATES', 'PASS', `as many as chance makes in so few dimensions: ${told}`, figures)
  const as = first[0] === undefined ? '' : `, as rows ${first[0].a} and ${first[0].b}`
  return finding('NEAR_DUPLICATES', 'WARN', told + as, figures, rows)
}

/** Whether the targets of the default validation part are copies of rows that would be trained on. */
async function splitFinding(
  { base, table }: Read,
  windows: Windows,
  copies: Copies,
  basis: Tensor,
  share: number,
): Promise<Finding> {
  if (windows.crosses !== undefined && base.kind === 'base')
    return finding('SPLIT_LEAK', 'WARN', 'windows that cross articles are split at random: neighbours share vectors')
  if (base.kind === 'sequences' || windows.count < 3 || new Set(windows.article).size < 2)
    return finding('SPLIT_LEAK', 'PASS', 'no split by article can be tried')
  const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
  const targets = split.val.map((w) => windows.target[w]!).filter((row) => !isBad(table.lengths[row]!))
  const held = new Set(split.articles.val)
  const rest = Int32Array.from({ length: base.rows }, (_, row) => row).filter(
    (row) => !held.has(base.articles!.ids[base.articles!.of[row]!]!) && !isBad(table.lengths[row]!),
  )
  const firstOf = (row: number) => copies.get(row) ?? row
  const trained = new Set([...rest].map(firstOf))
  const exact = [...targets].filter((row) => trained.has(firstOf(row)))
  const near = await nearBetween(table, targets, table, rest, basis)
  const figures = { exact: exact.length, near: near.rows.size, targets: targets.length }
  const told = `of ${count(targets.length)} targets of the default validation part ${count(exact.length)} are copies of rows outside it to the bit, ${count(near.rows.size)} above a cosine of .98`
  if (exact.length === 0 && (near.rows.size === 0 || byChance(near.pairs, share, near.compared * rest.length)))
    return finding('SPLIT_LEAK', 'PASS', told, figures)
  return finding(
    'SPLIT_LEAK',
    exact.length > LEAKING * targets.length ? 'FAIL' : 'WARN',
    told,
    figures,
    exact.length > 0 ? exact : near.rows,
  )
}

/** Copies and near-copies in one file, and between the parts that it would be split into; `share`: of random pairs above .98. */
export async function duplicatesOf(
  read: Read,
  windows: Windows,
  basis: Tensor,
  share: number,
): Promise<{ findings: Finding[]; duplicates: Duplicates }> {
  const { table } = read
  const copies = await copiesWithin(table)
  const distinct = Int32Array.from({ length: table.rows }, (_, row) => row).filter(
    (row) => !copies.has(row) && !isBad(table.lengths[row]!),
  )
  const near = await nearWithin(table, distinct, basis)
  return {
    findings: [
      exactFinding(copies, table.rows),
      nearFinding(near, distinct.length, share),
      await splitFinding(read, windows, copies, basis, share),
    ],
    duplicates: {
      exact: copies.size,
      near_pairs: near.pairs,
      near_rows: near.rows.size,
      compared: near.compared,
      first: near.first,
    },
  }
}
