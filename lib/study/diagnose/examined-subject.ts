import type { Baseline } from '../../baselines/baselines-fit.js'
import { blocks, contexts, type Rows, targets } from '../../baselines/baselines-rows.js'
import type { History } from '../../checkpoint/run-manifest.js'
import { lastOf } from '../../data/windows.js'
import type { Estimate } from '../../statistics/estimates.js'
import { sampled } from '../../statistics/random.js'
import type { Read } from './ablations.js'
import type { Facts, Figure } from './facts.js'
import type { Predict } from './probe-model.js'

/** A run or another predictor, with facts about its training. */
export interface Subject {
  readonly output: 'raw' | 'unit'
  /** Predicts from contexts; outputs need not have length 1. Undefined for a file, which has predictions of the judged windows only. */
  readonly read: Read | undefined
  /** Predicts raw outputs for windows; the default is `read`. */
  readonly predict?: (rows: Rows) => Predict
  readonly history?: History | undefined
  readonly settings?: Facts['settings']
}

export interface DiagnoseOptions {
  readonly rows: Rows & { readonly windows: { readonly crosses?: Uint8Array } }
  /** Windows that the run and the baselines were fitted on; undefined for other data. */
  readonly train: Rows | undefined
  readonly baselines: readonly Baseline[]
  readonly leaky: boolean
  /** Share of the rows that were used for training. */
  readonly trainedOn?: number | null
  /** Whether the history's validation figures are of these rows. */
  readonly own: boolean
  readonly other?: { readonly path: string; readonly rows: Rows } | undefined
  readonly rolloutToMean?: number | null
  readonly seed?: number
}

/** Maximum sample sizes, in windows: evaluated, training, ablated contexts, search for near-duplicates. */
export const MOST = { judged: 8192, train: 4096, ablated: 1024, duplicates: 1024 } as const
export const figureOf = ({ mean, ci95 }: Pick<Estimate, 'mean' | 'ci95'>): Figure => ({ value: mean, ci95 })
export const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length
export const sampleRows = <R extends Rows>(rows: R, most: number, seed: number): R => ({
  ...rows,
  ids: sampled(rows.ids, most, seed),
})

/** Returns one cosine per window, of prediction and target. */
export async function cosinesOf(rows: Rows, predict: Predict): Promise<Float64Array> {
  const all = new Float64Array(rows.ids.length)
  let at = 0
  for (const ids of blocks(rows)) {
    using raw = await predict(ids)
    using y = await targets(rows, ids)
    using cosine = await raw.op('aten::cosine_similarity', y, 1, 1e-12)
    using wide = await cosine.to({ dtype: 'float64' }).ready()
    all.set((await wide.data()) as Float64Array, at)
    at += ids.length
  }
  return all
}

export const predictor = ({ predict, read }: Subject, rows: Rows): Predict =>
  predict?.(rows) ??
  (async (ids) => {
    using x = await contexts(rows, ids)
    return await read!(x)
  })

/** Returns the rows of the base that the windows read or predict. */
export function rowsUsed({ base, windows, ids }: Rows): Int32Array {
  const used = new Uint8Array(base.vectors.shape[0]!)
  for (const id of ids) {
    used.fill(1, windows.first[id]!, lastOf(windows, id) + 1)
    if (base.targets === undefined) used[windows.target[id]!] = 1
  }
  return Int32Array.from(used.keys()).filter((row) => used[row] === 1)
}
