import { targets } from '../baselines/baselines-rows.js'
import { listExcluded } from '../evaluate/exclusions.js'
import { type FixedPool, fixedPool } from '../evaluate/fixed-pool.js'
import { native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { contrastiveWeight } from './contrastive-weight.js'
import { heldRows, type Prepared, type Side } from './prepare.js'
import type { TrainSettings } from './recipe.js'

/** Most rows that the loss of evaluated windows is computed against: an estimate of that against all rows. */
const POOL = 1024

/** Factor of the squared error beside a contrastive loss: it becomes the sum over dimensions, relative to the targets' squared length. */
async function errorScale({ train: { base, windows }, split }: Prepared, output: unknown): Promise<number> {
  if (output === 'unit') return base.dim
  const norms = await native.rowNorms((base.targets ?? base.vectors).native)
  const squares = split.train.reduce((sum, id) => sum + norms[windows.target[id]!]! ** 2, 0)
  return squares > 0 ? (base.dim * split.train.length) / squares : base.dim
}

/** Settings of the contrastive loss, and the pools in which evaluated windows have it. */
export interface Contrastive {
  readonly weight: number
  readonly errorScale: number
  readonly negatives: number
  readonly pools: { readonly train: FixedPool; readonly val: FixedPool }
  dispose(): void
}

/** Prepares the contrastive loss; undefined where a training has none. */
export async function openContrastive(
  train: TrainSettings,
  data: Prepared,
  trainSample: Int32Array,
  output: unknown,
): Promise<Contrastive | undefined> {
  const weight = contrastiveWeight(train)
  if (weight === 0) return undefined
  const { negatives, seed } = train
  const held = heldRows(data.train, data.split)
  const heldIn = (side: Side) => (side === data.train ? held : undefined)
  const pool = (side: Side, ids: Int32Array) =>
    fixedPool({ ...side, ids }, { most: Math.min(negatives, POOL), seed, targets: false, held: heldIn(side) })
  const scale = weight === 1 ? 1 : await errorScale(data, output)
  const opened: FixedPool[] = []
  const dispose = () => {
    for (const each of opened) each.dispose()
  }
  try {
    for (const [side, ids] of [[data.train, trainSample] as const, [data.val, data.split.val] as const])
      opened.push(await pool(side, ids))
    const [ofTrain, val] = opened as [FixedPool, FixedPool]
    return { weight, errorScale: scale, negatives, pools: { train: ofTrain, val }, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Contrastive loss of some windows of a side, from their raw outputs; `at` is the place of the first of them in its pool. */
export async function lossesOf(
  raw: Tensor,
  side: Side,
  pool: FixedPool,
  { ids, at, log }: { readonly ids: Int32Array; readonly at: number; readonly log: number },
): Promise<Float64Array> {
  using y = await targets({ ...side, ids }, ids)
  const { loss, gradient } = await native.contrast(raw.native, y.native, pool.vectors.native, {
    ...listExcluded(pool.excluded, at, ids.length),
    log,
    logQ: Math.log(pool.share),
  })
  Tensor.wrap(gradient).dispose()
  return loss
}
