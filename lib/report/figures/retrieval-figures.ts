import { rowsKey } from '../../data/content-hash.js'
import { count, counted, percent } from '../../show.js'
import { QUERY_NAMES, type QueryName } from '../../study/retrieval/queries.js'
import type { RetrievalEntry } from '../../study/retrieval/retrieval-entry.js'
import type { PoolScores } from '../../study/retrieval/retrieval-scores.js'
import type { Figure } from './figure.js'
import { heatMap } from './heat-map.js'

const CUTS = ['top1', 'top5', 'top10', 'top20'] as const

/** Groups entries with the same windows and the same bank. */
export function likeRetrievals(entries: readonly RetrievalEntry[]): RetrievalEntry[][] {
  const groups = new Map<string, RetrievalEntry[]>()
  for (const entry of entries) {
    if (entry.scores === null) continue
    const key = JSON.stringify([rowsKey(entry.data), entry.bank.hash === entry.data.hash || entry.bank.hash, entry.rows, entry.n])
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

/** Returns runs and heuristics with their scores in one pool. */
export const contestants = (entries: readonly RetrievalEntry[], pool: 'with_context' | 'without_context') => [
  ...entries.map((e) => ({ name: e.run, scores: e.scores![pool] })),
  ...Object.entries(entries[0]?.baselines ?? {}).map(([name, { scores }]) => ({
    name: QUERY_NAMES[name as QueryName],
    scores: scores[pool],
  })),
]

/** Describes the queries, pool and chance level of a ranking in one line. */
export const poolNote = (scores: PoolScores): string =>
  `${counted(scores.n, 'query', 'queries')} of ${counted(scores.articles, 'article')} in a pool of ${count(Math.round(scores.pool))} · chance: top-1 ${(100 * scores.top1.chance).toPrecision(2)} %, top-20 ${(100 * scores.top20.chance).toPrecision(2)} % · whole bank, ties count against`

/** Returns the heat map of the specification: Top-K accuracy by model and heuristic, without and with the context in the pool. */
export const retrievalFigures = (entries: readonly RetrievalEntry[]): Figure[] =>
  likeRetrievals(entries).flatMap((group, i) =>
    (['without_context', 'with_context'] as const).map((pool) => {
      const rows = contestants(group, pool)
      return heatMap({
        name: `topk_accuracy${pool === 'with_context' ? '_with_context' : ''}${i === 0 ? '' : `_${i + 1}`}`,
        title: `Top-K accuracy, the context ${pool === 'with_context' ? 'in' : 'left out of'} the pool`,
        note: poolNote(rows[0]!.scores),
        rows: [...rows.map(({ name }) => name), 'chance'],
        columns: ['Top-1', 'Top-5', 'Top-10', 'Top-20'],
        values: [
          ...rows.map(({ scores }) => CUTS.map((cut) => scores[cut].value)),
          CUTS.map((cut) => rows[0]!.scores[cut].chance),
        ],
        value: { title: 'Hit rate', show: (x) => percent(x) },
      })
    }),
  )
