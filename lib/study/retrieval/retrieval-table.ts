import { rowsKey } from '../../data/content-hash.js'
import { NEAREST } from '../../evaluate/search.js'
import { historyNote, trainedOnNote } from '../../evaluate/trained-on.js'
import { aligned, count, counted, decimal, percent, span } from '../../show.js'
import { oracleSentence } from './oracle.js'
import { QUERY_NAMES, type QueryName } from './queries.js'
import { isOutside, type Pools, type RetrievalEntry } from './retrieval-entry.js'
import { type PoolScores, type ScoreName, TIE_RULE } from './retrieval-scores.js'

const COLUMNS: Readonly<Partial<Record<ScoreName, string>>> = {
  top1: 'Top-1',
  top5: 'Top-5',
  top10: 'Top-10',
  top20: 'Top-20',
  mrr: 'MRR',
  ndcg10: 'nDCG@10',
}
const names = Object.keys(COLUMNS) as ScoreName[]

const line = (title: string, scores: PoolScores, { search }: RetrievalEntry['bank'], recall = search?.recall20): string[] => [
  title,
  ...names.map((name) => decimal(scores[name].value)),
  search?.method === 'index' && scores.median_rank.value > NEAREST
    ? `> ${NEAREST}`
    : scores.median_rank.value.toLocaleString('en-US'),
  span(scores.top10.ci95),
  ...(search === undefined ? [] : [decimal(recall!)]),
]

function block(title: string, pool: keyof Pools<unknown>, entries: readonly RetrievalEntry[]): string {
  const [first] = entries
  const { scores, baselines } = first!
  const own = scores![pool]
  const inDatabase = first!.bank.search !== undefined
  const chance = [
    '  chance',
    ...names.map((name) => decimal(own[name].chance)),
    count(Math.round(own.median_rank.chance)),
    '',
    ...(inDatabase ? [''] : []),
  ]
  return aligned([
    [title, ...Object.values(COLUMNS), 'median rank', 'Top-10, 95 %', ...(inDatabase ? ['recall@20'] : [])],
    ...entries.map((e) => line(e.run, e.scores![pool], e.bank)),
    ...Object.entries(baselines!).map(([name, b]) =>
      line(`  ${QUERY_NAMES[name as QueryName]}`, b.scores[pool], first!.bank, b.recall20),
    ),
    chance,
  ])
}

/** What the smaller pool lacks, in words. */
function leftOut({ exclude, scores }: RetrievalEntry): string {
  const { excluded } = scores!.without_context
  if (exclude === 'context') return 'the last context vectors'
  return Number.isInteger(excluded) ? 'context' : `context (${excluded.toFixed(1)} rows on average)`
}

/** How a bank in a database was searched, in words. */
function searchedBy(search: RetrievalEntry['bank']['search']): string {
  if (search === undefined) return ''
  if (search.method === 'exact') return ' · exact search of all its rows'
  if (search.index === null) return ' · searched by the database, which compares every row'
  return ` · searched by index ${search.index} · recall@20 ${decimal(search.recall20)} (${counted(search.queries, 'window')})`
}

function section(entries: readonly RetrievalEntry[]): string {
  const { n, articles, rows, data, bank, scores, oracle, ci95_note, folds } = entries[0]!
  const which = folds === undefined ? `${rows} rows` : `held out over ${folds.count} folds`
  const title = `${counted(n, 'window')} of ${counted(articles, 'article')}${historyNote(entries[0]!)} · ${which} of ${data.path}`
  const searched = `bank ${bank.path} · ${counted(bank.rows, 'row')} · oracle ${percent(Math.min(...Object.values(oracle.top1)), 2)}${searchedBy(bank.search)}`
  if (scores === null) return [title, searched, ...entries.map((e) => `${e.run}: ${oracleSentence(e.oracle)}`)].join('\n')
  const near = entries.map(
    (e) =>
      `${e.run}: counting near-duplicates of the target (cosine > ${e.near_duplicate!.threshold}): ` +
      `Top-1 ${decimal(e.near_duplicate!.without_context.top1.value)}, Top-10 ${decimal(e.near_duplicate!.without_context.top10.value)} without the context`,
  )
  const failed = entries.map(
    (e) => `${e.run}: ${count(e.failed!)} of ${counted(n, 'target')} are outside the Top-20 of the whole bank`,
  )
  return [
    [title, searched, ...trainedOnNote(entries[0]!)].join('\n'),
    block(
      `${counted(Math.round(scores.without_context.pool), 'row')}, ${leftOut(entries[0]!)} left out`,
      'without_context',
      entries,
    ),
    block(`${counted(scores.with_context.pool, 'row')}, context in the pool`, 'with_context', entries),
    entries.map((e) => `${e.run}: ${e.verdict?.sentence ?? 'no verdict: the run was trained on these windows'}`).join('\n'),
    [...near, ...failed].join('\n'),
    `ties: ${TIE_RULE} (${counted(scores.with_context.ties, 'query', 'queries')})`,
    ...(ci95_note === null ? [] : [`no interval: ${ci95_note}`]),
    ...(entries.some((e) => e.split?.leaky) ? ['leaky: windows were split at random; every figure is too good'] : []),
    ...entries
      .filter((e) => isOutside(e) && e.trained_on === null)
      .map(({ run }) => `${run}: whether it was trained on these windows is not known`),
    ...(entries.some((e) => e.selected_on) ? ['selected on: the best epoch was chosen on these rows'] : []),
  ].join('\n\n')
}

/** Tables for the terminal; runs with the same bank and windows share one table, above the heuristics. */
export function renderRetrieval(entries: readonly RetrievalEntry[]): string {
  const groups = new Map<string, RetrievalEntry[]>()
  for (const e of entries) {
    const key = JSON.stringify([
      rowsKey(e.data),
      e.bank.hash === e.data.hash || e.bank.hash,
      e.bank.search?.method ?? null,
      e.bank.search && e.bank.path,
      e.rows,
      e.n,
      e.trained_on ?? 0,
      e.context,
      e.history,
      e.split,
      e.status,
    ])
    groups.set(key, [...(groups.get(key) ?? []), e])
  }
  return [...groups.values()].map(section).join('\n\n\n')
}
