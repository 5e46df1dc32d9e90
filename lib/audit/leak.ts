import type { Base } from '../data/base.js'
import { type Split, splitWindows } from '../data/split.js'
import type { Windows } from '../data/windows.js'
import { count } from '../show.js'
import type { Tensor } from '../torch/tensor.js'
import { cos, type Finding, finding, type Level } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'
import { byChance } from './chance-level.js'
import { copiesBetween, type Some } from './copies.js'
import { nearBetween } from './near-duplicates.js'
import { isBad, type Table, tableOf } from './unit-table.js'

/** Limits of a failure: a gain in cosine larger than differences between good models, and more copies than boilerplate gives. */
const [WORTH, FEW] = [0.01, 3]

/** The split of a run, and the windows that the indices of its validation part refer to. */
export interface Drawn {
  readonly split: Split
  readonly val: { readonly base: Base; readonly windows: Windows }
}

export const everyRow = (table: Table): Some => ({
  table,
  rows: Int32Array.from({ length: table.rows }, (_, row) => row).filter((row) => !isBad(table.lengths[row]!)),
})

/** Evaluated rows that are copies of training rows, and the cosine that a model gains by memorising them. */
export interface Leak {
  readonly level: Level
  readonly summary: string
  readonly rows: Iterable<number>
  readonly figures: { exact: number; near: number; compared: number; rows: number; share: number; worth: number }
}

/**
 * Searches evaluated rows among the rows that a model has seen.
 *
 * `worth` is the mean cosine that a model can gain by memorising: the share of evaluated rows that are copies or near-copies, times the
 * difference between the cosine of a copy (1) and that of the last context vector (`adjacent`).
 * `chance` is the probability that two unrelated rows are near-copies.
 */
export async function leakOf(
  judged: Some,
  seen: readonly Some[],
  o: { basis: Tensor; chance: number; adjacent: number },
): Promise<Leak> {
  const [exact, near] = [new Set<number>(), new Set<number>()]
  let [pairs, compared, products] = [0, judged.rows.length, 0]
  for (const { table, rows } of seen) {
    for (const [row] of await copiesBetween(judged, { table, rows })) exact.add(row)
    const found = await nearBetween(judged.table, judged.rows, table, rows, o.basis)
    for (const row of found.rows) near.add(row)
    pairs += found.pairs
    compared = Math.min(compared, found.compared)
    products += found.compared * rows.length
  }
  const all = judged.rows.length
  const chance = byChance(pairs, o.chance, products)
  const share = Math.max(exact.size / Math.max(1, all), chance ? 0 : near.size / Math.max(1, compared))
  const worth = share * Math.max(0, 1 - o.adjacent)
  const figures = { exact: exact.size, near: near.size, compared, rows: all, share, worth }
  const sample = compared < all ? ` of ${count(compared)} compared` : ''
  const summary = `${count(exact.size)} of ${count(all)} bit-identical, ${count(near.size)}${sample} above a cosine of .98`
  const why =
    share > 0
      ? `, worth up to ${cos(worth)} of the cosine`
      : near.size > 0
        ? ', no more than expected by chance in so few dimensions'
        : ''
  const level = share === 0 ? 'PASS' : worth > WORTH && Math.max(exact.size, near.size) >= FEW ? 'FAIL' : 'WARN'
  return { level, summary: summary + why, rows: exact.size > 0 ? exact : near, figures }
}

/** Returns all rows that a model sees in the windows: contexts and targets. */
async function seenOf({ base, table }: AuditedFile, { first, target, context }: Windows, ids: Int32Array): Promise<Some[]> {
  const contexts = base.targets === undefined ? table : await tableOf(base.vectors)
  const marked = { contexts: new Uint8Array(contexts.rows), targets: new Uint8Array(table.rows) }
  for (const id of ids) {
    marked.contexts.fill(1, first[id]!, first[id]! + context)
    marked.targets[target[id]!] = 1
  }
  const picked = (of: Table, mark: Uint8Array): Some => {
    const { rows } = everyRow(of)
    return { table: of, rows: rows.filter((row) => mark[row] === 1) }
  }
  if (contexts !== table) return [picked(contexts, marked.contexts), picked(table, marked.targets)]
  return [
    picked(
      table,
      marked.contexts.map((mark, row) => mark | marked.targets[row]!),
    ),
  ]
}

const judgedOf = (table: Table, { target }: Windows, ids: Int32Array): Some => ({
  table,
  rows: ids.map((id) => target[id]!).filter((row) => !isBad(table.lengths[row]!)),
})

/** Returns the default split of training. */
function usual(base: Base, windows: Windows): Drawn | undefined {
  if (base.articles === undefined || windows.count < 3 || new Set(windows.article).size < 2) return undefined
  return { split: splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 }), val: { base, windows } }
}

/** Checks whether validation or test targets are copies of training rows; uses the default split if none is given. */
export async function splitFinding(
  read: AuditedFile,
  windows: Windows,
  drawn: Drawn | undefined,
  o: { basis: Tensor; chance: number; adjacent: number },
): Promise<Finding> {
  const { base, table } = read
  if (drawn?.split.leaky || (windows.crosses !== undefined && base.kind === 'base'))
    return finding('SPLIT_LEAK', 'WARN', 'windows that cross articles are split at random: neighbouring windows share vectors')
  const { split, val } = drawn ?? usual(base, windows) ?? {}
  if (split === undefined || val === undefined) return finding('SPLIT_LEAK', 'PASS', 'no split by article is possible')
  const seen = await seenOf(read, windows, split.train)
  const beside = val.base === base ? table : await tableOf(val.base.targets ?? val.base.vectors)
  const parts = [{ name: 'validation', judged: judgedOf(beside, val.windows, split.val) }]
  if (split.test !== undefined) parts.push({ name: 'test', judged: judgedOf(table, windows, split.test) })
  const leaks: (Leak & { name: string })[] = []
  for (const { name, judged } of parts) leaks.push({ name, ...(await leakOf(judged, seen, o)) })
  const worst = leaks.reduce((a, b) => (b.figures.worth > a.figures.worth ? b : a))
  const seed = split.mode === 'file' ? '' : ` (seed ${split.seed})`
  const summary = leaks.map(({ name, summary }) => `${name} targets${seed} that are copies of training rows: ${summary}`)
  const { share, worth } = worst.figures
  const [{ figures }, test] = [leaks[0]!, leaks[1]]
  return finding(
    'SPLIT_LEAK',
    worst.level,
    summary.join('; '),
    {
      exact: figures.exact,
      near: figures.near,
      targets: figures.rows,
      ...(test && { test_exact: test.figures.exact, test_near: test.figures.near, test_targets: test.figures.rows }),
      share,
      worth,
    },
    worst.rows,
  )
}
