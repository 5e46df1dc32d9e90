import type { Base } from '../data/base.js'
import { lengthOf, shortestOf, type Windows } from '../data/windows.js'
import { type NativeSamples, native } from '../native.js'
import { call, Tensor } from '../torch/tensor.js'

/** A selection of windows of a base. */
export interface Rows {
  readonly base: Pick<Base, 'vectors' | 'targets' | 'hash' | 'normalized' | 'part'>
  readonly windows: Pick<Windows, 'context' | 'length' | 'dim' | 'first' | 'target' | 'article'>
  /** Indices into `windows`. */
  readonly ids: Int32Array
}

/** Native handle to windows, as models and scores take it. The caller disposes of it. */
export const samplesOf = ({ base, windows }: Pick<Rows, 'base' | 'windows'>): NativeSamples =>
  native.samples(
    base.vectors.native,
    base.targets?.native ?? null,
    windows.first,
    windows.target,
    windows.context,
    windows.length ?? null,
  )

/** Floats gathered per block. Units: 2²³ floats are 32 MB. */
const BLOCK = 1 << 23

/** Yields the windows in blocks whose memory does not grow with the context length. */
export function* blocks({ windows, ids }: Rows): Generator<Int32Array> {
  const size = Math.max(1, Math.floor(BLOCK / (shortestOf(windows) * windows.dim)))
  for (let at = 0; at < ids.length; at += size) yield ids.subarray(at, at + size)
}

/** Size of a sample of windows for fits of a few numbers. */
const SPARSE = 4096

/** Evenly spaced windows, enough to fit a few numbers. */
export function sparse(train: Rows, most = SPARSE): Rows {
  const step = Math.max(1, train.ids.length / most)
  const count = Math.min(train.ids.length, most)
  return { ...train, ids: Int32Array.from({ length: count }, (_, i) => train.ids[Math.floor(i * step)]!) }
}

/** Returns selected rows of a table, on the CPU. Shapes: [n, dim], float32. */
export async function take(table: Tensor, rows: Int32Array): Promise<Tensor> {
  using index = Tensor.from(BigInt64Array.from(rows, BigInt))
  using taken = await table.op('aten::index_select', 0, index)
  return taken.to({ device: 'cpu', dtype: 'float32' }).ready()
}

/** Returns the last `positions` context vectors of the windows, which none may lack. Shapes: [n, positions, dim], float32. */
export async function contexts({ base, windows }: Rows, ids: Int32Array, positions = shortestOf(windows)): Promise<Tensor> {
  const rows = new Int32Array(ids.length * positions)
  ids.forEach((id, i) => {
    const from = windows.first[id]! + lengthOf(windows, id) - positions
    for (let j = 0; j < positions; j++) rows[i * positions + j] = from + j
  })
  using flat = await take(base.vectors, rows)
  return flat.op('aten::view', [ids.length, positions, windows.dim])
}

/** Returns the targets of the windows. Shapes: [n, dim], float32. */
export const targets = ({ base, windows }: Rows, ids: Int32Array): Promise<Tensor> =>
  take(
    base.targets ?? base.vectors,
    ids.map((id) => windows.target[id]!),
  )

/** Adds `part` to `sum` in place, in the dtype of `sum`. */
export async function addInto(sum: Tensor, part: Tensor): Promise<void> {
  const same = await sum.op('aten::add_.Tensor', part)
  same.dispose()
}

/** Returns a float64 tensor of zeros. */
export const zeros = async (...shape: number[]): Promise<Tensor> =>
  (await call('aten::zeros', [shape], { dtype: 'float64' })) as Tensor

/** Returns the sum over the first dimension, in float64. */
export const columnSums = async (x: Tensor): Promise<Tensor> =>
  (await call('aten::sum.dim_IntList', [x, [0]], { dtype: 'float64' })) as Tensor

/** Returns the mean of all targets. Shapes: [dim], float64. */
export async function meanTarget(rows: Rows): Promise<Tensor> {
  using sum = await zeros(rows.windows.dim)
  for (const ids of blocks(rows)) {
    using y = await targets(rows, ids)
    using part = await columnSums(y)
    await addInto(sum, part)
  }
  return sum.op('aten::div.Scalar', rows.ids.length)
}

/** Returns the sum of the cosines between predictions and targets. */
export async function cosineSum(prediction: Tensor, y: Tensor): Promise<number> {
  using cosines = await prediction.op('aten::cosine_similarity', y, 1, 1e-12)
  using total = (await call('aten::sum', [cosines], { dtype: 'float64' })) as Tensor
  return total.item()
}

/** Returns the mean cosine between predictions and targets. */
export async function meanCosine(rows: Rows, predict: (ids: Int32Array) => Promise<Tensor>): Promise<number> {
  let sum = 0
  for (const ids of blocks(rows)) {
    using prediction = await predict(ids)
    using y = await targets(rows, ids)
    sum += await cosineSum(prediction, y)
  }
  return sum / rows.ids.length
}
