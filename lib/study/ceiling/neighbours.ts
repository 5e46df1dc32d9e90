import { type Baseline, weighted } from '../../baselines/baselines-fit.js'
import { blocks, meanCosine, type Rows, targets } from '../../baselines/baselines-rows.js'
import { call, type Tensor } from '../../torch/tensor.js'

/** Candidate numbers of neighbours, k. */
const COUNTS = [8, 32, 128]
const QUERIES = 256

/** Returns a unit vector per context: its normalised weighted mean. Shapes: [n, dim]. */
async function keys(rows: Rows, ids: Int32Array, weights: readonly number[]): Promise<Tensor> {
  using mean = await weighted(rows, ids, weights)
  using length = await mean.op('aten::linalg_vector_norm', 2, [1], true)
  using safe = await length.op('aten::clamp_min', 1e-12)
  return await mean.op('aten::div.Tensor', safe)
}

async function whole(rows: Rows, read: (ids: Int32Array) => Promise<Tensor>): Promise<Tensor> {
  const parts: Tensor[] = []
  for (const ids of blocks(rows)) parts.push(await read(ids))
  const all = (await call('aten::cat', [parts])) as Tensor
  for (const part of parts) part.dispose()
  return all
}

/** Keys of the training contexts, with the target of each. */
interface Pool {
  readonly known: Tensor
  readonly after: Tensor
}

const poolOf = async (rows: Rows, weights: readonly number[]): Promise<Pool> => ({
  known: await whole(rows, (ids) => keys(rows, ids, weights)),
  after: await whole(rows, (ids) => targets(rows, ids)),
})
function disposePool({ known, after }: Pool): void {
  known.dispose()
  after.dispose()
}

/** Returns the targets of the contexts nearest to each query, nearest first. Shapes: query [n, dim]; returns [n, count, dim]. */
async function nearest({ known, after }: Pool, query: Tensor, count: number): Promise<Tensor> {
  using turned = await known.op('aten::t')
  using cosines = await query.op('aten::mm', turned)
  const [values, indices] = (await call('aten::topk', [cosines, count])) as [Tensor, Tensor]
  values.dispose()
  using found = indices
  using flat = await found.op('aten::flatten.using_ints')
  using rows = await after.op('aten::index_select', 0, flat)
  return await rows.op('aten::view', [query.shape[0]!, count, after.shape[1]!])
}

async function meanOf(neighbours: Tensor, count: number): Promise<Tensor> {
  using first = await neighbours.op('aten::narrow', 1, 0, count)
  return await first.op('aten::mean.dim', [1])
}

function* queries(ids: Int32Array): Generator<Int32Array> {
  for (let at = 0; at < ids.length; at += QUERIES) yield ids.subarray(at, at + QUERIES)
}

/** Returns the k with the highest mean cosine on the held-out windows. */
async function bestCount(pool: Pool, held: Rows, weights: readonly number[]): Promise<number> {
  const size = pool.known.shape[0]!
  const counts = [...new Set(COUNTS.map((count) => Math.min(count, size)))]
  const sums = counts.map(() => 0)
  for (const ids of queries(held.ids)) {
    using query = await keys(held, ids, weights)
    using neighbours = await nearest(pool, query, counts.at(-1)!)
    for (const [i, count] of counts.entries()) {
      const part = { ...held, ids }
      sums[i]! += ids.length * (await meanCosine(part, (subset) => sliced(neighbours, ids, subset, count)))
    }
  }
  return counts[sums.indexOf(Math.max(...sums))]!
}

/** Returns the predictions of a block of queries. */
async function sliced(neighbours: Tensor, ids: Int32Array, subset: Int32Array, count: number): Promise<Tensor> {
  using part = await neighbours.op('aten::narrow', 0, ids.indexOf(subset[0]!), subset.length)
  return await meanOf(part, count)
}

const predictor = (pool: Pool, weights: readonly number[], count: number): Baseline<'knn'> => ({
  name: 'knn',
  params: { neighbours: count },
  async predict(rows, ids) {
    const parts: Tensor[] = []
    for (const batch of queries(ids)) {
      using query = await keys(rows, batch, weights)
      using neighbours = await nearest(pool, query, count)
      parts.push(await meanOf(neighbours, count))
    }
    const all = (await call('aten::cat', [parts])) as Tensor
    for (const part of parts) part.dispose()
    return all
  },
  dispose: () => disposePool(pool),
})

/** Fits nearest neighbours by weighted context mean; k is chosen on `held` with the pool `inner`. */
export async function fitNeighbours(
  train: Rows,
  inner: Rows,
  held: Rows,
  weights: readonly number[],
): Promise<{ all: Baseline<'knn'>; inner: Baseline<'knn'> }> {
  const pool = await poolOf(inner, weights)
  const count = await bestCount(pool, held, weights)
  return { all: predictor(await poolOf(train, weights), weights, count), inner: predictor(pool, weights, count) }
}
