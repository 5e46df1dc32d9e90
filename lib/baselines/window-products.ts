import { lengthOf } from '../data/windows.js'
import { call, Tensor } from '../torch/tensor.js'
import { contexts, type Rows, targets } from './baselines-rows.js'

/** Products of the exponential means of each context and its target, the last, with one another. */
export interface Products {
  /** Number of means, plus one for the target. */
  readonly size: number
  /** Shapes: [n, size, size]. */
  readonly values: Float64Array
}

/** Most vectors of a context whose products with one another take less time than its exponential means. */
export const LONGEST = 20
/** Floats that are multiplied at once. */
const BLOCK = 1 << 22

/** Returns weights that shrink by the factor `decay` per step back and sum to 1; a decay of 0 keeps only the last vector. */
export function decayWeights(context: number, decay: number): number[] {
  const powers = Array.from({ length: context }, (_, j) => decay ** (context - 1 - j))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/** Products of the vectors of some windows of one length with one another, the target last. */
interface Part {
  /** Positions among the rows' ids. */
  readonly places: readonly number[]
  readonly length: number
  /** Shapes: [places, length + 1, length + 1], float64. */
  readonly squares: Tensor
}
/** Products of the vectors of short windows, from which those of exponential means of their last `most` vectors follow for any decays. */
export interface WindowProducts {
  of(decays: readonly number[], most?: number): Promise<Products>
  [Symbol.dispose](): void
}

async function partOf(rows: Rows, places: readonly number[], length: number): Promise<Part> {
  const ids = Int32Array.from(places, (place) => rows.ids[place]!)
  using x = await contexts(rows, ids, length)
  using target = await targets(rows, ids)
  using y = await target.op('aten::unsqueeze', 1)
  using narrow = (await call('aten::cat', [[x, y], 1])) as Tensor
  using all = await narrow.to({ dtype: 'float64' }).ready()
  using turned = await all.op('aten::transpose.int', 1, 2)
  return { places, length, squares: await all.op('aten::bmm', turned) }
}

/** Products of the means of one part, [places, size, size]. */
async function meanProducts({ length, squares }: Part, decays: readonly number[], most: number): Promise<Float64Array> {
  const zeros = (count: number) => new Array<number>(count).fill(0)
  const read = Math.min(length, most)
  const own = [...decays.map((decay) => [...zeros(length - read), ...decayWeights(read, decay), 0]), [...zeros(length), 1]]
  using weights = Tensor.from(Float64Array.from(own.flat()), [own.length, length + 1])
  using turned = await weights.op('aten::t')
  using left = await weights.op('aten::matmul', squares)
  using products = await left.op('aten::matmul', turned)
  return (await products.data()) as Float64Array
}

/** Multiplies the vectors of each window with one another; returns undefined if a context is long. */
export async function windowProducts(rows: Rows): Promise<WindowProducts | undefined> {
  const { windows, ids } = rows
  const byLength = new Map<number, number[]>()
  for (const [place, id] of ids.entries()) {
    const length = lengthOf(windows, id)
    if (length > LONGEST) return undefined
    if (!byLength.has(length)) byLength.set(length, [])
    byLength.get(length)!.push(place)
  }
  const parts: Part[] = []
  for (const [length, places] of byLength) {
    const step = Math.max(1, Math.floor(BLOCK / ((length + 1) * windows.dim)))
    for (let at = 0; at < places.length; at += step) parts.push(await partOf(rows, places.slice(at, at + step), length))
  }
  return {
    async of(decays, most = LONGEST) {
      const size = decays.length + 1
      const values = new Float64Array(ids.length * size * size)
      for (const part of parts) {
        const own = await meanProducts(part, decays, most)
        for (const [i, place] of part.places.entries())
          values.set(own.subarray(i * size * size, (i + 1) * size * size), place * size * size)
      }
      return { size, values }
    },
    [Symbol.dispose]() {
      for (const { squares } of parts) squares.dispose()
    },
  }
}
