import type { Baseline } from '../../baselines/baselines-fit.js'
import { samplesOf } from '../../baselines/baselines-rows.js'
import type { Model } from '../../checkpoint/model.js'
import { atOnce } from '../../data/windows.js'
import { countExcluded, type Exclude } from '../../evaluate/exclusions.js'
import type { Pool } from '../../evaluate/search.js'
import { search } from '../../evaluate/search.js'
import { type Chosen, provenance } from '../../evaluate/subject.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { native, type Retrieval } from '../../native.js'
import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import { Tensor } from '../../torch/tensor.js'
import { consultOracle } from './oracle.js'
import { fitQueries, QUERY_NAMES, type QueryName } from './queries.js'
import type { Pools, RetrievalEntry } from './retrieval-entry.js'
import { describeFailures, missed } from './retrieval-failures.js'
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

async function scoreBoth(found: Retrieval, pool: Pool, articles: Int32Array): Promise<Pools<PoolScores>> {
  const excluded = countExcluded(pool.excluded) / pool.target.length
  return {
    with_context: await scorePool(found.all, pool, 0, articles, SEED),
    without_context: await scorePool(found.allowed, pool, excluded, articles, SEED),
  }
}

/** Scores, baselines, verdict and failures of one run (phase 2 of the specification). Errors: DIVERGED when a prediction is not finite. */
export async function judgeRetrieval(
  model: Model,
  chosen: Chosen,
  pool: Pool,
  o: { readonly failures: number; readonly exclude: Exclude; readonly say: (line: string) => void },
): Promise<RetrievalEntry> {
  const articles = chosen.ids.map((id) => chosen.windows.article[id]!)
  const count = new Set(articles).size
  const { base } = pool
  const entry = {
    run: model.name,
    model: model.manifest.model,
    weights_sha256: model.weights,
    ...provenance(chosen),
    bank: { path: base.path, hash: base.hash, rows: pool.rows, space: base.space ?? null },
    context: chosen.windows.context,
    exclude: o.exclude,
    n: articles.length,
    articles: count,
    ci95_note: count < FEWEST_ARTICLES ? `${count} articles are too few for an interval (${FEWEST_ARTICLES} at least)` : null,
    seed: SEED,
    libtorch: native.libtorchVersion(),
  }
  o.say(`${model.name}: searching with the targets, to check the pool`)
  const oracle = await consultOracle(chosen, pool)
  if (!oracle.valid) {
    const none = { scores: null, near_duplicate: null, baselines: null, verdict: null, failed: null, failures: null }
    return { ...entry, status: 'invalid', oracle, ...none }
  }
  o.say(`${model.name}: searching with its predictions`)
  const found = await searchWithModel(model, chosen, pool)
  const baselines: NonNullable<RetrievalEntry['baselines']> = {}
  const hits = new Map<QueryName, Float64Array>()
  o.say(`${model.name}: fitting the baselines`)
  for (const baseline of await fitQueries(chosen)) {
    o.say(`${model.name}: searching with ${QUERY_NAMES[baseline.name]}`)
    const rival = await searchWithBaseline(baseline, chosen, pool)
    Object.assign(baselines, { [baseline.name]: { params: baseline.params, scores: await scoreBoth(rival, pool, articles) } })
    hits.set(baseline.name, scoresByWindow(rival.allowed, 'top10'))
    baseline.dispose()
  }
  const failed = missed(found.all)
  return {
    ...entry,
    status: 'valid',
    oracle,
    scores: await scoreBoth(found, pool, articles),
    near_duplicate: {
      threshold: NEAR_DUPLICATE,
      with_context: await nearDuplicateHits(found.all, articles, SEED),
      without_context: await nearDuplicateHits(found.allowed, articles, SEED),
    },
    baselines,
    verdict: wasTrainedOn(entry) ? null : await judge(scoresByWindow(found.allowed, 'top10'), hits, articles, SEED),
    failed: failed.length,
    failures: await describeFailures(found.all, pool, failed.slice(0, o.failures)),
  }
}
