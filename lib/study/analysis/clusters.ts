import { random } from '../../statistics/random.js'
import { call, Tensor } from '../../torch/tensor.js'
import { unitVectors } from '../../torch/unit-vectors.js'

const RESTARTS = 3
const STEPS = 60

/** Assigns each vector to its nearest centre. Shapes: unit [n, dim], centres [k, dim]. */
export async function assign(unit: Tensor, centres: Tensor): Promise<{ of: Int32Array; cosine: Float32Array }> {
  using transposed = await centres.op('aten::t')
  using products = await unit.op('aten::mm', transposed)
  const [most, place] = (await call('aten::max.dim', [products, 1])) as [Tensor, Tensor]
  using best = most
  using index = place
  return { of: Int32Array.from((await index.data()) as BigInt64Array, Number), cosine: (await best.data()) as Float32Array }
}

const pick = async (unit: Tensor, rows: readonly number[]): Promise<Tensor> => {
  using index = Tensor.from(BigInt64Array.from(rows, BigInt))
  return await unit.op('aten::index_select', 0, index)
}

/** Draws the initial centres of k-means++: the probability of a vector is proportional to 1 − cosine with its nearest centre so far. */
async function initialCentres(unit: Tensor, k: number, seed: number): Promise<Tensor> {
  const n = unit.shape[0]!
  const rows = [Math.floor(random(seed, 0) * n)]
  let away = new Float64Array(n).fill(Infinity)
  while (rows.length < k) {
    using last = await pick(unit, rows.slice(-1))
    const { cosine } = await assign(unit, last)
    away = away.map((d, i) => Math.min(d, Math.max(0, 1 - cosine[i]!)))
    let left = random(seed, rows.length) * away.reduce((a, b) => a + b, 0)
    const drawn = away.findIndex((d) => {
      left -= d
      return left < 0
    })
    rows.push(Math.max(0, drawn))
  }
  return pick(unit, rows)
}

/** Returns the normalised mean of each cluster; an empty cluster keeps its centre. */
async function means(unit: Tensor, of: Int32Array, before: Tensor): Promise<Tensor> {
  using zero = (await call('aten::zeros_like', [before])) as Tensor
  using index = Tensor.from(BigInt64Array.from(of, BigInt))
  using sums = await zero.op('aten::index_add', 0, index, unit)
  using length = await sums.op('aten::linalg_vector_norm', 2, [-1], true)
  using empty = await length.op('aten::eq.Scalar', 0)
  using kept = (await call('aten::where.self', [empty, before, sums])) as Tensor
  const made = await unitVectors(kept)
  made.norm.dispose()
  return made.unit
}

/**
 * Spherical k-means with k-means++ initialisation, best of three runs.
 *
 * Shapes: unit [n, dim] → centres [k, dim].
 *
 * Source: Dhillon & Modha 2001; Arthur & Vassilvitskii 2007.
 */
export async function clusters(unit: Tensor, k: number, seed: number): Promise<Tensor> {
  let best: { centres: Tensor; cosine: number } | undefined
  for (let restart = 0; restart < RESTARTS; restart++) {
    let centres = await initialCentres(unit, k, seed + 1000 * restart)
    let before: Int32Array | undefined
    let cosine = 0
    for (let step = 0; step < STEPS; step++) {
      const found = await assign(unit, centres)
      cosine = found.cosine.reduce((a, b) => a + b, 0)
      if (before?.every((c, i) => c === found.of[i])) break
      before = found.of
      const next = await means(unit, found.of, centres)
      centres.dispose()
      centres = next
    }
    if (best === undefined || cosine > best.cosine) {
      best?.centres.dispose()
      best = { centres, cosine }
    } else centres.dispose()
  }
  return best!.centres
}
