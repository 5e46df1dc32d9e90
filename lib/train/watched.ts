import { countExcluded, listExcluded } from '../evaluate/exclusions.js'
import { type FixedPool, fixedPool } from '../evaluate/fixed-pool.js'
import { type NativeBank, native } from '../native.js'
import { sampled } from '../statistics/random.js'
import type { Tensor } from '../torch/tensor.js'
import type { Prepared } from './prepare.js'
import type { TrainSettings } from './recipe.js'
import { ranks } from './selection.js'
import { addSpread, noSpread, spread } from './spread.js'

/** Most validation windows whose targets are ranked in each epoch, and most whose predictions are compared with one another. */
const [RANKED, SPREAD] = [4096, 1024]
/**
 * Products of a search that take two or three seconds on one core, little beside an epoch over so many rows: a larger base is sampled.
 * A sample makes other articles' rows rarer than they are in the base, and so favours what tells rows of one article apart.
 */
const PRODUCTS = 1.5e11

/** Validation windows whose predictions are looked at more closely after each epoch, always the same ones. */
export interface Watched {
  /** Places among the validation windows, ascending. */
  readonly places: Int32Array
  readonly pool: (FixedPool & { readonly bank: NativeBank }) | undefined
  dispose(): void
}

/** What an epoch's predictions of the watched windows show. */
export interface Seen {
  /** Share of the targets among the ten nearest rows of the pool, and mean reciprocal rank. */
  val_top10?: number
  val_mrr?: number
  /** Rows that are ranked for a query, in the mean, and `val_top10` of a random order. */
  val_pool?: number
  val_top10_chance?: number
  /** 1 − |mean|² of the unit predictions, and the effective rank of their covariance. */
  val_dispersion: number
  val_effective_rank: number
}

/** Chooses the watched windows, and a fixed pool for their targets where the training asks for ranks. */
export async function openWatched(
  train: TrainSettings,
  { val, split }: Pick<Prepared, 'val' | 'split'>,
  held: Uint8Array | undefined,
): Promise<Watched> {
  const all = Int32Array.from(split.val, (_, place) => place)
  const places = sampled(all, RANKED, train.seed)
  if (!ranks(train)) return { places, pool: undefined, dispose: () => {} }
  const ids = places.map((place) => split.val[place]!)
  const most = Math.floor(PRODUCTS / (ids.length * val.base.dim))
  const pool = await fixedPool({ ...val, ids }, { most, seed: train.seed, targets: true, held })
  const bank = native.bank(pool.vectors.native)
  const dispose = () => {
    native.bankDispose(bank)
    pool.dispose()
  }
  return { places, pool: { ...pool, bank }, dispose }
}

/** The same for the rows that a fold holds out, where the epochs rank targets: only to tell what selection by them would have added. */
export async function openHeldOut(train: TrainSettings, data: Prepared): Promise<Watched | undefined> {
  const { fold, test } = data.split
  if (fold === undefined || test === undefined || !ranks(train)) return undefined
  return openWatched(train, { val: data.train, split: { ...data.split, val: test } }, undefined)
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

async function rank(
  raw: Tensor,
  pool: NonNullable<Watched['pool']>,
): Promise<Omit<Seen, 'val_dispersion' | 'val_effective_rank'>> {
  using queries = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  const n = pool.target.length
  const rows = { target: pool.target, ...listExcluded(pool.excluded, 0, n) }
  const { allowed } = await native.retrieve(queries.native, pool.bank, rows, 1)
  const found = Array.from(allowed.ahead, (ahead, i) => ahead + allowed.tied[i]! + 1)
  const size = pool.rows - countExcluded(pool.excluded) / n
  return {
    val_top10: mean(found.map((place) => Number(place <= 10))),
    val_mrr: mean(found.map((place) => 1 / place)),
    val_pool: size,
    val_top10_chance: Math.min(1, 10 / size),
  }
}

/** Ranks the targets of the watched windows, and measures the spread of the predictions. Shapes: raw [watched, dim]. */
export async function look(raw: Tensor, { pool }: Watched): Promise<Seen> {
  const ranked = pool === undefined ? {} : await rank(raw, pool)
  const [n, dim] = raw.shape as [number, number]
  using some = await raw.op('aten::slice.Tensor', 0, 0, n, Math.ceil(n / SPREAD))
  using norm = await some.op('aten::linalg_vector_norm', 2, [-1], true)
  using safe = await norm.op('aten::clamp_min', 1e-12)
  using unit = await some.op('aten::div.Tensor', safe)
  using sums = await noSpread(dim)
  await addSpread(sums, unit)
  const { dispersion, effective_rank } = await spread(sums)
  return { ...ranked, val_dispersion: dispersion, val_effective_rank: effective_rank }
}
