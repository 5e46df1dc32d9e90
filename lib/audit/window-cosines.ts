import { contexts, targets } from '../baselines/baselines-rows.js'
import type { Base } from '../data/base.js'
import type { Windows } from '../data/windows.js'
import type { Tensor } from '../torch/tensor.js'
import { cos, type Finding, finding } from './audit-findings.js'
import { clusteredMean, significantlyAbove, significantlyBelow } from './clustered-mean.js'
import { NEAR } from './near-duplicates.js'
import type { Clusters } from './unit-table.js'

/** Maximum and minimum number of sampled windows, maximum number of their vectors, and largest lag inside contexts. */
const [WINDOWS, FEWEST, VECTORS, LAGS] = [8192, 64, 2 ** 17, 16]

/** Mean cosines between vectors of a window, by lag; one value per window. */
export interface WindowCosines {
  /** Indices of the windows. */
  readonly ids: Int32Array
  /** Lags 1 … context − 1, at most 16, inside contexts. */
  readonly inside: readonly Float64Array[]
  /** Cosine of the last and of the first context vector to the target. */
  readonly last: Float64Array
  readonly first: Float64Array
  /** Cosine of each target to the vector 1, 2, … rows before it, at most 16. */
  readonly toTarget: readonly Float64Array[]
  /** Control: cosine of the last context vector to the vector 1, 2, … rows before that; one lag fewer. */
  readonly toLast: readonly Float64Array[]
  /** 1 where a context vector is a near-copy of the target, and of the last vector. */
  readonly copied: Uint8Array
  readonly repeated: Uint8Array
}

/** Chooses windows that do not cross articles, spread evenly over the file. */
function chosen({ count, context, crosses }: Windows): Int32Array {
  const inside = Int32Array.from({ length: count }, (_, i) => i).filter((i) => crosses?.[i] !== 1)
  const n = Math.min(WINDOWS, Math.max(FEWEST, Math.floor(VECTORS / context)), inside.length)
  return Int32Array.from({ length: n }, (_, i) => inside[Math.floor((i * inside.length) / n)]!)
}

/** Divides vectors by their largest components, as squares of tiny and huge numbers are no float32. */
async function resized(vectors: Tensor): Promise<Tensor> {
  using largest = await vectors.op('aten::linalg_vector_norm', Infinity, [-1], true)
  return vectors.op('aten::div.Tensor', largest)
}

/** Computes cosines inside a sample of windows; windows with a vector without a direction are skipped. */
export async function windowCosines(base: Base, windows: Windows): Promise<WindowCosines> {
  const { context, dim } = windows
  const most = Math.min(context - 1, LAGS)
  const inside = Array.from({ length: most }, () => [] as number[])
  const [ids, last, first, copied, repeated]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []]
  const toTarget = Array.from({ length: Math.min(context, LAGS) }, () => [] as number[])
  const toLast = Array.from({ length: most }, () => [] as number[])
  const all = chosen(windows)
  const slice = Math.max(1, Math.floor(2 ** 21 / (context * dim)))
  for (let at = 0; at < all.length; at += slice) {
    const part = all.subarray(at, at + slice)
    const rows = { base, windows, ids: part }
    using read = await contexts(rows, part)
    using next = await targets(rows, part)
    using x = await resized(read)
    using y = await resized(next)
    using column = await y.op('aten::unsqueeze', 1)
    const lagged = async (lag: number) => {
      using a = await x.op('aten::narrow', 1, 0, context - lag)
      using b = await x.op('aten::narrow', 1, lag, context - lag)
      using cosines = await a.op('aten::cosine_similarity', b, -1, 0)
      using mean = await cosines.op('aten::mean.dim', [1])
      return (await mean.data()) as Float32Array
    }
    const lags: Float32Array[] = []
    for (let lag = 1; lag <= most; lag++) lags.push(await lagged(lag))
    using alike = await x.op('aten::cosine_similarity', column, -1, 0)
    const cosines = (await alike.data()) as Float32Array
    using final = await x.op('aten::narrow', 1, context - 1, 1)
    using before = await x.op('aten::cosine_similarity', final, -1, 0)
    const earlier = (await before.data()) as Float32Array
    part.forEach((id, i) => {
      const [from, to] = [cosines[i * context]!, cosines[(i + 1) * context - 1]!]
      if (![from, to, ...lags.map((values) => values[i]!)].every(Number.isFinite)) return
      ids.push(id)
      first.push(from)
      last.push(to)
      const own = cosines.subarray(i * context, (i + 1) * context)
      const others = earlier.subarray(i * context, (i + 1) * context - 1)
      copied.push(Number(own.some((cosine) => cosine > NEAR)))
      repeated.push(Number(others.some((cosine) => cosine > NEAR)))
      for (const [k, values] of toTarget.entries()) values.push(own[context - 1 - k]!)
      for (const [k, values] of toLast.entries()) values.push(others[context - 2 - k]!)
      for (const [k, values] of lags.entries()) inside[k]!.push(values[i]!)
    })
  }
  return {
    ids: Int32Array.from(ids),
    inside: inside.map((values) => Float64Array.from(values)),
    last: Float64Array.from(last),
    first: Float64Array.from(first),
    toTarget: toTarget.map((values) => Float64Array.from(values)),
    toLast: toLast.map((values) => Float64Array.from(values)),
    copied: Uint8Array.from(copied),
    repeated: Uint8Array.from(repeated),
  }
}

