import type { History } from '../../checkpoint/run.js'
import { LvmError } from '../../errors.js'
import type { Baseline, BaselineName } from '../baselines-fit.js'
import { blocks, contexts, meanTarget, type Rows, targets } from '../baselines-rows.js'
import { nearest } from '../nearest.js'
import { difference, type Estimate, meanByArticle, pairedDifference } from '../statistics.js'
import { unitVectors } from '../unit-vectors.js'
import { ablations, type Read } from './ablations.js'
import { type CurvePoint, type Facts, type Figure, type Other, pastOf } from './facts.js'
import { aligned, drawPool, offsetsOf, type Predict, type Probe, probe, sampled, targetSpread } from './probe.js'

/** A run, or anything else that predicts, with what is known of its training. */
export interface Patient {
  readonly output: 'raw' | 'unit'
  /** Outputs for contexts, of any length. */
  readonly read: Read
  /** Raw outputs for windows; what `read` gives unless there is another way. */
  readonly predict?: (rows: Rows) => Predict
  readonly history?: History | undefined
}

export interface DiagnoseOptions {
  readonly rows: Rows & { readonly windows: { readonly crosses?: Uint8Array } }
  /** What the run and the baselines were fitted on; undefined for other data. */
  readonly train: Rows | undefined
  readonly baselines: readonly Baseline[]
  readonly leaky: boolean
  /** Whether the rows are those that the history speaks of. */
  readonly own: boolean
  readonly other?: { readonly path: string; readonly rows: Rows } | undefined
  readonly rolloutToMean?: number | null
  readonly seed?: number
}

/** Windows that are looked at, of the judged rows, of the training rows, with a spoilt context, and for twins. */
const MOST = { judged: 8192, train: 4096, spoilt: 1024, twins: 1024 } as const
/** Vectors that are nearer than this are the same text. */
const TWIN = 0.98

const figureOf = ({ mean, ci95 }: Pick<Estimate, 'mean' | 'ci95'>): Figure => ({ value: mean, ci95 })
const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length
const some = <R extends Rows>(rows: R, most: number, seed: number): R => ({ ...rows, ids: sampled(rows.ids, most, seed) })

/** Cosines with the targets, window by window. */
export async function cosinesOf(rows: Rows, predict: Predict): Promise<Float64Array> {
  const all = new Float64Array(rows.ids.length)
  let at = 0
  for (const ids of blocks(rows)) {
    using raw = await predict(ids)
    using y = await targets(rows, ids)
    using cosine = await raw.op('aten::cosine_similarity', y, 1, 1e-12)
    using wide = await cosine.to({ dtype: 'float64' })
    all.set((await wide.data()) as Float64Array, at)
    at += ids.length
  }
  return all
}

const predictor = ({ predict, read }: Patient, rows: Rows): Predict =>
  predict?.(rows) ??
  (async (ids) => {
    using x = await contexts(rows, ids)
    return await read(x)
  })

/** Rows of the base that some windows read or predict. */
export function rowsUsed({ base, windows, ids }: Rows): Int32Array {
  const used = new Set<number>()
  for (const id of ids) {
    for (let j = 0; j < windows.context; j++) used.add(windows.first[id]! + j)
    if (base.targets === undefined) used.add(windows.target[id]!)
  }
  return Int32Array.from(used).sort()
}

/** Share of the judged targets that the training rows hold too. */
async function twinsOf(rows: Rows, train: Rows, seed: number): Promise<number> {
  const { ids } = some(rows, MOST.twins, seed)
  using raw = await targets(rows, ids)
  const { unit, norm } = await unitVectors(raw)
  using queries = unit
  norm.dispose()
  const { cosine } = await nearest(queries, train.base.vectors, rowsUsed(train))
  return cosine.filter((c) => c > TWIN).length / cosine.length
}

