import { blocks, contexts, type Rows, targets } from '../../baselines/baselines-rows.js'
import { shortestOf } from '../../data/windows.js'
import type { Interval } from '../../evaluate/metrics.js'
import { pairedDifference } from '../../statistics/estimates.js'
import { permutation, random } from '../../statistics/random.js'
import { call, Tensor } from '../../torch/tensor.js'

/** Loss of cosine when the context is changed in one way. */
export interface Ablation {
  readonly name: 'shuffle' | 'reverse' | 'repeat_last' | 'leave_out'
  /** For leave_out: position of the vector, from −context (first) to −1 (last). */
  readonly position: number | null
  readonly cosine: number
  /** Cosine with the original context minus `cosine`, on the same windows. */
  readonly drop: { readonly value: number; readonly ci95: Interval }
}

/** Function that changes contexts. Shapes: [n, context, dim] to the same. */
type Change = (x: Tensor, from: number) => Promise<Tensor>
/** Function that predicts from contexts. Shapes: [n, context, dim] to [n, dim]. */
export type Read = (x: Tensor) => Promise<Tensor>

const ORDERS = 64
/** Maximum number of positions that are left out, one at a time. */
const MOST_POSITIONS = 8

/** Returns random permutations of the context, without the identity. */
function orders(context: number, seed: number): Int32Array[] {
  const drawn = Array.from({ length: 8 * ORDERS }, (_, i) => permutation(context, seed + i))
  return drawn.filter((order) => order.some((j, i) => j !== i)).slice(0, ORDERS)
}

function shuffle(context: number, seed: number): Change {
  const known = orders(context, seed)
  return async (x, from) => {
    const [n, , dim] = x.shape as [number, number, number]
    const picks = Array.from({ length: n }, (_, i) => known[Math.floor(random(seed, from + i) * known.length)]!)
    using flat = Tensor.from(BigInt64Array.from(picks.flatMap((order) => [...order].map(BigInt))), [n, context, 1])
    using index = await flat.op('aten::expand', [n, context, dim])
    return x.op('aten::gather', 1, index)
  }
}

const reverse: Change = (x) => x.op('aten::flip', [1])

const repeatLast: Change = async (x) => {
  using last = await x.op('aten::narrow', 1, x.shape[1]! - 1, 1)
  using spread = await last.op('aten::expand', x.shape)
  return spread.op('aten::contiguous')
}

/** Replaces one vector by the mean of the others, so that the context keeps its length (some models accept only one). */
const leaveOut =
  (position: number): Change =>
  async (x) => {
    const changed = await x.op('aten::clone')
    using own = await changed.op('aten::select', 1, position)
    using all = (await call('aten::sum.dim_IntList', [x, [1]])) as Tensor
    using others = await all.op('aten::sub.Tensor', own)
    using length = await others.op('aten::linalg_vector_norm', 2, [-1], true)
    using safe = await length.op('aten::clamp_min', 1e-12)
    using unit = await others.op('aten::div.Tensor', safe)
    await own.change('aten::copy_', unit)
    return changed
  }

/** Returns all positions of a short context; of a long one the first, the last and evenly spaced ones between. */
function positions(context: number): number[] {
  const count = Math.min(context, MOST_POSITIONS)
  return Array.from({ length: count }, (_, i) => Math.round((i * (context - 1)) / Math.max(1, count - 1)))
}

/** Returns one cosine per window, of the prediction from the changed context with the target. */
async function cosinesOf(rows: Rows, read: Read, change: Change): Promise<Float64Array> {
  const all = new Float64Array(rows.ids.length)
  let at = 0
  for (const ids of blocks(rows)) {
    using x = await contexts(rows, ids)
    using changed = await change(x, at)
    using prediction = await read(changed)
    using y = await targets(rows, ids)
    using cosine = await prediction.op('aten::cosine_similarity', y, 1, 1e-12)
    using wide = await cosine.to({ dtype: 'float64' }).ready()
    all.set((await wide.data()) as Float64Array, at)
    at += ids.length
  }
  return all
}

/** Measures the loss of each ablation of the context, cut to the length of the shortest; returns none for one vector. */
export async function ablations(rows: Rows, read: Read, { seed = 0 } = {}): Promise<Ablation[]> {
  const { article } = rows.windows
  const context = shortestOf(rows.windows) // all are read with as many vectors as the shortest has
  if (context === 1) return []
  const changes: [Ablation['name'], number | null, Change][] = [
    ['shuffle', null, shuffle(context, seed)],
    ['reverse', null, reverse],
    ['repeat_last', null, repeatLast],
    ...positions(context).map((p): [Ablation['name'], number, Change] => ['leave_out', p - context, leaveOut(p)]),
  ]
  const articles = rows.ids.map((id) => article[id]!)
  const whole = await cosinesOf(rows, read, (x) => x.op('aten::clone'))
  const found: Ablation[] = []
  for (const [name, position, change] of changes) {
    const ablated = await cosinesOf(rows, read, change)
    const { mean, ci95 } = await pairedDifference(whole, ablated, articles, { seed })
    found.push({ name, position, cosine: ablated.reduce((a, b) => a + b, 0) / ablated.length, drop: { value: mean, ci95 } })
  }
  return found
}
