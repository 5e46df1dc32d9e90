import { LvmError } from '../../errors.js'
import { blocks, type Rows, take, targets } from '../../evaluate/baselines-rows.js'
import { sampled } from '../../statistics/random.js'
import { call, Tensor } from '../../torch/tensor.js'
import { unitVectors } from '../unit-vectors.js'
import { addSpread, noSpread, type Spread, type SpreadSums, spread } from './spread.js'

/** What a predictor says about some windows, as it comes. Shapes: [n, dim]. */
export type Predict = (ids: Int32Array) => Promise<Tensor>

/** Targets that a prediction should be further from than from its own. */
export interface Pool {
  /** Shapes: [size, dim], float32 unit vectors. */
  readonly vectors: Tensor
  /** Article of each; the window itself where there is only one article. */
  readonly owner: Int32Array
  readonly byArticle: boolean
}

/** What was found about a predictor, window by window in the order of the rows' ids. */
export interface Probe {
  /** Cosine with the row at each offset from the target. */
  readonly at: ReadonlyMap<number, Float64Array>
  /** Mean cosine with the targets of other articles: what knowing nothing of the context gives. */
  readonly floor: Float64Array
  /** Share of those targets that are further away than the true one: .5 is chance, in any space and dimension. */
  readonly identification: Float64Array
  /** Cosine with the mean vector. */
  readonly centre: Float64Array
  /** Length of the raw output. */
  readonly norm: Float64Array
  readonly spread: Spread
}

const POOL = 512

/** A pool from some windows' targets. */
export async function drawPool(rows: Rows, seed: number): Promise<Pool> {
  const ids = sampled(rows.ids, POOL, seed)
  using raw = await targets(rows, ids)
  const { unit, norm } = await unitVectors(raw)
  norm.dispose()
  const byArticle = new Set(ids.map((id) => rows.windows.article[id]!)).size > 1
  return { vectors: unit, owner: byArticle ? ids.map((id) => rows.windows.article[id]!) : ids, byArticle }
}

/** The offsets from the target at which rows are known: sequences end with it. */
export function offsetsOf({ base, windows }: Rows): number[] {
  const back = base.targets === undefined ? 4 : Math.min(4, windows.context)
  const ahead = base.targets === undefined ? 2 : 0
  return Array.from({ length: back + ahead + 1 }, (_, i) => i - back)
}

/** The rows at an offset from the targets; where there is none, some other row. Shapes: [n, dim], float32. */
async function rowsAt(rows: Rows, ids: Int32Array, offset: number): Promise<Tensor> {
  const { base, windows } = rows
  if (offset === 0) return targets(rows, ids)
  const count = base.vectors.shape[0]!
  const place = (id: number) =>
    base.targets === undefined ? windows.target[id]! + offset : windows.first[id]! + windows.context + offset
  return take(
    base.vectors,
    ids.map((id) => Math.min(count - 1, Math.max(0, place(id)))),
  )
}

async function numbers(x: Tensor): Promise<Float64Array> {
  using wide = await x.to({ dtype: 'float64' })
  return (await wide.data()) as Float64Array
}

/** Of unit vectors with rows of any length. Shapes: [n, dim] twice, or [n, dim] and [dim] → [n]. */
async function cosines(unit: Tensor, rows: Tensor): Promise<Float64Array> {
  using cosine = await unit.op('aten::cosine_similarity', rows, -1, 1e-12)
  return numbers(cosine)
}

/** Floor and identification of some predictions, from their products with the pool. */
async function against(pool: Pool, unit: Tensor, own: Float64Array, owners: Int32Array) {
  using transposed = await pool.vectors.op('aten::t')
  using products = await unit.op('aten::mm', transposed) // [n, pool]
  using mine = Tensor.from(Float32Array.from(own), [own.length, 1])
  using owner = Tensor.from(pool.owner, [1, pool.owner.length])
  using article = Tensor.from(owners, [owners.length, 1])
  using other = await owner.op('aten::ne.Tensor', article)
  using count = (await call('aten::sum.dim_IntList', [other, [1]], { dtype: 'float64' })) as Tensor
  using masked = await products.op('aten::mul.Tensor', other)
  using sum = (await call('aten::sum.dim_IntList', [masked, [1]], { dtype: 'float64' })) as Tensor
  using floor = await sum.op('aten::div.Tensor', count)
  using gap = await mine.op('aten::sub.Tensor', products)
  // A product that differs from the cosine by rounding alone is a tie, and a tie is half a win.
  using shrunk = await gap.op('aten::softshrink', 1e-6)
  using sign = await shrunk.op('aten::sign')
  using counted = await sign.op('aten::mul.Tensor', other)
  using wins = (await call('aten::sum.dim_IntList', [counted, [1]], { dtype: 'float64' })) as Tensor
  using share = await wins.op('aten::div.Tensor', count)
  return { floor: await numbers(floor), identification: (await numbers(share)).map((x) => (1 + x) / 2) }
}

