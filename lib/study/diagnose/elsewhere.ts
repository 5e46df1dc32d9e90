import { NEAR } from '../../audit/near-duplicates.js'
import type { Baseline } from '../../baselines/baselines-fit.js'
import { type Rows, targets } from '../../baselines/baselines-rows.js'
import { difference, type Estimate, meanByArticle, pairedDifference } from '../../statistics/estimates.js'
import { unitVectors } from '../../torch/unit-vectors.js'
import { nearest } from '../nearest-rows.js'
import {
  cosinesOf,
  type DiagnoseOptions,
  figureOf,
  MOST,
  mean,
  predictor,
  rowsUsed,
  type Subject,
  sampleRows,
} from './examined-subject.js'
import type { Facts, Other } from './facts.js'
import type { Probe } from './probe-model.js'

/** Share of the evaluated targets that have a near-duplicate among the training rows. */
export async function nearDuplicateShare(rows: Rows, train: Rows, seed: number): Promise<number> {
  const { ids } = sampleRows(rows, MOST.duplicates, seed)
  using raw = await targets(rows, ids)
  const { unit, norm } = await unitVectors(raw)
  using queries = unit
  norm.dispose()
  const { cosine } = await nearest(queries, train.base.vectors, rowsUsed(train))
  return cosine.filter((c) => c > NEAR).length / cosine.length
}

/** Least gain over the floor whose parts mean anything. Units: cosine. */
const LEAST_GAIN = 0.01

/** Measures the gap between training rows and evaluated rows, for run and reference. */
export async function gapOf(
  subject: Subject,
  train: Rows,
  reference: Baseline,
  o: { judged: Estimate; floor: number; rival: Probe },
  seed: number,
): Promise<Facts['generalisation']> {
  const rows = sampleRows(train, MOST.train, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const trained = await meanByArticle(await cosinesOf(rows, predictor(subject, rows)), articles, { seed })
  const rival = mean(await cosinesOf(rows, (ids) => reference.predict(rows, ids)))
  const share = (at: number, judged: number, floor: number) => (at - floor < LEAST_GAIN ? null : (at - judged) / (at - floor))
  return {
    train: trained.mean,
    judged: o.judged.mean,
    gap: figureOf(difference(trained, o.judged)),
    share: share(trained.mean, o.judged.mean, o.floor),
    reference_share: share(rival, mean(o.rival.at.get(0)!), mean(o.rival.floor)),
    windows: rows.ids.length,
  }
}

/** Compares the run with the reference on other data and on the evaluated rows. */
export async function otherOf(
  subject: Subject,
  other: NonNullable<DiagnoseOptions['other']>,
  reference: Baseline,
  here: Estimate,
  seed: number,
): Promise<Other> {
  const rows = sampleRows(other.rows, MOST.train, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const own = await cosinesOf(rows, predictor(subject, rows))
  const rival = await cosinesOf(rows, (ids) => reference.predict(rows, ids))
  const there = await pairedDifference(own, rival, articles, { seed })
  const cosine = await meanByArticle(own, articles, { seed })
  return {
    path: other.path,
    n: cosine.n,
    articles: cosine.articles,
    cosine: figureOf(cosine),
    reference: mean(rival),
    advantage: figureOf(there),
    advantage_judged: figureOf(here),
    loss: figureOf(difference(here, there)),
  }
}

/** Compares the history's cosine of these rows with the measured one; for a sample within four standard errors. */
export function recordedOf(
  { history }: Subject,
  { own }: DiagnoseOptions,
  { mean, se }: Estimate,
  isSample: boolean,
): Facts['recorded'] {
  const best = history?.history.find(({ epoch }) => epoch === history.best_epoch)
  if (!own || best === undefined) return null
  const allowed = 1e-3 + (isSample ? 4 * (se ?? 0) : 0)
  return { cosine: best.val_cosine, measured: mean, equal: Math.abs(best.val_cosine - mean) <= allowed }
}
