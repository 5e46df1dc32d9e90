import { type Baseline, type BaselineName, exponentialMeanOf, fitBaselines } from '../../baselines/baselines-fit.js'
import { addInto, blocks, meanTarget, type Rows, targets, zeros } from '../../baselines/baselines-rows.js'
import { openPool } from '../../evaluate/pool.js'
import { NAMES } from '../../evaluate/results-table.js'
import { search } from '../../evaluate/search.js'
import type { Chosen } from '../../evaluate/subject.js'
import { sampled } from '../../statistics/random.js'
import { call, type Tensor } from '../../torch/tensor.js'
import { scoresByWindow } from './retrieval-scores.js'

/** Names of the queries without a network: the baselines, and two that are fitted to find. */
export type QueryName = BaselineName | 'exponential_mean_top10' | 'whitened_mean'
export type Query = Baseline<QueryName>
export const QUERY_NAMES: Readonly<Record<QueryName, string>> = {
  ...NAMES,
  exponential_mean_top10: 'exp. mean, for Top-10',
  whitened_mean: 'exp. mean, whitened',
}

/** Size of the sample of training windows that the two are fitted on. */
const FINDING_WINDOWS = 512
const DECAYS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
/** Powers of the inverse covariance (1/2: whitened), and shares of the mean variance that are added to it. */
const WHITENINGS = [0.5, 1].flatMap((power) => [0.1, 0.3, 1, 3].map((shrink) => ({ power, shrink })))

/** Mean and principal axes of the training targets. Shapes: mean [dim], variances [dim], axes [dim, dim], float64. */
async function axesOf(train: Rows): Promise<{ mean: Tensor; variances: Tensor; axes: Tensor }> {
  const { dim } = train.windows
  const mean = await meanTarget(train)
  using sum = await zeros(dim, dim)
  using offset = await mean.to({ dtype: 'float32' })
  for (const ids of blocks(train)) {
    using y = await targets(train, ids)
    using centred = await y.op('aten::sub.Tensor', offset)
    using turned = await centred.op('aten::t')
    using product = await turned.op('aten::mm', centred)
    await addInto(sum, product)
  }
  using covariance = await sum.op('aten::div.Scalar', train.ids.length)
  const [variances, axes] = (await call('aten::linalg_eigh', [covariance])) as [Tensor, Tensor]
  return { mean, variances, axes }
}

type Axes = Awaited<ReturnType<typeof axesOf>>

/** Returns the centred exponential mean times the shrunk covariance of the training targets to the power −`power`. */
async function whitened({ mean, variances, axes }: Axes, o: { decay: number; shrink: number; power: number }): Promise<Query> {
  using average = (await call('aten::mean', [variances])) as Tensor
  using wider = await variances.op('aten::add.Scalar', o.shrink * (await average.item()))
  using shares = await wider.op('aten::pow.Tensor_Scalar', -o.power)
  using scaled = await axes.op('aten::mul.Tensor', shares)
  using turned = await axes.op('aten::t')
  using wide = await scaled.op('aten::mm', turned)
  const map = await wide.to({ dtype: 'float32' })
  const centre = await mean.to({ dtype: 'float32' })
  const faded = exponentialMeanOf(o.decay)
  return {
    name: 'whitened_mean',
    params: { ...o },
    dispose() {
      map.dispose()
      centre.dispose()
    },
    async predict(rows, ids) {
      using x = await faded.predict(rows, ids)
      using centred = await x.op('aten::sub.Tensor', centre)
      return await centred.op('aten::mm', map)
    },
  }
}

/** Fits a decay, then a whitening, by Top-10 on a seeded sample of training windows, in their own base without what they have seen. */
async function fitFinding(train: NonNullable<Chosen['train']>): Promise<Query[]> {
  const sample = { ...train, ids: sampled(train.ids, FINDING_WINDOWS, 0) }
  const pool = await openPool(sample)
  const found = async (query: Query): Promise<number> => {
    const { allowed } = await search(pool, (at, count) => query.predict(sample, sample.ids.subarray(at, at + count)))
    return scoresByWindow(allowed, 'top10').reduce((a, b) => a + b, 0)
  }
  try {
    const decaying = DECAYS.map((decay): Query => ({ ...exponentialMeanOf(decay), name: 'exponential_mean_top10' }))
    const mean = await bestOf(decaying, found)
    const axes = await axesOf(train)
    const candidates = await Promise.all(WHITENINGS.map((o) => whitened(axes, { decay: mean.params.decay!, ...o })))
    for (const tensor of Object.values(axes)) tensor.dispose()
    return [mean, await bestOf(candidates, found)]
  } finally {
    pool.dispose()
  }
}

/** Returns the first of the queries that find most, and disposes of the others. */
async function bestOf(queries: readonly Query[], found: (query: Query) => Promise<number>): Promise<Query> {
  let best: { query: Query; hits: number } | undefined
  for (const query of queries) {
    const hits = await found(query)
    if (best !== undefined && hits <= best.hits) query.dispose()
    else {
      best?.query.dispose()
      best = { query, hits }
    }
  }
  return best!.query
}

/** Fits all queries without a network on the training windows; without any, those that need no fitting. */
export async function fitQueries({ train }: Pick<Chosen, 'train'>): Promise<Query[]> {
  const baselines: Query[] = await fitBaselines(train)
  return train === undefined ? baselines : [...baselines, ...(await fitFinding(train))]
}
