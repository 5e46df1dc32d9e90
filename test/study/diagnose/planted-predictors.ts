import { type Baseline, fitBaselines } from '../../../lib/baselines/baselines-fit.js'
import { contexts, type Rows, targets } from '../../../lib/baselines/baselines-rows.js'
import { fitRidge } from '../../../lib/baselines/ridge.js'
import type { History } from '../../../lib/checkpoint/run-manifest.js'
import type { Read } from '../../../lib/study/diagnose/ablations.js'
import { factsOf } from '../../../lib/study/diagnose/diagnose.js'
import { findingsOf, verdictOf } from '../../../lib/study/diagnose/diagnosis-findings.js'
import type { DiagnoseOptions, Subject } from '../../../lib/study/diagnose/examined-subject.js'
import type { Facts } from '../../../lib/study/diagnose/facts.js'
import type { Finding } from '../../../lib/study/diagnose/pattern.js'
import { nearest } from '../../../lib/study/nearest-rows.js'
import { call, Tensor } from '../../../lib/torch/tensor.js'
import { rowsOf, synthetic } from '../../evaluate/synthetic.js'
import { gaussian } from '../../statistics/clustered.js'

/** Training articles and evaluated articles, with the data that planted predictors need. */
export interface Corpora {
  readonly train: Rows
  readonly judged: Rows
  readonly baselines: readonly Baseline[]
  readonly dim: number
  readonly context: number
  /** Ridge regression on unchanged contexts. */
  readonly ridge: Read
}

export async function corpora(
  o: { dim?: number; context?: number; articles?: number; length?: number; seed?: number; judged?: number } = {},
): Promise<Corpora> {
  const { dim = 16, context = 5, articles = 60, length = 20, seed = 3, judged = 0.5 } = o
  const data = synthetic({ dim, context, lengths: Array.from({ length: articles }, (_, i) => length + (i % 7)), seed })
  const isJudged = (a: number) => a >= articles * (1 - judged)
  const train = rowsOf(data, (a) => !isJudged(a))
  const fit = await fitRidge(train)
  const ridge: Read = async (x) => {
    using late = await x.op('aten::narrow', 1, context - fit.positions, fit.positions)
    using flat = await late.op('aten::flatten.using_ints', 1, -1)
    return (await call('aten::addmm', [fit.bias, flat, fit.weight])) as Tensor
  }
  return { train, judged: rowsOf(data, isJudged), baselines: await fitBaselines(train), dim, context, ridge }
}

/** Examines one predictor. */
export async function examined(
  w: Corpora,
  read: Read,
  o: Partial<DiagnoseOptions> & { history?: History; output?: Subject['output']; settings?: Subject['settings'] } = {},
) {
  const { history, output = 'raw', settings, ...rest } = o
  const facts: Facts = await factsOf(
    { output, read, history, ...(settings !== undefined && { settings }) },
    { rows: w.judged, train: w.train, baselines: w.baselines, leaky: false, own: false, ...rest },
  )
  const findings: Finding[] = findingsOf(facts)
  return { facts, findings, codes: findings.map(({ code }) => code), verdict: verdictOf(findings, facts) }
}

/** Predictor that knows the row at an offset from the target: it looks up the context among all windows of the base. */
export async function knower(w: Corpora, offset: number, noise = 0): Promise<Read> {
  const { windows, base } = w.judged
  const all: Rows = { ...w.judged, ids: Int32Array.from(windows.target.keys()) }
  using x = await contexts(all, all.ids)
  const table = await x.op('aten::flatten.using_ints', 1, -1)
  using vectors = await base.vectors.to({ dtype: 'float32' })
  const flat = (await vectors.data()) as Float32Array
  const gauss = gaussian(5)
  const rows = flat.length / w.dim
  return async (x) => {
    using queries = await x.op('aten::flatten.using_ints', 1, -1)
    const { row } = await nearest(queries, table, all.ids)
    const out = new Float32Array(row.length * w.dim)
    row.forEach((id, i) => {
      const at = Math.min(rows - 1, Math.max(0, windows.target[id]! + offset))
      for (let d = 0; d < w.dim; d++) out[i * w.dim + d] = flat[at * w.dim + d]! + (noise * gauss()) / Math.sqrt(w.dim)
    })
    return Tensor.from(out, [row.length, w.dim])
  }
}

/** Predictor that returns the target of the most similar training context. */
export async function memoriser(w: Corpora): Promise<Read> {
  using x = await contexts(w.train, w.train.ids)
  const table = await x.op('aten::flatten.using_ints', 1, -1)
  const answers = await targets(w.train, w.train.ids)
  const rows = Int32Array.from(w.train.ids.keys())
  return async (x) => {
    using queries = await x.op('aten::flatten.using_ints', 1, -1)
    const { row } = await nearest(queries, table, rows)
    using index = Tensor.from(BigInt64Array.from(row, BigInt))
    return await answers.op('aten::index_select', 0, index)
  }
}

export const scaled =
  (read: Read, by: number): Read =>
  async (x) => {
    using y = await read(x)
    return await y.op('aten::mul.Scalar', by)
  }
export const turned =
  (read: Read): Read =>
  async (x) => {
    using back = await x.op('aten::flip', [1])
    return await read(back)
  }
export const copyLast: Read = async (x) => x.op('aten::select', 1, x.shape[1]! - 1)
export const contextMean: Read = async (x) => (await call('aten::mean.dim', [x, [1]])) as Tensor

/** Predictor of one constant vector, with a small share of another predictor. */
export const constant =
  (vector: readonly number[], and?: Read, share = 0): Read =>
  async (x) => {
    using row = Tensor.from(Float32Array.from(vector), [1, vector.length])
    using spread = await row.op('aten::expand', [x.shape[0]!, vector.length])
    if (and === undefined) return await spread.op('aten::contiguous')
    using other = await and(x)
    using small = await other.op('aten::mul.Scalar', share)
    return await spread.op('aten::add.Tensor', small)
  }

/** Random linear map of the last vector. */
export function untrained(w: Corpora, seed = 9): Read {
  const gauss = gaussian(seed)
  const weight = Tensor.from(Float32Array.from({ length: w.dim * w.dim }, gauss), [w.dim, w.dim])
  return async (x) => {
    using last = await copyLast(x)
    return await last.op('aten::matmul', weight)
  }
}

/** Builds a history with the given validation cosines, from epoch 0 on. */
export function history(
  cosines: readonly number[],
  best: number,
  o: { gradNorms?: readonly number[]; running?: readonly number[]; judged?: readonly number[] } = {},
): History {
  return {
    version: 1,
    model: 'lstm',
    parameters: 1,
    best_epoch: best,
    history: cosines.map((val_cosine, epoch) => ({
      epoch,
      train_loss_running: epoch === 0 ? null : (o.running?.[epoch - 1] ?? 0.1),
      train_loss: o.judged?.[epoch] ?? 0.1,
      train_cosine: val_cosine,
      val_loss: 0.1,
      val_cosine,
      lr: 1e-3,
      grad_norm: epoch === 0 ? null : (o.gradNorms?.[epoch - 1] ?? 1),
      output_norm_mean: 1,
      output_norm_sd: 0,
      seconds: 1,
      samples_per_second: null,
      peak_memory_bytes: 1,
    })),
  }
}
