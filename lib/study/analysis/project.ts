import { setImmediate } from 'node:timers/promises'
import { native } from '../../native.js'
import { random } from '../../statistics/random.js'
import { call, Tensor } from '../../torch/tensor.js'

/** Points in a plane. Shapes: places x, y, x, y … */
export interface Projected {
  readonly places: Float64Array
  /** Kullback-Leibler divergence of t-SNE; null for UMAP. Units: nats. */
  readonly divergence: number | null
}

const PERPLEXITY = 30
const ITERATIONS = 1000
const NEIGHBOURS = 15

/** Projects vectors to a plane with exact t-SNE. Shapes: x [n, dim] → n points. */
export async function tsne(x: Tensor, { iterations = ITERATIONS, perplexity = PERPLEXITY } = {}): Promise<Projected> {
  const n = x.shape[0]!
  const made = await native.tsne(x.native, { perplexity: Math.min(perplexity, (n - 1) / 3), iterations })
  using places = Tensor.wrap(made.places)
  return { places: (await places.data()) as Float64Array, divergence: made.divergence }
}

/** Returns the exact k nearest neighbours of each point; the first is the point itself. Shapes: unit [n, dim]. */
async function neighbours(unit: Tensor, k: number): Promise<{ indices: number[][]; distances: number[][] }> {
  const n = unit.shape[0]!
  using transposed = await unit.op('aten::t')
  const indices: number[][] = []
  const distances: number[][] = []
  for (let at = 0; at < n; at += 512) {
    const count = Math.min(512, n - at)
    using some = await unit.op('aten::narrow', 0, at, count)
    using products = await some.op('aten::mm', transposed)
    using own = await products.op('aten::diagonal', at, 0, 1)
    ;(await own.op('aten::fill_.Scalar', 2)).dispose() // a duplicate must not rank before the point itself
    const [most, place] = (await call('aten::topk', [products, k])) as [Tensor, Tensor]
    using best = most
    using index = place
    const [values, places] = [await best.data(), await index.data()]
    for (let i = 0; i < count; i++) {
      indices.push(Array.from({ length: k }, (_, j) => Number(places[i * k + j])))
      distances.push(Array.from({ length: k }, (_, j) => (j === 0 ? 0 : Math.max(0, 1 - Number(values[i * k + j])))))
    }
  }
  return { indices, distances }
}

/** Projects unit vectors to a plane with UMAP on exact neighbours. Shapes: unit [n, dim] → n points. */
export async function umap(unit: Tensor, seed: number): Promise<Projected> {
  const { UMAP } = await import('../../packages/umap.js')
  const n = unit.shape[0]!
  const k = Math.min(NEIGHBOURS, n - 1)
  const { indices, distances } = await neighbours(unit, k)
  let i = 0
  const map = new UMAP({ nNeighbors: k, minDist: 0.1, random: () => random(seed, i++) })
  map.setPrecomputedKNN(indices, distances)
  const epochs = map.initializeFit(indices) // reads only the number of points: the neighbours are precomputed
  for (let epoch = 0; epoch < epochs; epoch++) {
    map.step()
    if (epoch % 4 === 3) await setImmediate()
  }
  return { places: Float64Array.from(map.getEmbedding().flat()), divergence: null }
}
