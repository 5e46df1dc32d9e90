import { describe, expect, it } from 'vitest'
import type { BaselineResults } from '../../lib/baselines/baselines.js'
import type { BaselineName } from '../../lib/baselines/baselines-fit.js'
import { bestBaseline, metrics } from '../../lib/evaluate/metrics.js'
import type { Scores } from '../../lib/native.js'
import { gaussian } from '../statistics/clustered.js'
import { direction, referenceScores } from './reference.js'

const DIM = 24
const ARTICLES = Int32Array.from({ length: 300 }, (_, i) => Math.floor(i / 10))
const gauss = gaussian(1)

/** Texts whose vectors follow a random walk, so that the last vector predicts the next. */
const topics = Array.from({ length: 30 }, () => direction(DIM, gauss))
const near = (v: Float64Array) => direction(DIM, () => 0).map((_, i) => v[i]! + 0.15 * gauss())
const targets = Array.from(ARTICLES, (a) => near(topics[a]!)).map((v) => v.map((x) => x / Math.hypot(...v)))
const last = Array.from(ARTICLES, (a) => near(topics[a]!))
const constant = Array.from(ARTICLES, () => direction(DIM, gaussian(9)))

const baselines = (all: Partial<Record<BaselineName, Scores>>, centre: Float64Array | null = null): BaselineResults => {
  const mean = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length
  const entries = Object.entries(all) as [BaselineName, Scores][]
  return {
    figures: Object.fromEntries(
      entries.map(([name, s]) => [
        name,
        { cosine: mean(s.cosine), cosine_centred: null, mse_raw: mean(s.mseRaw), mse_unit: mean(s.mseUnit), params: {} },
      ]),
    ),
    cosines: Object.fromEntries(entries.map(([name, s]) => [name, s.cosine])),
    centre,
  }
}
const copyLast = baselines({ copy_last: referenceScores(last, targets), mean_vector: referenceScores(constant, targets) })
const judge = (scores: Scores, output: 'raw' | 'unit' = 'raw') =>
  metrics({ scores, articles: ARTICLES, output, baselines: copyLast })

describe('metrics', () => {
  it('an oracle has a cosine of 1 and skill above zero', async () => {
    const oracle = await judge(referenceScores(targets, targets))
    expect(oracle.cosine.mean).toBeCloseTo(1, 12)
    expect(oracle).toMatchObject({ n: 300, articles: 30, skill: { against: 'copy_last' }, ci95_note: null })
    expect(oracle.mse_raw).toBeCloseTo(0, 20)
    expect(oracle.skill.ci95![0]).toBeGreaterThan(0)
  })
  it('copy-last has a skill of exactly zero against copy-last', async () => {
    const { skill } = await judge(referenceScores(last, targets))
    expect(skill).toEqual({ value: 0, ci95: [0, 0], against: 'copy_last' })
  })
  it('a random and a collapsed predictor have negative skill', async () => {
    const random = await judge(
      referenceScores(
        targets.map(() => direction(DIM, gauss)),
        targets,
      ),
    )
    expect(Math.abs(random.cosine.mean)).toBeLessThan(0.05)
    const collapsed = await judge(referenceScores(constant, targets))
    for (const { skill } of [random, collapsed]) expect(skill.ci95![1]).toBeLessThan(0)
  })
  it('cosine and MSE satisfy their identities for unit targets', async () => {
    const scores = referenceScores(last, targets)
    scores.cosine.forEach((cosine, i) => {
      expect(scores.mseUnit[i]).toBeCloseTo((2 * (1 - cosine)) / DIM, 12)
      // For a given direction, the length that minimises the MSE is the cosine.
      const scaled = last[i]!.map((x) => (x * cosine) / scores.norm[i]!)
      expect(referenceScores([scaled], [targets[i]!]).mseRaw[0]).toBeCloseTo((1 - cosine ** 2) / DIM, 12)
    })
    const { mse_unit, cosine } = await judge(scores)
    expect(mse_unit).toBeCloseTo((2 * (1 - cosine.mean)) / DIM, 12)
  })
  it('metrics do not depend on the order of the rows', async () => {
    const order = Array.from(ARTICLES.keys()).sort((a, b) => Math.sin(a) - Math.sin(b))
    const pick = (v: Float64Array) => Float64Array.from(order, (i) => v[i]!)
    const scores = referenceScores(constant, targets)
    const turned = await metrics({
      scores: Object.fromEntries(Object.entries(scores).map(([key, v]) => [key, pick(v)])) as unknown as Scores,
      articles: Int32Array.from(order, (i) => ARTICLES[i]!),
      output: 'raw',
      baselines: { ...copyLast, cosines: { copy_last: pick(copyLast.cosines.copy_last!) } },
    })
    const one = await judge(scores)
    expect(turned.cosine.mean).toBeCloseTo(one.cosine.mean, 12)
    expect(turned.cosine.p10).toBe(one.cosine.p10)
    expect(turned.skill.ci95![0]).toBeCloseTo(one.skill.ci95![0], 12)
  })
  it('metrics are null where their inputs are missing', async () => {
    const unit = await judge(referenceScores(last, targets), 'unit')
    expect(unit).toMatchObject({ mse_raw: null, cosine_centred: null })
    const few = await metrics({
      scores: referenceScores(last.slice(0, 50), targets.slice(0, 50)),
      articles: ARTICLES.subarray(0, 50),
      output: 'raw',
      baselines: baselines({ copy_last: referenceScores(last.slice(0, 50), targets.slice(0, 50)) }),
    })
    expect(few).toMatchObject({ cosine: { ci95: null }, skill: { ci95: null }, ci95_note: expect.stringContaining('5 articles') })
  })
  it('bestBaseline returns the better baseline, and the first on ties', () => {
    expect(bestBaseline(copyLast)).toBe('copy_last')
    const same = referenceScores(last, targets)
    expect(bestBaseline(baselines({ ridge: same, context_mean: same }))).toBe('context_mean')
    expect(() => bestBaseline(baselines({}))).toThrow(expect.objectContaining({ code: 'DATA_TOO_FEW' }))
  })
  it('metrics refuses NaN scores and an empty set of windows', async () => {
    const scores = referenceScores(last, targets)
    scores.mseRaw[7] = Number.NaN
    await expect(judge(scores)).rejects.toMatchObject({ code: 'DIVERGED', message: expect.stringContaining('window 7') })
    const none = { scores: referenceScores([], []), articles: new Int32Array(), output: 'raw' as const, baselines: copyLast }
    await expect(metrics(none)).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    await expect(metrics({ ...none, articles: Int32Array.of(1) })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})
