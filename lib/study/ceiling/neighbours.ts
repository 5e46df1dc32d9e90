import { type Baseline, weighted } from '../../baselines/baselines-fit.js'
import { blocks, cosineSum, type Rows, targets } from '../../baselines/baselines-rows.js'
import { call, Tensor } from '../../torch/tensor.js'

/** Candidate numbers of neighbours, k. */
const COUNTS = [8, 32, 128]
const QUERIES = 256
/** Predictions that are kept for a second use. Units: floats; 2²⁶ are 256 MB. */
const KEPT = 1 << 26

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

/** Keys of the training contexts, with the target of each; those of the inner articles are first. */
interface Pool {
  readonly known: Tensor
  readonly after: Tensor
  readonly inner: number
}

async function poolOf(train: Rows, inner: Rows, weights: readonly number[]): Promise<Pool> {
  const isInner = new Set(inner.ids)
  const rows = { ...train, ids: Int32Array.from([...inner.ids, ...train.ids.filter((id) => !isInner.has(id))]) }
  return {
    known: await whole(rows, (ids) => keys(rows, ids, weights)),
    after: await whole(rows, (ids) => targets(rows, ids)),
    inner: inner.ids.length,
  }
}

/** Cosines of the contexts that are nearest to each query, nearest first, and their places in the pool. Shapes: [n, count]. */
interface Near extends Disposable {
  readonly cosines: Tensor
  readonly places: Tensor
}

/** Searches `size` contexts of the pool from `from` on. Shapes: query [n, dim]. */
async function nearest({ known }: Pool, query: Tensor, count: number, from: number, size: number): Promise<Near> {
  using part = await known.op('aten::narrow', 0, from, size)
  using turned = await part.op('aten::t')
  using products = await query.op('aten::mm', turned)
  const [cosines, found] = (await call('aten::topk', [products, Math.min(count, size)])) as [Tensor, Tensor]
  using own = found
  return near(cosines, await own.op('aten::add.Scalar', from))
}

const near = (cosines: Tensor, places: Tensor): Near => ({
  cosines,
  places,
  [Symbol.dispose]() {
    cosines.dispose()
    places.dispose()
  },
})

/** Returns the nearest of two findings. */
async function nearestOf(one: Near, other: Near, count: number): Promise<Near> {
  using cosines = (await call('aten::cat', [[one.cosines, other.cosines], 1])) as Tensor
  using places = (await call('aten::cat', [[one.places, other.places], 1])) as Tensor
  const [values, order] = (await call('aten::topk', [cosines, count])) as [Tensor, Tensor]
  using chosen = order
  return near(values, await places.op('aten::gather', 1, chosen))
}

/** Mean of the targets of the first `count` contexts found. Shapes: [n, dim]. */
async function meanOf({ after }: Pool, { places }: Near, count: number): Promise<Tensor> {
  using first = await places.op('aten::narrow', 1, 0, count)
  using flat = await first.op('aten::flatten.using_ints')
  using begins = Tensor.from(BigInt64Array.from({ length: places.shape[0]! }, (_, i) => BigInt(i * count)))
  const [means, ...others] = (await call('aten::embedding_bag', [after, flat, begins, false, 1])) as [Tensor, ...Tensor[]] // 1: mean
  for (const other of others) other.dispose()
  return means
}

function* queries(ids: Int32Array): Generator<Int32Array> {
  for (let at = 0; at < ids.length; at += QUERIES) yield ids.subarray(at, at + QUERIES)
}

async function joined(parts: readonly Tensor[]): Promise<Tensor> {
  const all = (await call('aten::cat', [parts])) as Tensor
  for (const part of parts) part.dispose()
  return all
}

