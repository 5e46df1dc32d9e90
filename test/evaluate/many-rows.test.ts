import { describe, expect, it } from 'vitest'
import type { Rows } from '../../lib/baselines/baselines-rows.js'
import { innerSplit } from '../../lib/baselines/ridge.js'
import { trainedShare } from '../../lib/evaluate/trained-on.js'
import { bestByArticle } from '../../lib/statistics/best-interval.js'
import { describe as described, meanByArticle } from '../../lib/statistics/estimates.js'
import { extremes } from '../../lib/statistics/extremes.js'
import { signFlipP } from '../../lib/statistics/paired-tests.js'
import { byNumber, correlation } from '../../lib/study/analysis/bins.js'
import { rowsUsed } from '../../lib/study/diagnose/examined-subject.js'
import { pastOf } from '../../lib/study/diagnose/facts.js'
import { history } from '../study/diagnose/planted-predictors.js'

const N = 1_000_000
const CONTEXT = 5
const articles = Int32Array.from({ length: N }, (_, i) => Math.floor(i / 500))
const values = Float64Array.from({ length: N }, (_, i) => Math.sin(i * 0.37))
const windows = {
  context: CONTEXT,
  dim: 1,
  first: Int32Array.from({ length: N }, (_, i) => i),
  target: Int32Array.from({ length: N }, (_, i) => i + CONTEXT),
  article: articles,
}
const all = Int32Array.from({ length: N }, (_, i) => i)
const rows: Rows = {
  base: { vectors: { shape: [N + CONTEXT, 1] }, targets: undefined, hash: '', normalized: false, part: undefined } as never,
  windows,
  ids: all,
}
const few = { resamples: 50 }

describe('functions on a million rows', () => {
  it('extremes, bins and correlation of a million rows are computed', async () => {
    expect(extremes(values)).toEqual({ least: values.toSorted()[0], most: values.toSorted()[N - 1] })
    const constant = new Float64Array(N).fill(0.1)
    const [bin, other] = await byNumber(
      constant,
      values,
      articles.map((a) => a % 10),
      0,
    )
    expect([bin!.n, bin!.from, bin!.to, other]).toEqual([N, 0.1, 0.1, undefined])
    expect(correlation(constant, values)).toBe(0)
    expect(correlation(values, values)).toBeCloseTo(1, 12)
  })
  it('means, intervals and p values of a million rows are computed', async () => {
    expect((await meanByArticle(values, articles, few)).articles).toBe(2000)
    const { best } = await bestByArticle([values.map((v) => v - 1), values], articles, few)
    expect(best).toBe(1)
    expect(await signFlipP(values, articles, { flips: 50 })).toBeGreaterThan(0)
    expect(described(values).p10).toBeLessThan(-0.9)
  })
  it('training rows among a million rows are found, split and counted', () => {
    const used = rowsUsed(rows)
    expect([used.length, used.every((row, i) => row === i)]).toEqual([N + CONTEXT, true])
    expect(trainedShare(rows, { ...rows, ids: all.subarray(0, N / 4) })).toBe(0.25)
    const { inner, held } = innerSplit(rows)
    expect(inner.ids.length + held.ids.length).toBe(N)
  })
  it('a history of a million epochs is diagnosed', () => {
    const cosines = new Array<number>(200_000).fill(0.5)
    expect(pastOf(history(cosines, 1)).grad_norm_peak).toBe(1)
  })
})
