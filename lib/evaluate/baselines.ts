import type { Scores } from '../native.js'
import { describe } from '../statistics/estimates.js'
import type { Tensor } from '../torch/tensor.js'
import { type BaselineFigures, type BaselineResults, cacheKey, readCached, writeCached } from './baselines-cache.js'
import { type Baseline, type BaselineName, fitBaselines } from './baselines-fit.js'
import { blocks, meanTarget, type Rows } from './baselines-rows.js'

/** Function that scores raw predictions; models and baselines use the same one. */
export type Scorer = (raw: Tensor, ids: Int32Array, centre: Tensor | null) => Promise<Scores>

const mean = (values: Float64Array) => describe(values).mean

/** Returns one predictor's figures over all windows, and its cosine per window. */
export async function score(baseline: Baseline<string>, rows: Rows, scorer: Scorer, centre: Tensor | null) {
  const sums: Record<keyof Scores, number[]> = { cosine: [], cosineCentred: [], mseRaw: [], mseUnit: [], norm: [] }
  for (const ids of blocks(rows)) {
    using raw = await baseline.predict(rows, ids)
    const scores = await scorer(raw, ids, centre)
    for (const key of Object.keys(sums) as (keyof Scores)[]) for (const value of scores[key]) sums[key].push(value)
  }
  const all = (key: keyof Scores) => Float64Array.from(sums[key])
  const figures: BaselineFigures = {
    cosine: mean(all('cosine')),
    cosine_centred: centre === null ? null : mean(all('cosineCentred')),
    mse_raw: mean(all('mseRaw')),
    mse_unit: mean(all('mseUnit')),
    params: baseline.params,
  }
  return { figures, cosines: all('cosine') }
}

async function compute(train: Rows | undefined, rows: Rows, scorer: Scorer): Promise<BaselineResults> {
  const baselines = await fitBaselines(train)
  using centre = train === undefined ? null : await meanTarget(train)
  const figures: Partial<Record<BaselineName, BaselineFigures>> = {}
  const cosines: Partial<Record<BaselineName, Float64Array>> = {}
  for (const baseline of baselines) {
    const scored = await score(baseline, rows, scorer, centre)
    figures[baseline.name] = scored.figures
    cosines[baseline.name] = scored.cosines
    baseline.dispose()
  }
  return { figures, cosines, centre: centre && ((await centre.data()) as Float64Array) }
}

/**
 * Returns the baselines' results on the given windows, fitted on the training windows, or read from `cache` when already computed.
 *
 * Without training windows, mean vector, exponential mean and ridge are left out: no baseline may be fitted on the evaluated windows.
 */
export async function baselineResults(o: {
  readonly train: Rows | undefined
  readonly rows: Rows
  readonly scorer: Scorer
  /** Cache folder, created when missing. */
  readonly cache?: string | undefined
  /** Called with a message before each slow step. */
  readonly say?: ((line: string) => void) | undefined
}): Promise<BaselineResults> {
  if (o.cache === undefined) return compute(o.train, o.rows, o.scorer)
  const key = cacheKey(o.train, o.rows)
  const known = await readCached(o.cache, key)
  if (known !== undefined) return known
  o.say?.('fitting the baselines, once for these windows')
  const results = await compute(o.train, o.rows, o.scorer)
  await writeCached(o.cache, key, results)
  return results
}
