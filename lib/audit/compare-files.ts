import type { Base } from '../data/base.js'
import { counted } from '../show.js'
import type { Tensor } from '../torch/tensor.js'
import { cos, type Finding, finding } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'
import { type ClusteredMean, clusteredMean } from './clustered-mean.js'
import { everyRow, leakOf } from './leak.js'
import { spaceFinding } from './same-space.js'
import { type Table, tableOf } from './unit-table.js'

const named = (ids: readonly string[]) =>
  `${ids
    .slice(0, 5)
    .map((id) => `"${id}"`)
    .join(', ')}${ids.length > 5 ? ', …' : ''}`

function sharedArticles(a: Base, b: Base): Finding {
  const known = new Set(a.articles?.ids)
  const shared = (b.articles?.ids ?? []).filter((id) => known.has(id))
  const figures = { shared: shared.length }
  if (a.articles === undefined || b.articles === undefined)
    return finding('SHARED_ARTICLES', 'WARN', 'article ids are not known in both files, so only vectors are compared', figures)
  if (shared.length === 0) return finding('SHARED_ARTICLES', 'PASS', 'no article is in both files', figures)
  return finding('SHARED_ARTICLES', 'FAIL', `${counted(shared.length, 'article')} in both files: ${named(shared)}`, figures)
}

/** Pairs of rows that should be the same text: same article and position, or same row number in files of equal length. */
function samePlaces(a: Base, b: Base): [number, number][] {
  if (a.kind !== 'base' || b.kind !== 'base') return []
  const key = ({ articles, positions }: Base, row: number) =>
    articles === undefined || positions === undefined ? undefined : `${positions[row]} ${articles.ids[articles.of[row]!]}`
  const rows = new Map<string, number>()
  for (let row = 0; row < a.rows; row++) {
    const at = key(a, row)
    if (at !== undefined) rows.set(at, row)
  }
  const pairs: [number, number][] = []
  for (let row = 0; row < b.rows; row++) {
    const at = key(b, row)
    const there = at === undefined ? undefined : rows.get(at)
    if (there !== undefined) pairs.push([there, row])
  }
  return pairs.length === 0 && a.rows === b.rows ? Array.from({ length: a.rows }, (_, row) => [row, row]) : pairs
}

/** Tables that rows are searched in: the rows of a base; targets and contexts of sequences. */
const tablesOf = async ({ base, table }: AuditedFile): Promise<Table[]> =>
  base.targets === undefined ? [table] : [table, await tableOf(base.vectors)]

/** Finds rows of `b` that are also in `a`. */
async function leakFinding(a: AuditedFile, b: AuditedFile, basis: Tensor, chance: number): Promise<Finding> {
  const seen = (await tablesOf(a)).map(everyRow)
  const adjacent = a.adjacent
  const { level, summary, rows, figures } = await leakOf(everyRow(b.table), seen, { basis, chance, adjacent })
  if (figures.exact + figures.near === 0) return finding('LEAK', 'PASS', 'no row is in both files', figures)
  return finding('LEAK', level, `rows of this file that are copies of rows in the other: ${summary}`, figures, rows)
}

async function adjacent({ passed, clusters }: AuditedFile): Promise<ClusteredMean | undefined> {
  const [lag] = passed.lags
  return lag === undefined || lag.rows.length === 0 ? undefined : clusteredMean(lag.cosines, lag.rows, clusters)
}

/** Compares means of both files. Texts differ by nature, so only differences above 5 standard errors and a tenth are reported. */
async function parityFinding(a: AuditedFile, b: AuditedFile): Promise<Finding> {
  const [x, y] = [await adjacent(a), await adjacent(b)]
  const figures = {
    adjacent: x?.mean ?? null,
    adjacent_other: y?.mean ?? null,
    random_pairs: a.floor,
    random_pairs_other: b.floor,
    mean_norm: a.spectrum.mean_norm,
    mean_norm_other: b.spectrum.mean_norm,
    length: a.base.norms.mean,
    length_other: b.base.norms.mean,
  }
  const differing: string[] = []
  const apart = (p: number, q: number) => Math.abs(p - q) > 0.1 * Math.max(Math.abs(p), Math.abs(q), 0.1)
  if (x !== undefined && y !== undefined && x.se !== null && y.se !== null) {
    const limit = 5 * Math.hypot(x.se, y.se)
    if (Math.abs(x.mean - y.mean) > limit && apart(x.mean, y.mean))
      differing.push(`adjacent cosine ${cos(x.mean)} beside ${cos(y.mean)}`)
  }
  if (apart(a.floor, b.floor)) differing.push(`random pairs ${cos(a.floor)} beside ${cos(b.floor)}`)
  const [lengthA, lengthB] = [a.base.norms.mean, b.base.norms.mean]
  if (Math.abs(lengthA - lengthB) > 0.01 * Math.max(lengthA, lengthB))
    differing.push(`length ${lengthA.toPrecision(4)} beside ${lengthB.toPrecision(4)}`)
  return differing.length === 0
    ? finding('PARITY', 'PASS', 'mean cosines of neighbours and random pairs and mean lengths are similar in both files', figures)
    : finding('PARITY', 'WARN', `the files differ: ${differing.join('; ')}`, figures)
}

/** Runs all checks of two files: compares `b` with `a`. */
export async function compareFiles(a: AuditedFile, b: AuditedFile, basis: Tensor, chance: number): Promise<Finding[]> {
  const space = await spaceFinding(
    { table: a.table, passed: a.passed, space: a.base.space },
    { table: b.table, passed: b.passed, space: b.base.space },
    samePlaces(a.base, b.base),
  )
  if (a.table.dim !== b.table.dim) return [sharedArticles(a.base, b.base), space]
  return [sharedArticles(a.base, b.base), await leakFinding(a, b, basis, chance), space, await parityFinding(a, b)]
}