/** Everything that is measured, on one set of windows. */
export async function factsOf(patient: Patient, o: DiagnoseOptions): Promise<Facts> {
  const { seed = 0, train } = o
  if (o.rows.ids.length < 2)
    throw new LvmError('DATA_TOO_FEW', `doctor: expected at least two windows but there are ${o.rows.ids.length}`)
  const rows = some(o.rows, MOST.judged, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const estimate = (values: Float64Array) => meanByArticle(values, articles, { seed })
  const less = (a: Float64Array, b: Float64Array) => pairedDifference(a, b, articles, { seed })

  using centre = await meanTarget(train ?? rows)
  const pool = await drawPool(rows, seed)
  using vectors = pool.vectors
  const look = (predict: Predict) => probe(rows, predict, { pool: { ...pool, vectors }, centre })
  const byName = (name: BaselineName) => o.baselines.find((b) => b.name === name)
  const reference = byName('ridge') ?? byName('context_mean')!
  const own = await look(predictor(patient, rows))
  const rival = await look((ids) => reference.predict(rows, ids))
  const copy = await look((ids) => byName('copy_last')!.predict(rows, ids))
  const bag = reference.name === 'context_mean' ? rival : await look((ids) => byName('context_mean')!.predict(rows, ids))

  const cosine = own.at.get(0)!
  const floor = mean(own.floor)
  const cosines = await Promise.all(
    o.baselines.map(async (b) => [b.name, await cosinesOf(rows, (ids) => b.predict(rows, ids))] as const),
  )
  const [against, rivals] = cosines.reduce((best, next) => (mean(next[1]) > mean(best[1]) ? next : best))
  const skill = await less(cosine, rivals)
  const gain = await less(cosine, own.floor)
  const estimated = await estimate(cosine)

  return {
    dim: rows.windows.dim,
    output: patient.output,
    leaky: o.leaky,
    articles: estimated.articles,
    cosine: figureOf(estimated),
    skill: { ...figureOf(skill), against },
    floor,
    gain,
    reference: {
      name: reference.name,
      cosine: mean(rival.at.get(0)!),
      gain: mean(rival.at.get(0)!) - mean(rival.floor),
      identification: mean(rival.identification),
      spread: rival.spread,
    },
    identification: figureOf(await estimate(own.identification)),
    identification_difference: await less(own.identification, rival.identification),
    ...(await offsetFacts(rows, { own, rival, copy, bag }, reference.name, seed)),
    ablations: await ablations(some(rows, MOST.spoilt, seed), patient.read, { seed }),
    dispersion: { predictions: own.spread, targets: await targetSpread(rows) },
    to_mean: mean(own.centre),
    norm: { mean: mean(own.norm), sd: Math.sqrt(mean(own.norm.map((x) => (x - mean(own.norm)) ** 2))) },
    generalisation:
      train === undefined ? null : await gapOf(patient, train, reference, { judged: estimated, floor, rival }, seed),
    twins: train === undefined ? null : await twinsOf(rows, train, seed),
    past: pastOf(patient.history),
    recorded: recordedOf(patient, o, estimated, rows.ids.length < o.rows.ids.length),
    other: o.other === undefined ? null : await otherOf(patient, o.other, reference, await less(cosine, rival.at.get(0)!), seed),
    rollout_to_mean: o.rolloutToMean ?? null,
  }
}

/** What follows from the cosines at each offset. */
async function offsetFacts(
  rows: DiagnoseOptions['rows'],
  of: Record<'own' | 'rival' | 'copy' | 'bag', Probe>,
  name: BaselineName,
  seed: number,
) {
  const places = aligned(rows)
  const keep = places.length > 1 ? places : Int32Array.from(rows.ids.keys())
  const offsets = places.length > 1 ? offsetsOf(rows) : offsetsOf(rows).filter((k) => k >= -rows.windows.context && k <= 0)
  const articles = keep.map((i) => rows.windows.article[rows.ids[i]!]!)
  const at = (p: Probe, offset: number) => Float64Array.from(keep, (i) => p.at.get(offset)![i]!)
  const less = (a: Float64Array, b: Float64Array) => pairedDifference(a, b, articles, { seed })
  const curve = async (p: Probe): Promise<CurvePoint[]> => {
    const points: CurvePoint[] = []
    for (const offset of offsets) points.push({ offset, ...figureOf(await meanByArticle(at(p, offset), articles, { seed })) })
    return points
  }
  const margins = (p: Probe) => at(p, 0).map((c, i) => c - at(p, -1)[i]!)
  const margin = { own: margins(of.own), rival: margins(of.rival), bag: margins(of.bag) }
  // Of two predictors that copy nothing, the one nearer to the last vector: no shrunk one need be further from it.
  const [against, shrunk] =
    mean(margin.bag) < mean(margin.rival) ? (['context_mean', margin.bag] as const) : ([name, margin.rival] as const)
  const [expected, copying] = [mean(shrunk), mean(margins(of.copy))]
  const ahead = (p: Probe) => mean(at(p, 1)) - mean(at(p, 0))
  const first = offsets[0]!
  return {
    curves: {
      windows: keep.length,
      articles: new Set(articles).size,
      run: await curve(of.own),
      reference: await curve(of.rival),
      copy_last: await curve(of.copy),
    },
    margin: {
      ...figureOf(await meanByArticle(margin.own, articles, { seed })),
      against,
      expected,
      copy_last: copying,
      difference: await less(margin.own, shrunk),
      copying: (expected - mean(margin.own)) / Math.max(1e-6, expected - copying),
    },
    ahead: offsets.includes(1) ? await less(at(of.own, 1), at(of.own, 0)) : null,
    ahead_reference: offsets.includes(1) ? Math.max(...[of.rival, of.copy, of.bag].map(ahead)) : null,
    behind: first < -1 ? await less(at(of.own, first), at(of.own, -1)) : null,
    behind_reference: first < -1 ? mean(at(of.rival, first)) - mean(at(of.rival, -1)) : null,
  }
}

/** Run and reference on training rows against the judged ones, from the same function. */
async function gapOf(
  patient: Patient,
  train: Rows,
  reference: Baseline,
  o: { judged: Estimate; floor: number; rival: Probe },
  seed: number,
): Promise<Facts['generalisation']> {
  const rows = some(train, MOST.train, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const trained = await meanByArticle(await cosinesOf(rows, predictor(patient, rows)), articles, { seed })
  const rival = mean(await cosinesOf(rows, (ids) => reference.predict(rows, ids)))
  const share = (at: number, judged: number, floor: number) => (at - judged) / Math.max(1e-6, at - floor)
  return {
    train: trained.mean,
    judged: o.judged.mean,
    gap: figureOf(difference(trained, o.judged)),
    share: share(trained.mean, o.judged.mean, o.floor),
    reference_share: share(rival, mean(o.rival.at.get(0)!), mean(o.rival.floor)),
    windows: rows.ids.length,
  }
}

/** The run against the reference on other data, beside the judged rows. */
async function otherOf(
  patient: Patient,
  other: NonNullable<DiagnoseOptions['other']>,
  reference: Baseline,
  here: Estimate,
  seed: number,
): Promise<Other> {
  const rows = some(other.rows, MOST.train, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const own = await cosinesOf(rows, predictor(patient, rows))
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

/** What the history says of these rows against what is measured; of a sample, within four standard errors. */
function recordedOf(
  { history }: Patient,
  { own }: DiagnoseOptions,
  { mean, se }: Estimate,
  isSample: boolean,
): Facts['recorded'] {
  const best = history?.history.find(({ epoch }) => epoch === history.best_epoch)
  if (!own || best === undefined) return null
  const allowed = 1e-3 + (isSample ? 4 * (se ?? 0) : 0)
  return { cosine: best.val_cosine, measured: mean, equal: Math.abs(best.val_cosine - mean) <= allowed }
}
