import type { BaselineName } from '../../baselines/baselines-fit.js'
import { meanTarget } from '../../baselines/baselines-rows.js'
import { shortestOf } from '../../data/windows.js'
import { LvmError } from '../../errors.js'
import { stage } from '../../stages.js'
import { meanByArticle, pairedDifference } from '../../statistics/estimates.js'
import { ablations } from './ablations.js'
import { gapOf, nearDuplicateShare, otherOf, recordedOf } from './elsewhere.js'
import { cosinesOf, type DiagnoseOptions, figureOf, MOST, mean, predictor, type Subject, sampleRows } from './examined-subject.js'
import { type CurvePoint, type Facts, pastOf } from './facts.js'
import { aligned, drawPool, offsetsOf, type Predict, type Probe, probe, targetSpread } from './probe-model.js'

/** Probes the run, and as references ridge, copy-last and the context mean (which replaces ridge if that was not fitted). */
async function probeAll(subject: Subject, rows: DiagnoseOptions['rows'], o: DiagnoseOptions, seed: number) {
  using centre = await meanTarget(o.train ?? rows)
  const pool = await drawPool(rows, seed)
  using vectors = pool.vectors
  const look = (predict: Predict) => probe(rows, predict, { pool: { ...pool, vectors }, centre })
  const byName = (name: BaselineName) => o.baselines.find((b) => b.name === name)
  const reference = byName('ridge') ?? byName('context_mean')!
  const own = await look(predictor(subject, rows))
  const rival = await look((ids) => reference.predict(rows, ids))
  const copy = await look((ids) => byName('copy_last')!.predict(rows, ids))
  const bag = reference.name === 'context_mean' ? rival : await look((ids) => byName('context_mean')!.predict(rows, ids))
  return { reference, own, rival, copy, bag }
}

/** Returns the name of the baseline with the highest mean cosine, and its cosine per window. */
async function bestOf(baselines: DiagnoseOptions['baselines'], rows: DiagnoseOptions['rows']) {
  const cosines = await Promise.all(
    baselines.map(async (b) => [b.name, await cosinesOf(rows, (ids) => b.predict(rows, ids))] as const),
  )
  return cosines.reduce((best, next) => (mean(next[1]) > mean(best[1]) ? next : best))
}

/** Computes all facts of a run on one set of windows. */
export async function factsOf(subject: Subject, o: DiagnoseOptions): Promise<Facts> {
  const { seed = 0, trainedOn = null } = o
  const { read } = subject
  const seen = (trainedOn ?? 0) > 0
  const train = seen ? undefined : o.train // training windows say nothing about generalisation
  if (o.rows.ids.length < 2)
    throw new LvmError('DATA_TOO_FEW', `doctor: expected at least two windows but there are ${o.rows.ids.length}`)
  const rows = sampleRows(o.rows, MOST.judged, seed)
  const articles = rows.ids.map((id) => rows.windows.article[id]!)
  const estimate = (values: Float64Array) => meanByArticle(values, articles, { seed })
  const less = (a: Float64Array, b: Float64Array) => pairedDifference(a, b, articles, { seed })

  const { reference, ...probes } = await stage('probe', () => probeAll(subject, rows, o, seed))
  const { own, rival } = probes
  const cosine = own.at.get(0)!
  const floor = mean(own.floor)
  const [against, rivals] = await stage('baselines', () => bestOf(o.baselines, rows))
  const estimated = await estimate(cosine)
  const norm = mean(own.norm)

  return {
    dim: rows.windows.dim,
    output: subject.output,
    leaky: o.leaky,
    trained_on: trainedOn,
    articles: estimated.articles,
    cosine: figureOf(estimated),
    skill: seen ? null : { ...figureOf(await less(cosine, rivals)), against },
    floor,
    gain: await less(cosine, own.floor),
    reference: referenceFacts(reference.name, rival),
    identification: figureOf(await estimate(own.identification)),
    identification_difference: await less(own.identification, rival.identification),
    ...(await stage('offsets', () => offsetFacts(rows, probes, reference.name, seed))),
    ablations:
      read === undefined ? [] : await stage('ablations', () => ablations(sampleRows(rows, MOST.ablated, seed), read, { seed })),
    dispersion: { predictions: own.spread, targets: await stage('spread', () => targetSpread(rows)) },
    to_mean: mean(own.centre),
    norm: { mean: norm, sd: Math.sqrt(mean(own.norm.map((x) => (x - norm) ** 2))) },
    generalisation:
      train === undefined || read === undefined
        ? null
        : await stage('training rows', () => gapOf(subject, train, reference, { judged: estimated, floor, rival }, seed)),
    twins: train === undefined ? null : await stage('near-duplicates', () => nearDuplicateShare(rows, train, seed)),
    past: pastOf(subject.history),
    recorded: recordedOf(subject, o, estimated, rows.ids.length < o.rows.ids.length),
    other: o.other === undefined ? null : await otherOf(subject, o.other, reference, await less(cosine, rival.at.get(0)!), seed),
    rollout_to_mean: o.rolloutToMean ?? null,
    settings: subject.settings ?? null,
  }
}

const referenceFacts = (name: BaselineName, rival: Probe) => ({
  name,
  cosine: mean(rival.at.get(0)!),
  gain: mean(rival.at.get(0)!) - mean(rival.floor),
  identification: mean(rival.identification),
  spread: rival.spread,
})

/** Computes the facts that follow from the cosines at each offset. */
async function offsetFacts(
  rows: DiagnoseOptions['rows'],
  of: Record<'own' | 'rival' | 'copy' | 'bag', Probe>,
  name: BaselineName,
  seed: number,
) {
  const places = aligned(rows)
  const keep = places.length > 1 ? places : Int32Array.from(rows.ids.keys())
  const offsets = places.length > 1 ? offsetsOf(rows) : offsetsOf(rows).filter((k) => k >= -shortestOf(rows.windows) && k <= 0)
  const articles = keep.map((i) => rows.windows.article[rows.ids[i]!]!)
  const at = (p: Probe, offset: number) => Float64Array.from(keep, (i) => p.at.get(offset)![i]!)
  const less = (a: Float64Array, b: Float64Array) => pairedDifference(a, b, articles, { seed })
  const curve = async (p: Probe): Promise<CurvePoint[]> => {
    const points: CurvePoint[] = []
    for (const offset of offsets) points.push({ offset, ...figureOf(await meanByArticle(at(p, offset), articles, { seed })) })
    return points
  }
  const margins = (p: Probe) => {
    const last = at(p, -1)
    return at(p, 0).map((c, i) => c - last[i]!)
  }
  const margin = { own: margins(of.own), rival: margins(of.rival), bag: margins(of.bag) }
  // Neither of the two copies. The one nearer to the last vector shows the nearness that shrinkage alone can cause.
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
