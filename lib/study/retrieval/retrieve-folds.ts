import type { FoldRuns } from '../../checkpoint/fold-runs.js'
import { joinPlaces, joinRetrievals } from '../../evaluate/search.js'
import { textHash } from '../../files/hash.js'
import { judgeSearched, type Searched } from './judge-retrieval.js'
import { joinOracles } from './oracle.js'
import type { QueryName } from './queries.js'
import type { RetrievalEntry } from './retrieval-entry.js'

/** A run that was searched, with what describes it. */
export interface SearchedRun {
  readonly about: Pick<RetrievalEntry, 'run' | 'model' | 'weights_sha256'>
  readonly searched: Searched
}

/** The bank of all folds; of a bank in a database the recall over the windows of all of them. */
function joinedBank(parts: readonly Searched[]): Searched['bank'] {
  const [{ bank }] = parts as [Searched]
  const searches = parts.flatMap(({ bank: { search } }) => search ?? [])
  if (bank.search === undefined) return bank
  const queries = searches.reduce((sum, one) => sum + one.queries, 0)
  const recall20 = searches.reduce((sum, one) => sum + one.recall20 * one.queries, 0) / queries
  return { ...bank, search: { ...bank.search, queries, recall20: queries === 0 ? 1 : recall20 } }
}

/** Joins the windows of all folds; the queries of each fold are fitted on its own training articles, so they share no parameters. */
function pooled(parts: readonly Searched[], failures: number): Searched {
  const first = parts[0]!
  const found = parts.flatMap((part) => part.found ?? [])
  const queryOf = (name: QueryName) => joinPlaces(found.map(({ queries }) => queries.get(name)!.found))
  const worst = parts.flatMap((part) => part.failures).sort((a, b) => b.rank - a.rank || a.row - b.row)
  return {
    ...first,
    bank: joinedBank(parts),
    from: { ...first.from, rows: 'folds', selected_on: false },
    context: Math.max(...parts.map(({ context }) => context)),
    articles: Int32Array.from(parts.flatMap(({ articles }) => [...articles])),
    excluded: parts.reduce((sum, { excluded }) => sum + excluded, 0),
    oracle: joinOracles(parts.map(({ oracle, articles }) => ({ oracle, windows: articles.length }))),
    found:
      found.length < parts.length
        ? undefined
        : {
            model: joinRetrievals(found.map(({ model }) => model)),
            queries: new Map([...found[0]!.queries.keys()].map((name) => [name, { params: {}, found: queryOf(name) }])),
          },
    failures: worst.slice(0, failures),
    failed: parts.reduce((sum, { failed }) => sum + failed, 0),
  }
}

/** Pools what the folds of a model found, each for the articles that it held out. */
export async function judgeFolds(
  { name }: FoldRuns,
  runs: readonly SearchedRun[],
  o: { readonly failures: number; readonly exclude: RetrievalEntry['exclude'] },
): Promise<RetrievalEntry> {
  const about = {
    run: name,
    model: runs[0]!.about.model,
    weights_sha256: textHash(runs.map(({ about }) => about.weights_sha256).join('\n')),
  }
  const all = pooled(
    runs.map(({ searched }) => searched),
    o.failures,
  )
  const folds = runs.map(({ about: { run }, searched: { articles } }) => {
    return { run, articles: new Set(articles).size, n: articles.length }
  })
  return { ...(await judgeSearched(about, all, o.exclude)), folds: { count: folds.length, runs: folds } }
}
