import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, describe as group, it } from 'vitest'
import { describe, meanByArticle, pairedDifference, quantile } from '../../lib/statistics/estimates.js'
import { randomIndex } from '../../lib/statistics/random-index.js'
import { clustered, coverage, gaussian } from './clustered.js'

group('describe', () => {
  it('describe agrees with numpy', () => {
    const { mean, sd, median, p10 } = describe(Float64Array.of(4, 1, 3, 2, 10))
    expect([mean, median]).toEqual([4, 3])
    expect(sd).toBeCloseTo(3.1622776601683795, 12) // numpy: std() of the same
    expect(p10).toBeCloseTo(1.4, 12) // numpy: quantile(.1)
    expect(quantile(Float64Array.of(1, 2, 3, 4), 0.5)).toBe(2.5)
  })
  it('describe refuses an empty list', () => {
    expect(() => describe(new Float64Array())).toThrow(expect.objectContaining({ code: 'DATA_TOO_FEW' }))
  })
})

group('meanByArticle', () => {
  const gauss = gaussian(7)
  const sample = clustered(
    Array.from({ length: 30 }, (_, i) => 3 + ((i * 7) % 40)),
    gauss,
  )

  it('meanByArticle gives the mean and standard error of a hand calculation', async () => {
    // Articles of 1, 2 and 3 windows with sums 1, 4, 3: mean 8/6; leave-one-out means 7/5, 4/4, 5/3.
    const { mean, se, articles, n } = await meanByArticle(Float64Array.of(1, 2, 2, 1, 1, 1), Int32Array.of(0, 1, 1, 2, 2, 2))
    const outs = [7 / 5, 1, 5 / 3]
    expect([mean, articles, n]).toEqual([8 / 6, 3, 6])
    expect(se).toBeCloseTo(Math.sqrt((2 / 3) * outs.reduce((q, m) => q + (m - 8 / 6) ** 2, 0)), 12)
  })
  it('meanByArticle is reproducible for a seed, close for another seed, and independent of the order of windows', async () => {
    const { values, articles } = sample
    const one = await meanByArticle(values, articles, { seed: 1 })
    expect(await meanByArticle(values, articles, { seed: 1 })).toEqual(one)
    const other = await meanByArticle(values, articles, { seed: 2 })
    expect(other.ci95).not.toEqual(one.ci95)
    expect(Math.abs(other.ci95![0] - one.ci95![0])).toBeLessThan(0.3 * one.se!)
    const order = Array.from(values.keys()).reverse()
    const reversed = await meanByArticle(
      Float64Array.from(order, (i) => values[i]!),
      Int32Array.from(order, (i) => articles[i]!),
      { seed: 1 },
    )
    expect(reversed.mean).toBeCloseTo(one.mean, 12)
    expect(reversed.ci95![1]).toBeCloseTo(one.ci95![1], 12)
  })
  it('meanByArticle gives no interval below 20 articles and states the reason', async () => {
    const few = await meanByArticle(
      new Float64Array(19).fill(0.5),
      Int32Array.from({ length: 19 }, (_, i) => i),
    )
    expect(few).toMatchObject({ mean: 0.5, se: 0, ci95: null, reason: expect.stringContaining('19 articles') })
    const one = await meanByArticle(Float64Array.of(1, 3), Int32Array.of(5, 5))
    expect(one).toMatchObject({ mean: 2, se: null, ci95: null, reason: expect.stringContaining('one article') })
  })
  it('the interval of a skewed distribution is wider on the side of the long tail', async () => {
    const { articles } = sample
    const tail = Float64Array.from(articles, (a) => Math.exp(((a * 37) % 30) / 8))
    const { mean, ci95 } = await meanByArticle(tail, articles)
    expect(ci95![1] - mean).toBeGreaterThan(1.1 * (mean - ci95![0]))
  })
  it('the interval of constant values is a single point', async () => {
    const articles = Int32Array.from({ length: 50 }, (_, i) => i >> 1)
    expect((await meanByArticle(new Float64Array(50).fill(0.25), articles)).ci95).toEqual([0.25, 0.25])
  })
  it('meanByArticle refuses NaN and an empty list', async () => {
    await expect(meanByArticle(Float64Array.of(1, Number.NaN), Int32Array.of(0, 1))).rejects.toMatchObject({ code: 'DIVERGED' })
    await expect(meanByArticle(new Float64Array(), new Int32Array())).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
  })
  it('pairedDifference of a predictor with itself is exactly zero', async () => {
    const { values, articles } = sample
    expect(await pairedDifference(values, values, articles)).toMatchObject({ mean: 0, ci95: [0, 0] })
    const shifted = await pairedDifference(
      values.map((v) => v + 0.25),
      values,
      articles,
    )
    expect(shifted.ci95![0]).toBeCloseTo(0.25, 9)
  })
  it('the 95 % interval has about 95 % coverage with real article lengths', async () => {
    const rate = await coverage({ articles: 28, samples: 300, resamples: 400, seed: 3 })
    expect(rate).toBeGreaterThan(0.9) // four standard errors of 300 samples; the long suite is stricter
    expect(rate).toBeLessThan(0.99)
  }, 20_000)
  it('meanByArticle does not block the event loop', async () => {
    const { values, articles } = clustered(new Array(300).fill(140), gauss)
    await meanByArticle(values, articles)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await meanByArticle(values, articles)
    delay.disable()
    expect(delay.percentile(50) / 1e6).toBeLessThan(200) // about 2 ms on a quiet machine
  })
})

group('nearly constant windows', () => {
  it.each([1, 2, 3, 4, 5, 6, 8])(
    'meanByArticle gives a narrow interval or none when %i of 28 articles hold the only different value',
    async (different) => {
      const sizes = Array.from({ length: 28 }, (_, i) => 37 + ((i * 7919) % 61))
      const articles = Int32Array.from(sizes.flatMap((n, i) => new Array<number>(n).fill(i)))
      const values = new Float64Array(articles.length).fill(1 / 3) // not exact in binary, so sums have round-off
      for (let i = 0; i < different; i++) values[articles.indexOf(3 * i)] = 0.7 + 0.01 * i
      const { mean, ci95, reason } = await meanByArticle(values, articles)
      expect(mean).toBeCloseTo(1 / 3, 2)
      expect(ci95 === null).toBe(reason !== null)
      for (const end of ci95 ?? []) expect(Math.abs(end - mean)).toBeLessThan(0.1)
    },
  )
})

group('randomIndex', () => {
  it('randomIndex is uniform over its range and differs by seed', () => {
    const draw = randomIndex(5)
    const counts = new Array(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[draw(10)]++
    expect(Math.min(...counts)).toBeGreaterThan(9_600)
    expect(Math.max(...counts)).toBeLessThan(10_400)
    const first = (seed: number) =>
      Array.from(
        { length: 4 },
        (
          (d) => () =>
            d(1000)
        )(randomIndex(seed)),
      )
    expect(first(1)).not.toEqual(first(2))
    expect(first(1)).not.toEqual(first(1 + 2 ** 32))
  })
})