const average = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length

/**
 * Estimates the lag of the target from cosines: compares the cosine of target and last vector with those of the lags inside contexts.
 *
 * Shapes: clusters have one entry per window.
 */
export async function targetLag({ ids, inside, last, first }: WindowCosines, clusters: Clusters): Promise<Finding> {
  if (ids.length === 0) return finding('TARGET_LAG', 'PASS', 'no window of vectors with directions shows the lag of the target')
  if (inside.length < 2)
    return finding('TARGET_LAG', 'PASS', 'contexts of fewer than three vectors do not show the lag of the target')
  const [d, c] = [average(last), inside.map(average)]
  const figures = { context_adjacent: c[0]!, last_to_target: d, first_to_target: average(first) }
  const contrast = (f: (i: number) => number) =>
    clusteredMean(
      Float64Array.from(ids, (_, i) => f(i)),
      ids,
      clusters,
    )
  const near = [1, ...c] // of lag 0, 1, …
  const guess = near.reduce((best, value, lag) => (Math.abs(value - d) < Math.abs(near[best]! - d) ? lag : best), 1)
  const lagged = { ...figures, lag: guess }
  const why = `cosine of last vector and target ${cos(d)}, of neighbours in a context ${cos(c[0]!)}`
  // Not enough alone: in data whose adjacent rows are less similar than distant ones, the first vector is the most similar to the target.
  const isReversed = Math.abs(figures.first_to_target - c[0]!) < Math.abs(d - c[0]!)
  if (isReversed && significantlyAbove(await contrast((i) => first[i]! - last[i]!), 0))
    return finding(
      'TARGET_LAG',
      'FAIL',
      `the target is adjacent to the first vector of its context: contexts are reversed (${why})`,
      {
        ...lagged,
        lag: 'reversed',
      },
    )
  if (guess === 1) return finding('TARGET_LAG', 'PASS', `the target is lag 1, the row after its context: ${why}`, lagged)
  const other = (i: number) => (guess === 0 ? 1 : inside[guess - 1]![i]!)
  const gap = await contrast((i) => other(i) - inside[0]![i]!)
  const nearer = await contrast((i) => last[i]! - (inside[0]![i]! + other(i)) / 2)
  const significant =
    (significantlyBelow(gap, 0) && significantlyBelow(nearer, 0)) || (significantlyAbove(gap, 0) && significantlyAbove(nearer, 0))
  const which =
    guess === 0
      ? 'the last vector of its context itself (lag 0)'
      : `lag ${guess}${guess === inside.length ? ' or more' : ''}, not the row after its context`
  return significant
    ? finding('TARGET_LAG', 'FAIL', `the target is ${which}: ${why}, of those ${guess} apart ${cos(near[guess]!)}`, lagged)
    : finding('TARGET_LAG', 'PASS', `the target may be lag 1: ${why}`, lagged)
}
