import { blocks, type Rows, take, targets } from '../../baselines/baselines-rows.js'
import { lastOf, shortestOf } from '../../data/windows.js'
import { LvmError } from '../../errors.js'
import { joined } from '../../evaluate/evaluate.js'
import { sampled } from '../../statistics/random.js'
import { call, Tensor } from '../../torch/tensor.js'
import { unitVectors } from '../../torch/unit-vectors.js'
import { addSpread, noSpread, type Spread, type SpreadSums, spread } from '../../train/spread.js'

/** Function that predicts for windows; outputs need not have length 1. Shapes: [n, dim]. */
export type Predict = (ids: Int32Array) => Promise<Tensor>

/** Distractors: targets of other articles, from which a prediction should be farther than from its own target. */
export interface Pool {
  /** Shapes: [size, dim], float32 unit vectors. */
  readonly vectors: Tensor
  /** Article of each; with a single article the window number. */
  readonly owner: Int32Array
  readonly byArticle: boolean
}

/** Figures of a predictor, one per window in the order of `rows.ids`. */
export interface Probe {
  /** Cosine with the row at each offset from the target. */
  readonly at: ReadonlyMap<number, Float64Array>
  /** Mean cosine with the targets of other articles: the level reached without knowledge of the context. */
  readonly floor: Float64Array
  /** Share of those targets that are farther away than the true one; .5 is chance in any space and dimension. */
  readonly identification: Float64Array
  /** Cosine with the mean vector. */
  readonly centre: Float64Array
  /** Norm of the raw output. */
  readonly norm: Float64Array
  readonly spread: Spread
}

const POOL = 512

/** Draws a pool from the targets of the windows. */
export async function drawPool(rows: Rows, seed: number): Promise<Pool> {
  const ids = sampled(rows.ids, POOL, seed)
  using raw = await targets(rows, ids)
  const { unit, norm } = await unitVectors(raw)
  norm.dispose()
  const byArticle = new Set(ids.map((id) => rows.windows.article[id]!)).size > 1
  return { vectors: unit, owner: byArticle ? ids.map((id) => rows.windows.article[id]!) : ids, byArticle }
}

/** Returns the offsets from the target at which rows exist; sequences end with the target. */
export function offsetsOf({ base, windows }: Rows): number[] {
  const back = base.targets === undefined ? 4 : Math.min(4, shortestOf(windows))
  const ahead = base.targets === undefined ? 2 : 0
  return Array.from({ length: back + ahead + 1 }, (_, i) => i - back)
}

/** Returns the rows at an offset from the targets; where none exists, an arbitrary row. Shapes: [n, dim], float32. */
async function rowsAt(rows: Rows, ids: Int32Array, offset: number): Promise<Tensor> {
  const { base, windows } = rows
  if (offset === 0) return targets(rows, ids)
  const count = base.vectors.shape[0]!
  const place = (id: number) => (base.targets === undefined ? windows.target[id]! + offset : lastOf(windows, id) + 1 + offset)
  return take(
    base.vectors,
    ids.map((id) => Math.min(count - 1, Math.max(0, place(id)))),
  )
}

async function numbers(x: Tensor): Promise<Float64Array> {
  using wide = await x.to({ dtype: 'float64' }).ready()
  return (await wide.data()) as Float64Array
}

/** Returns cosines of unit vectors with rows of any length. Shapes: unit [n, dim], rows [n, dim] or [dim]; returns n numbers. */
async function cosines(unit: Tensor, rows: Tensor): Promise<Float64Array> {
  using cosine = await unit.op('aten::cosine_similarity', rows, -1, 1e-12)
  return numbers(cosine)
}

/** Computes floor and identification of predictions from their dot products with the pool. */
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
  // A product within round-off of the cosine is a tie and counts as half a win.
  using shrunk = await gap.op('aten::softshrink', 1e-6)
  using sign = await shrunk.op('aten::sign')
  using counted = await sign.op('aten::mul.Tensor', other)
  using wins = (await call('aten::sum.dim_IntList', [counted, [1]], { dtype: 'float64' })) as Tensor
  using share = await wins.op('aten::div.Tensor', count)
  return { floor: await numbers(floor), identification: (await numbers(share)).map((x) => (1 + x) / 2) }
}

/** Collects columns of numbers block by block. */
class Columns {
  private readonly parts = new Map<string, Float64Array[]>()
  add(name: string, values: Float64Array): void {
    if (!this.parts.has(name)) this.parts.set(name, [])
    this.parts.get(name)!.push(values)
  }
  all(name: string): Float64Array {
    return joined(this.parts.get(name) ?? [])
  }
}

/** Computes all figures of a predictor on the windows. Shapes: centre [dim]. */
export async function probe(rows: Rows, predict: Predict, o: { pool: Pool; centre: Tensor }): Promise<Probe> {
  const offsets = offsetsOf(rows)
  const columns = new Columns()
  using sums = await noSpread(rows.windows.dim)
  using centre = await o.centre.to({ dtype: 'float32' }).ready()
  for (const ids of blocks(rows)) {
    using raw = await predict(ids)
    const made = await unitVectors(raw)
    using unit = made.unit
    using norm = made.norm
    const lengths = await numbers(norm)
    const bad = lengths.findIndex((length) => !Number.isFinite(length))
    if (bad >= 0) throw new LvmError('DIVERGED', `doctor: expected finite outputs but the output for window ${ids[bad]} is not`)
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

/** Computes the spread of the targets. */
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

/** Returns indices into `rows.ids` of the windows with all offsets inside their article, so that every offset has the same windows. */
export function aligned(rows: Rows & { readonly windows: { readonly crosses?: Uint8Array } }): Int32Array {
  const { base, windows, ids } = rows
  const places = Int32Array.from(ids.keys())
  const offsets = offsetsOf(rows)
  if (base.targets !== undefined) return places.filter((i) => windows.crosses?.[ids[i]!] !== 1)
  // Rows up to the target are in the window itself; a later row is in the same article when a window of that article ends there.
  const ends = new Map(Array.from(windows.target, (row, w) => [row, w]))
  const ahead = offsets.at(-1)!
  const back = Math.max(0, -offsets[0]! - shortestOf(windows))
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