/** Predictions from the inner articles that were made on the way, so that nothing is searched twice. */
function keptMeans() {
  const blocks: { readonly windows: Rows['windows']; readonly ids: Int32Array; readonly means: Tensor }[] = []
  let floats = 0
  return {
    /** Whether the predictions for so many windows are few enough to be kept. */
    takes: (count: number, dim: number) => floats + count * dim <= KEPT,
    add(rows: Rows, ids: Int32Array, means: Tensor) {
      floats += ids.length * rows.windows.dim
      blocks.push({ windows: rows.windows, ids, means })
    },
    async find({ windows }: Rows, ids: Int32Array): Promise<Tensor | undefined> {
      for (const block of blocks) {
        const at = block.windows === windows ? block.ids.indexOf(ids[0]!) : -1
        if (at >= 0 && ids.every((id, i) => id === block.ids[at + i]))
          return await block.means.op('aten::narrow', 0, at, ids.length)
      }
      return undefined
    },
    dispose() {
      for (const { means } of blocks) means.dispose()
    },
  }
}
type KeptMeans = ReturnType<typeof keptMeans>

/** Returns the k with the highest mean cosine on the held-out windows, and keeps the predictions for it unless they are many. */
async function bestCount(pool: Pool, held: Rows, weights: readonly number[], kept: KeptMeans): Promise<number> {
  const counts = [...new Set(COUNTS.map((count) => Math.min(count, pool.inner)))]
  const sums = counts.map(() => 0)
  const means = counts.map((): Tensor[] => [])
  const keeps = kept.takes(counts.length * held.ids.length, held.windows.dim)
  for (const ids of queries(held.ids)) {
    using query = await keys(held, ids, weights)
    using found = await nearest(pool, query, counts.at(-1)!, 0, pool.inner)
    using y = await targets(held, ids)
    for (const [i, count] of counts.entries()) {
      const mean = await meanOf(pool, found, count)
      sums[i]! += await cosineSum(mean, y)
      if (keeps) means[i]!.push(mean)
      else mean.dispose()
    }
  }
  const best = sums.indexOf(Math.max(...sums))
  for (const [i, parts] of means.entries())
    if (i === best && parts.length > 0) kept.add(held, held.ids, await joined(parts))
    else for (const part of parts) part.dispose()
  return counts[best]!
}

/** Fits nearest neighbours by weighted context mean; k is chosen on `held` with the pool `inner`. */
export async function fitNeighbours(
  train: Rows,
  inner: Rows,
  held: Rows,
  weights: readonly number[],
): Promise<{ all: Baseline<'knn'>; inner: Baseline<'knn'> }> {
  const pool = await poolOf(train, inner, weights)
  const kept = keptMeans()
  const count = await bestCount(pool, held, weights, kept)
  const others = pool.known.shape[0]! - pool.inner
  const about = { name: 'knn', params: { neighbours: count } } as const
  return {
    all: {
      ...about,
      async predict(rows, ids) {
        const [own, all]: [Tensor[], Tensor[]] = [[], []]
        const keeps = kept.takes(ids.length, rows.windows.dim)
        for (const batch of queries(ids)) {
          using query = await keys(rows, batch, weights)
          using first = await nearest(pool, query, count, 0, pool.inner)
          using rest = await nearest(pool, query, count, pool.inner, others)
          using found = await nearestOf(first, rest, count)
          all.push(await meanOf(pool, found, count))
          if (keeps) own.push(await meanOf(pool, first, count))
        }
        if (keeps) kept.add(rows, ids, await joined(own))
        return joined(all)
      },
      dispose() {
        pool.known.dispose()
        pool.after.dispose()
        kept.dispose()
      },
    },
    inner: {
      ...about,
      async predict(rows, ids) {
        const known = await kept.find(rows, ids)
        if (known !== undefined) return known
        const parts: Tensor[] = []
        for (const batch of queries(ids)) {
          using query = await keys(rows, batch, weights)
          using found = await nearest(pool, query, count, 0, pool.inner)
          parts.push(await meanOf(pool, found, count))
        }
        return joined(parts)
      },
      dispose: () => {}, // shares the pool
    },
  }
}
