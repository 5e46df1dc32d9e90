import type { Baseline } from '../../baselines/baselines-fit.js'
import { samplesOf } from '../../baselines/baselines-rows.js'
import type { Model } from '../../checkpoint/model.js'
import { atOnce } from '../../data/windows.js'
import { countExcluded, type Exclude } from '../../evaluate/exclusions.js'
import { type Placed, type Pool, search } from '../../evaluate/search.js'
import { type Chosen, provenance } from '../../evaluate/subject.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { native } from '../../native.js'
import type { Retrieval } from '../../rankings.js'
import { stage } from '../../stages.js'
import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import { Tensor } from '../../torch/tensor.js'
import { judgeOracle, type Oracle } from './oracle.js'
import { type PlacedQuery, placeQueries } from './placed-queries.js'
import type { QueryName } from './queries.js'
import type { Pools, RetrievalEntry, SearchedWindows } from './retrieval-entry.js'
import { describeFailures, type Failure, missed } from './retrieval-failures.js'
import { NEAR_DUPLICATE, nearDuplicateHits, type PoolScores, scorePool, scoresByWindow } from './retrieval-scores.js'
import { judge } from './retrieval-verdict.js'

const SEED = 0

/** Searches the pool with the predictions of a run. */
export async function searchWithModel(model: Pick<Model, 'native'>, chosen: Chosen, pool: Pool): Promise<Retrieval> {
  const { ids } = chosen
  const samples = samplesOf(chosen)
  try {
    return await search(pool, async (at, count) =>
      Tensor.wrap(await native.predict(model.native, samples, ids.subarray(at, at + count), atOnce(chosen.windows.context))),
    )
  } finally {
    native.dispose(samples)
  }
}

/** Searches the pool with the predictions of a baseline. */
export const searchWithBaseline = (baseline: Baseline<string>, chosen: Chosen, pool: Pool): Promise<Retrieval> =>
  search(pool, (at, count) => baseline.predict(chosen, chosen.ids.subarray(at, at + count)))

/** What a query without a network found; `recall20` where a database searched for it. */
export type FoundQuery = Omit<PlacedQuery, 'name'> & { readonly recall20?: number }

/** What a run and the queries without a network found for the same windows. */
export interface Searched {
  readonly from: SearchedWindows
  readonly bank: RetrievalEntry['bank']
  readonly context: number
  readonly articles: Int32Array
  /** Rows that the smaller pools leave out, in all. */
  readonly excluded: number
  readonly oracle: Oracle
  /** Rankings; undefined when the pool cannot be searched. */
  readonly found: { readonly model: Retrieval; readonly queries: ReadonlyMap<QueryName, FoundQuery> } | undefined
  /** The worst failures, and the number of all. */
  readonly failures: readonly Failure[]
  readonly failed: number
}
interface SearchOptions {
  readonly failures: number
  readonly exclude: Exclude
  readonly say: (line: string) => void
}

/** What is searched with: a run, or another predictor. Shapes: read(ids) → [ids, dim]. */
export interface Searcher {
  readonly name: string
  read(ids: Int32Array): Promise<Tensor>
}

/** Searches a pool with the predictions of a run and of all queries without a network. Errors: DIVERGED when a prediction is not finite. */
export async function searchAll(
  searcher: Searcher,
  chosen: Chosen,
  pool: Pool,
  { exclude, say, ...o }: SearchOptions,
): Promise<Searched> {
  const { base } = pool
  const withoutRun = await stage('queries without a run', () =>
    placeQueries(chosen, pool, { exclude, say: (line) => say(`${searcher.name}: ${line}`) }),
  )
  const oracle = judgeOracle(withoutRun.oracle)
  const searched = {
    from: await provenance(chosen),
    bank: { path: base.path, hash: base.hash, rows: pool.rows, space: base.space ?? null },
    context: chosen.windows.context,
    articles: chosen.ids.map((id) => chosen.windows.article[id]!),
    excluded: countExcluded(pool.excluded),
    oracle,
  }
  if (!oracle.valid) return { ...searched, found: undefined, failures: [], failed: 0 }
  say(`${searcher.name}: searching with its predictions`)
  const found = await stage('predictions', () => search(pool, (at, count) => searcher.read(chosen.ids.subarray(at, at + count))))
  const queries = new Map(withoutRun.queries.map(({ name, ...query }) => [name, query]))
  const failed = missed(found.all)
  const failures = await stage('failures', () => describeFailures(found.all, pool, failed.slice(0, o.failures)))
  return { ...searched, found: { model: found, queries }, failures, failed: failed.length }
}

async function scoreBoth(found: Placed, { bank, excluded, articles }: Searched): Promise<Pools<PoolScores>> {
  return {
    with_context: await scorePool(found.all, bank, 0, articles, SEED),
    without_context: await scorePool(found.allowed, bank, excluded / articles.length, articles, SEED),
  }
}

/** Scores, baselines, verdict and failures of one run (phase 2 of the specification), from what it found. */
export async function judgeSearched(
  about: Pick<RetrievalEntry, 'run' | 'model' | 'weights_sha256'>,
  searched: Searched,
  exclude: Exclude,
): Promise<RetrievalEntry> {
  const { from, bank, context, articles, oracle, found, failures, failed } = searched
  const count = new Set(articles).size
  const entry = {
    ...about,
    ...from,
    bank,
    context,
    exclude,
    n: articles.length,
    articles: count,
    ci95_note: count < FEWEST_ARTICLES ? `${count} articles are too few for an interval (${FEWEST_ARTICLES} at least)` : null,
    seed: SEED,
    libtorch: native.libtorchVersion(),
  }
  if (found === undefined) {
    const none = { scores: null, near_duplicate: null, baselines: null, verdict: null, failed: null, failures: null }
    return { ...entry, status: 'invalid', oracle, ...none }
  }
  const { all, allowed } = found.model
  const baselines: NonNullable<RetrievalEntry['baselines']> = {}
  for (const [name, { params, found: rival, recall20 }] of found.queries) {
    const scores = await scoreBoth(rival, searched)
    Object.assign(baselines, { [name]: { params, scores, ...(recall20 !== undefined && { recall20 }) } })
  }
  const hits = new Map([...found.queries].map(([name, query]) => [name, scoresByWindow(query.found.allowed, 'top10')]))
  return {
    ...entry,
    status: 'valid',
    oracle,
    scores: await scoreBoth(found.model, searched),
    near_duplicate: {
      threshold: NEAR_DUPLICATE,
      with_context: await nearDuplicateHits(all, articles, SEED),
      without_context: await nearDuplicateHits(allowed, articles, SEED),
    },
    baselines,
    verdict: wasTrainedOn(entry) ? null : await judge(scoresByWindow(allowed, 'top10'), hits, articles, SEED),
    failed,
    failures,
  }
}
