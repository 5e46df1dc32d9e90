import { expect, it } from 'vitest'
import { crossedDifference } from '../../lib/statistics/crossed-difference.js'
import { pairedDifference } from '../../lib/statistics/estimates.js'
import { gaussian } from './clustered.js'

const [ARTICLES, LENGTH] = [30, 6]
const articles = Int32Array.from({ length: ARTICLES * LENGTH }, (_, i) => Math.floor(i / LENGTH))

/** Differences of articles (sd .05) and windows (sd .1) that all trainings share, and a shift of each training. */
function drawn(gauss: () => number, shifts: readonly number[], lift = 0) {
  const effect = Float64Array.from({ length: ARTICLES }, () => 0.05 * gauss())
  const shared = Float64Array.from(articles, (article) => effect[article]! + 0.1 * gauss())
  const b = Float64Array.from(articles, gauss)
  return { a: shifts.map((shift) => shared.map((x, i) => x + b[i]! + shift + lift)), b: [b] }
}

it('with one training on both sides the interval is that of the paired difference, to the bit', async () => {
  const { a, b } = drawn(gaussian(1), [0.01])
  expect(await crossedDifference(a, b, articles)).toEqual(await pairedDifference(a[0]!, b[0]!, articles))
})

it('several trainings give the mean of their differences, whatever their order, and an interval that grows with their spread', async () => {
  const width = async (spread: number) => {
    const { a, b } = drawn(gaussian(2), [-spread, 0, spread], 0.1)
    const { mean, ci95, se } = await crossedDifference(a, b, articles)
    const one = await pairedDifference(a[1]!, b[0]!, articles)
    expect(mean).toBeCloseTo(one.mean, 12)
    expect(se!).toBeGreaterThan(one.se! - 1e-12)
    const turned = await crossedDifference(b, [...a].reverse(), articles)
    expect(turned.mean).toBeCloseTo(-mean, 12)
    return ci95![1] - ci95![0]
  }
  const [none, some, much] = [await width(0), await width(0.02), await width(0.1)]
  expect(some).toBeGreaterThan(none)
  expect(much).toBeGreaterThan(2 * none)
})

it('the interval over articles and three trainings covers a true difference of 0 in about 95 % of data sets', async () => {
  const gauss = gaussian(3)
  const count = 300
  let [covered, without] = [0, 0]
  for (let i = 0; i < count; i++) {
    const { a, b } = drawn(
      gauss,
      [0, 1, 2].map(() => 0.02 * gauss()),
    )
    const { ci95 } = await crossedDifference(a, b, articles, { seed: i, resamples: 400 })
    covered += Number(ci95![0] <= 0 && ci95![1] >= 0)
    const single = await pairedDifference(a[0]!, b[0]!, articles, { seed: i, resamples: 400 })
    without += Number(single.ci95![0] <= 0 && single.ci95![1] >= 0)
  }
  expect(covered / count).toBeGreaterThan(0.92)
  expect(without / count).toBeLessThan(0.88) // an interval over articles alone does not know the spread between trainings
}, 120_000)

it('too few articles give a standard error and no interval', async () => {
  const { a, b } = drawn(gaussian(4), [0, 0.1])
  const few = [a, b].map((side) => side.map((values) => values.subarray(0, 60)))
  const { ci95, se, reason } = await crossedDifference(few[0]!, few[1]!, articles.subarray(0, 60))
  expect([ci95, reason]).toEqual([null, '10 articles are too few for an interval (20 at least)'])
  expect(se).toBeGreaterThan(0.03)
})