/** Columns that grow block by block. */
class Columns {
  private readonly parts = new Map<string, Float64Array[]>()
  add(name: string, values: Float64Array): void {
    if (!this.parts.has(name)) this.parts.set(name, [])
    this.parts.get(name)!.push(values)
  }
  all(name: string): Float64Array {
    const parts = this.parts.get(name) ?? []
    const joined = new Float64Array(parts.reduce((n, part) => n + part.length, 0))
    let at = 0
    for (const part of parts) {
      joined.set(part, at)
      at += part.length
    }
    return joined
  }
}

/** Looks at what a predictor says about some windows from all sides. Shapes: centre [dim]. */
export async function probe(rows: Rows, predict: Predict, o: { pool: Pool; centre: Tensor }): Promise<Probe> {
  const offsets = offsetsOf(rows)
  const columns = new Columns()
  using sums = await noSpread(rows.windows.dim)
  using centre = await o.centre.to({ dtype: 'float32' })
  for (const ids of blocks(rows)) {
    using raw = await predict(ids)
    const made = await unitVectors(raw)
    using unit = made.unit
    using norm = made.norm
    const lengths = await numbers(norm)
    const bad = lengths.findIndex((length) => !Number.isFinite(length))
    if (bad >= 0) throw new LvmError('DIVERGED', `doctor: expected finite outputs but that for window ${ids[bad]} is not`)
    columns.add('norm', lengths)
    await addSpread(sums, unit)
    let own: Float64Array = new Float64Array(0)
    for (const offset of offsets) {
      using row = await rowsAt(rows, ids, offset)
      const cosine = await cosines(unit, row)
      columns.add(`${offset}`, cosine)
      if (offset === 0) own = cosine
    }
    columns.add('centre', await cosines(unit, centre))
    const owners = o.pool.byArticle ? ids.map((id) => rows.windows.article[id]!) : ids
    const found = await against(o.pool, unit, own, owners)
    columns.add('floor', found.floor)
    columns.add('identification', found.identification)
  }
  return {
    at: new Map(offsets.map((offset) => [offset, columns.all(`${offset}`)])),
    floor: columns.all('floor'),
    identification: columns.all('identification'),
    centre: columns.all('centre'),
    norm: columns.all('norm'),
    spread: await spread(sums),
  }
}

/** The spread of the targets themselves. */
export async function targetSpread(rows: Rows): Promise<Spread> {
  using sums: SpreadSums = await noSpread(rows.windows.dim)
  for (const ids of blocks(rows)) {
    using raw = await targets(rows, ids)
    const { unit, norm } = await unitVectors(raw)
    await addSpread(sums, unit)
    unit.dispose()
    norm.dispose()
  }
  return await spread(sums)
}

/** Places, among the rows' ids, of windows that have all of their offsets in one article, so that every offset is judged on the same ones. */
export function aligned(rows: Rows & { readonly windows: { readonly crosses?: Uint8Array } }): Int32Array {
  const { base, windows, ids } = rows
  const places = Int32Array.from(ids.keys())
  const offsets = offsetsOf(rows)
  if (base.targets !== undefined) return places.filter((i) => windows.crosses?.[ids[i]!] !== 1)
  // A row is known to lie in an article when a window ends there; one that a context holds needs no window of its own.
  const ends = new Map(Array.from(windows.target, (row, w) => [row, w]))
  const ahead = offsets.at(-1)!
  const back = Math.max(0, -offsets[0]! - windows.context)
  return places.filter((i) => {
    const id = ids[i]!
    if (windows.crosses?.[id] === 1) return false
    for (let k = -back; k <= ahead; k++) {
      const other = ends.get(windows.target[id]! + k)
      if (other === undefined || windows.article[other] !== windows.article[id]) return false
    }
    return true
  })
}
