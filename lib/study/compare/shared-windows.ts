import { meanTarget, samplesOf } from '../../baselines/baselines-rows.js'
import { openPool } from '../../evaluate/pool.js'
import { type Pool, search } from '../../evaluate/search.js'
import type { Chosen } from '../../evaluate/subject.js'
import { native } from '../../native.js'
import type { Tensor } from '../../torch/tensor.js'
import { consultOracle, type Oracle } from '../retrieval/oracle.js'
import { scoresByWindow } from '../retrieval/retrieval-scores.js'

/** Measures with one figure for each window. */
export const MEASURES = ['cosine', 'cosine_centred', 'top10'] as const
export type Measure = (typeof MEASURES)[number]
/** One figure for each window; null without training rows for the centre, or when the pool cannot be searched. */
export type Values = Readonly<Record<Measure, Float64Array | null>>

/** The windows and the pool that all contestants share. */
export interface SharedWindows {
  readonly chosen: Chosen
  readonly pool: Pool
  readonly oracle: Oracle
  readonly articles: Int32Array
  /** Returns the figures of a predictor. Shapes: predict(ids) → [ids, dim]. */
  values(predict: (ids: Int32Array) => Promise<Tensor>): Promise<Values>
  dispose(): void
}

/** Opens the pool of windows that contestants share. Errors: those of openPool. */
export async function openSharedWindows(chosen: Chosen, o: Parameters<typeof openPool>[1]): Promise<SharedWindows> {
  const { base, windows, ids, train } = chosen
  const pool = await openPool(chosen, o)
  const oracle = await consultOracle(chosen, pool)
  const centre = train === undefined ? null : await meanTarget(train)
  const samples = samplesOf({ base, windows })
  return {
    chosen,
    pool,
    oracle,
    articles: ids.map((id) => windows.article[id]!),
    async values(predict) {
      const [cosine, centred] = [new Float64Array(ids.length), new Float64Array(ids.length)]
      const found = await search(pool, async (at, count) => {
        const part = ids.subarray(at, at + count)
        const raw = await predict(part)
        const scores = await native.score(raw.native, samples, part, centre?.native ?? null)
        cosine.set(scores.cosine, at)
        centred.set(scores.cosineCentred, at)
        return raw
      })
      return { cosine, cosine_centred: centre && centred, top10: oracle.valid ? scoresByWindow(found.allowed, 'top10') : null }
    },
    dispose() {
      native.dispose(samples)
      centre?.dispose()
      pool.dispose()
    },
  }
}
