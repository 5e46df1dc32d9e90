import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceText } from '../files/write.js'
import type { Scores } from '../native.js'
import { stage } from '../stages.js'
import { describe } from '../statistics/estimates.js'
import type { Tensor } from '../torch/tensor.js'
import { type Baseline, type BaselineName, fitBaselines } from './baselines-fit.js'
import { blocks, meanTarget, type Rows } from './baselines-rows.js'
import { rowsKey, sha256 } from './rows-key.js'

/** One baseline's figures, as written to validation_results.json. */
export interface BaselineFigures {
  readonly cosine: number
  /** Null without training rows, because there is no mean to subtract. */
  readonly cosine_centred: number | null
  readonly mse_raw: number
  readonly mse_unit: number
  readonly params: Readonly<Record<string, number>>
}

/** Figures of all baselines on the same windows. */
export interface BaselineResults {
  readonly figures: Readonly<Partial<Record<BaselineName, BaselineFigures>>>
  /** One cosine per window, in the order of `rows.ids`. */
  readonly cosines: Readonly<Partial<Record<BaselineName, Float64Array>>>
  /** Mean of the training targets. */
  readonly centre: Float64Array | null
}

/** Part of the cache key. Raise it when a change of code changes a baseline's result. */
const VERSION = 4

const bytes = (array: Float64Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** Hash of everything the baselines depend on: data, training windows, evaluated windows, context. */
const cacheKey = (train: Rows | undefined, rows: Rows): string =>
  sha256(`${VERSION} ${train === undefined ? '' : rowsKey(train)} ${rowsKey(rows)}`)

const fileName = (key: string) => `baselines-${key.slice(0, 16)}.json`
const pack = (values: Float64Array) => Buffer.from(bytes(values)).toString('base64')
const unpack = (text: string) => new Float64Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer)
const mapped = <A, B>(record: Readonly<Partial<Record<BaselineName, A>>>, f: (value: A) => B): Partial<Record<BaselineName, B>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]))

interface Packed {
  readonly figures: BaselineResults['figures']
  readonly cosines: Partial<Record<BaselineName, string>>
  readonly centre: string | null
}

/** Cached results for a key; undefined when there are none or the file's digest does not match. */
async function readCached(folder: string, key: string): Promise<BaselineResults | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(folder, fileName(key)), 'utf8')) as {
      key: string
      digest: string
      packed: Packed
    }
    if (stored.key !== key || stored.digest !== sha256(JSON.stringify(stored.packed))) return undefined
    const { figures, cosines, centre } = stored.packed
    return { figures, cosines: mapped(cosines, unpack), centre: centre === null ? null : unpack(centre) }
  } catch {
    return undefined
  }
}

/** Caches results for the next evaluation. Write errors are ignored: the next evaluation computes the results again. */
async function writeCached(folder: string, key: string, { figures, cosines, centre }: BaselineResults): Promise<void> {
  const packed: Packed = { figures, cosines: mapped(cosines, pack), centre: centre && pack(centre) }
  try {
    await mkdir(folder, { recursive: true })
    await replaceText(folder, fileName(key), JSON.stringify({ key, digest: sha256(JSON.stringify(packed)), packed }))
  } catch {}
}

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

async function compute(train: Rows | undefined, rows: Rows, scorer: Scorer, cache?: string): Promise<BaselineResults> {
  const baselines = await fitBaselines(train, { cache })
  using centre = train === undefined ? null : await meanTarget(train)
  const figures: Partial<Record<BaselineName, BaselineFigures>> = {}
  const cosines: Partial<Record<BaselineName, Float64Array>> = {}
  for (const baseline of baselines) {
    const scored = await stage(`score ${baseline.name}`, () => score(baseline, rows, scorer, centre))
    figures[baseline.name] = scored.figures
    cosines[baseline.name] = scored.cosines
    baseline.dispose()
  }
  return { figures, cosines, centre: centre && ((await centre.data()) as Float64Array) }
}

/**
 * Returns the baselines' results on the given windows, fitted on the training windows, or read from `cache` when already computed.
 *
 * Without training windows, mean vector, exponential mean, mixture and ridge are left out: no baseline may be fitted on the evaluated windows.
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
  const results = await compute(o.train, o.rows, o.scorer, o.cache)
  await writeCached(o.cache, key, results)
  return results
}
