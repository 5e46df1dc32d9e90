import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import { engine } from '../checkpoint/golden.js'
import type { Model } from '../checkpoint/model.js'
import { weightsDtype } from '../checkpoint/run-manifest.js'
import { atOnce } from '../data/windows.js'
import { joinBytes, readEntry, writeEntry } from '../files/cache-entry.js'
import { cacheRoot } from '../libtorch/paths.js'
import { native } from '../native.js'
import { type SharedGroup, sharersOf } from '../ranks/shared-work.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import { type Rows, samplesOf } from './baselines-rows.js'
import { rowsKey, sha256 } from './rows-key.js'

/** Part of the key. Raise it when a change of code changes a prediction. */
const VERSION = 1
/** Size of the cache of predictions. Units: bytes. */
const MOST = 1e9
/** Predictions for more windows are made part by part and not kept. Units: floats; 2²⁶ are 256 MB. */
const LARGEST = 1 << 26

const predicted = (model: Model, rows: Pick<Rows, 'base' | 'windows'>, ids: Int32Array): Promise<Tensor> =>
  stage('predict', async () => {
    const samples = samplesOf(rows)
    try {
      return Tensor.wrap(await native.predict(model.native, samples, ids, atOnce(rows.windows.context)))
    } finally {
      native.dispose(samples)
    }
  })

/**
 * Predicts windows `from` … `to` of the rows: each rank predicts a part of them, in the batches of a single process.
 *
 * Shapes: [to − from, dim], float32, on every rank. Errors: RANK_LOST.
 */
export async function predictTogether(group: SharedGroup, model: Model, rows: Rows, from: number, to: number): Promise<Tensor> {
  const { context, dim } = rows.windows
  const ids = rows.ids.subarray(from, to)
  const batch = atOnce(context)
  const [first, last] = group.share(Math.ceil(ids.length / batch)).map((at) => Math.min(at * batch, ids.length)) as [
    number,
    number,
  ]
  const whole = Tensor.from(new Float32Array(ids.length * dim), [ids.length, dim])
  if (last > first) {
    using raw = await predicted(model, rows, ids.subarray(first, last))
    using own = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
    using place = whole.at(`${first}:${last}`)
    await place.change('aten::copy_', own, false)
  }
  await group.sum(whole.native)
  return whole
}

/** Asks the other ranks, if there are any, to share the predictions for windows `from` … `to`. */
async function predictedTogether(model: Model, rows: Rows, from: number, to: number): Promise<Tensor> {
  const sharers = sharersOf(rows.ids)
  if (sharers === undefined) return predicted(model, rows, rows.ids.subarray(from, to))
  await sharers.group.ask({ do: 'predict', of: sharers.windows, from, to })
  return predictTogether(sharers.group, model, rows, from, to)
}

/** Predictions for all windows that are made with other ranks, block by block, where they may not be kept; undefined without other ranks. */
export function sharedPredictions(model: Model, rows: Rows): (() => AsyncGenerator<Tensor>) | undefined {
  if (sharersOf(rows.ids) === undefined) return undefined
  const step = Math.max(1, Math.floor(LARGEST / rows.windows.dim))
  return async function* () {
    for (let at = 0; at < rows.ids.length; at += step)
      yield await predictedTogether(model, rows, at, Math.min(at + step, rows.ids.length))
  }
}

/** Whether the predictions are few enough to be kept, and follow from weights and windows alone: low-bit kernels are chosen by timing. */
const mayBeKept = ({ manifest }: Model, { ids, windows }: Rows): boolean =>
  computingAnew.getStore() === undefined && manifest.quantized === undefined && ids.length * windows.dim <= LARGEST

/** Hash of everything that the predictions depend on: weights, form, data, windows, and the machine that computes them. */
async function keyOf(model: Model, rows: Rows): Promise<string> {
  const { manifest, weights, device } = model
  const by = await engine(device, weightsDtype(manifest))
  return sha256(JSON.stringify([VERSION, weights, manifest.spec_hash, by, atOnce(rows.windows.context), rowsKey(rows)]))
}

const computingAnew = new AsyncLocalStorage<true>()
/** Runs work that reads and keeps no predictions, such as a check of figures that were made from kept ones. */
export const withoutKeptPredictions = <T>(work: () => T): T => computingAnew.run(true, work)

/**
 * Predictions of a run for all windows, from the cache or kept there; undefined if they may not be kept.
 *
 * Shapes: [ids, dim].
 */
export async function keptPredictions(model: Model, rows: Rows): Promise<Float32Array | undefined> {
  if (!mayBeKept(model, rows)) return undefined
  const folder = join(cacheRoot(), 'predictions')
  const key = await keyOf(model, rows)
  const known = await stage('read kept predictions', () => readEntry(folder, key))
  if (known !== undefined) return new Float32Array(known.bytes.buffer)
  using raw = await predictedTogether(model, rows, 0, rows.ids.length)
  using made = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  const values = (await made.data()) as Float32Array
  await stage('keep the predictions', () => writeEntry(folder, key, { about: {}, bytes: joinBytes([values]) }, MOST))
  return values
}

/** Returns a function that reads the predictions of a run for some of the rows; its first call makes or reads those of all rows. */
export function keptReader(model: Model, rows: Rows): (ids: Int32Array) => Promise<Tensor> {
  const { dim } = rows.windows
  const places = new Map(Array.from(rows.ids, (id, i) => [id, i]))
  let whole: Promise<Float32Array | undefined> | undefined
  return async (ids) => {
    whole ??= keptPredictions(model, rows)
    const all = await whole
    if (all === undefined || ids.some((id) => !places.has(id))) return predicted(model, rows, ids)
    const wanted = new Float32Array(ids.length * dim)
    for (const [i, id] of ids.entries()) {
      const at = places.get(id)! * dim
      wanted.set(all.subarray(at, at + dim), i * dim)
    }
    return Tensor.from(wanted, [ids.length, dim])
  }
}
