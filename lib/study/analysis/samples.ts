import { contexts, type Rows, targets, samplesOf as windowSamples } from '../../baselines/baselines-rows.js'
import type { Base } from '../../data/base.js'
import { native } from '../../native.js'
import { stage } from '../../stages.js'
import { call, Tensor } from '../../torch/tensor.js'
import { unitVectors } from '../../torch/unit-vectors.js'
import { rowsUsed } from '../diagnose/examined-subject.js'
import { nearest } from '../nearest-rows.js'

/** Predictions, targets and figures of windows, in the order of the ids. */
export interface Samples {
  /** Unit vectors. Shapes: [n, dim]. */
  readonly predictions: Tensor
  readonly targets: Tensor
  readonly cosine: Float64Array
  readonly mse: Float64Array
  /** Rows of the target's article; for sequences, their number. */
  readonly length: Float64Array
  /** Position of the target in its article, from 0. */
  readonly position: Float64Array
  /** Cosine of the target with its nearest training vector; `contextSimilarity` is that of the last context vector. Null without training rows. */
  readonly similarity: Float64Array | null
  readonly contextSimilarity: Float64Array | null
}

/** Windows of an opened base. */
export interface Opened extends Rows {
  readonly base: Base
}

async function unitOf(raw: Tensor): Promise<Tensor> {
  const { unit, norm } = await unitVectors(raw)
  norm.dispose()
  return unit
}

const articleOf = ({ base, windows }: Opened, id: number) => base.articles?.of[windows.target[id]!] ?? windows.article[id]!

/** Returns the article length and the position in the article of each window. */
function places(rows: Opened): Pick<Samples, 'length' | 'position'> {
  const { base, windows, ids } = rows
  const of = base.articles?.of ?? new Int32Array(base.rows)
  const counts = new Map<number, number>()
  const before = Int32Array.from(of, (article) => {
    const seen = counts.get(article) ?? 0
    counts.set(article, seen + 1)
    return seen
  })
  const position = (id: number) => base.positions?.[windows.target[id]!] ?? before[windows.target[id]!]!
  return {
    length: Float64Array.from(ids, (id) => counts.get(articleOf(rows, id))!),
    position: Float64Array.from(ids, position),
  }
}

/** Predicts and scores windows for the error analysis. The caller frees the two tensors. */
export async function samplesOf(
  rows: Opened,
  predict: (ids: Int32Array) => Promise<Tensor>,
  o: { output: 'raw' | 'unit'; train: Rows | undefined },
): Promise<Samples> {
  const { ids } = rows
  using raw = await predict(ids)
  const handle = windowSamples(rows)
  const scores = await native.score(raw.native, handle, ids, null)
  native.dispose(handle)
  const predictions = await unitOf(raw)
  using y = await targets(rows, ids)
  const truth = await unitOf(y)
  const known = o.train && rowsUsed(o.train)
  const similar = async (queries: Tensor) =>
    (await stage('nearest training rows', () => nearest(queries, o.train!.base.vectors, known!))).cosine
  using late = await contexts(rows, ids, 1)
  using last = await late.op('aten::squeeze.dim', 1)
  using lastUnit = await unitOf(last)
  return {
    predictions,
    targets: truth,
    cosine: scores.cosine,
    mse: o.output === 'raw' ? scores.mseRaw : scores.mseUnit,
    ...places(rows),
    similarity: known ? await similar(truth) : null,
    contextSimilarity: known ? await similar(lastUnit) : null,
  }
}

/** Joins rows of targets and predictions in one tensor, targets first. Shapes: [2 · places, dim]. */
export async function jointly({ predictions, targets }: Samples, places: Int32Array): Promise<Tensor> {
  using index = Tensor.from(BigInt64Array.from(places, BigInt))
  using truth = await targets.op('aten::index_select', 0, index)
  using said = await predictions.op('aten::index_select', 0, index)
  return (await call('aten::cat', [[truth, said]])) as Tensor
}
