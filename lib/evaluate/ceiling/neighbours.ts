import { call, type Tensor } from '../../torch/tensor.js'
import { type Baseline, weighted } from '../baselines-fit.js'
import { blocks, meanCosine, type Rows, targets } from '../baselines-rows.js'

/** How many neighbours are tried. */
const COUNTS = [8, 32, 128]
const QUERIES = 512

/** Contexts as unit vectors: their weighted means. Shapes: [n, dim]. */
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

/** The mean of what followed the `k` contexts of a pool that are most like a context. */
async function pooled(pool: Rows, weights: readonly number[], k: number): Promise<Baseline<'knn'>> {
  const known = await whole(pool, (ids) => keys(pool, ids, weights))
  const after = await whole(pool, (ids) => targets(pool, ids))
  const count = Math.min(k, pool.ids.length)
  const answer = async (query: Tensor): Promise<Tensor> => {
    using turned = await known.op('aten::t')
    using cosines = await query.op('aten::mm', turned)
    const [values, indices] = (await call('aten::topk', [cosines, count])) as [Tensor, Tensor]
    values.dispose()
    using nearest = indices
    using flat = await nearest.op('aten::flatten.using_ints')
    using found = await after.op('aten::index_select', 0, flat)
    using shaped = await found.op('aten::view', [query.shape[0]!, count, after.shape[1]!])
    return await shaped.op('aten::mean.dim', [1])
  }
  return {
    name: 'knn',
    params: { neighbours: count },
    async predict(rows, ids) {
      const parts: Tensor[] = []
      for (let at = 0; at < ids.length; at += QUERIES) {
        using query = await keys(rows, ids.subarray(at, at + QUERIES), weights)
        parts.push(await answer(query))
      }
      const all = (await call('aten::cat', [parts])) as Tensor
      for (const part of parts) part.dispose()
      return all
    },
    dispose() {
      known.dispose()
      after.dispose()
    },
  }
}

/** Nearest neighbours by weighted context mean; how many is chosen on `held` with the pool `inner`. */
export async function fitNeighbours(
  train: Rows,
  inner: Rows,
  held: Rows,
  weights: readonly number[],
): Promise<{ all: Baseline<'knn'>; inner: Baseline<'knn'> }> {
  let best = { k: COUNTS[0]!, cosine: -1 }
  for (const k of COUNTS) {
    const tried = await pooled(inner, weights, k)
    const cosine = await meanCosine(held, (ids) => tried.predict(held, ids))
    tried.dispose()
    if (cosine > best.cosine) best = { k, cosine }
  }
  return { all: await pooled(train, weights, best.k), inner: await pooled(inner, weights, best.k) }
}
