import { describe, expect, it } from 'vitest'
import { bestByArticle } from '../../lib/statistics/best-interval.js'
import { meanByArticle } from '../../lib/statistics/estimates.js'
import { gaussian } from './clustered.js'

const articles = Int32Array.from({ length: 40 * 12 }, (_, i) => Math.floor(i / 12))
/** Scores of a predictor with this true mean, plus a random error per article and per window. */
const scores = (mean: number, normal: () => number) => {
  const ofArticle = Array.from({ length: 40 }, () => 0.1 * normal())
  return Float64Array.from(articles, (a) => mean + ofArticle[a]! + 0.1 * normal())
}

describe('bestByArticle', () => {
  it('the interval of the best predictor equals the plain interval when there is one predictor, or one far above the others', async () => {
    const normal = gaussian(1)
    const columns = [scores(0.1, normal), scores(0.7, normal), scores(0.2, normal)]
    const plain = await meanByArticle(columns[1]!, articles, { seed: 3, resamples: 500 })
    const { best, estimate } = await bestByArticle(columns, articles, { seed: 3, resamples: 500 })
    expect(best).toBe(1)
    expect(estimate).toEqual(plain)
    const alone = await bestByArticle([columns[1]!], articles, { seed: 3, resamples: 500 })
    expect(alone).toEqual({ best: 0, estimate: plain })
  })
  it('the interval of the best of twelve equal predictors covers the true mean more often than the plain interval of that predictor', async () => {
    let [corrected, naive] = [0, 0]
    const rounds = 150
    for (let seed = 0; seed < rounds; seed++) {
      const normal = gaussian(seed)
      const columns = Array.from({ length: 12 }, () => scores(0.5, normal))
      const { best, estimate } = await bestByArticle(columns, articles, { seed, resamples: 400 })
      const plain = await meanByArticle(columns[best]!, articles, { seed, resamples: 400 })
      if (estimate.ci95![0] < 0.5) corrected++
      if (plain.ci95![0] < 0.5) naive++
    }
    expect(naive / rounds).toBeLessThan(0.85)
    expect(corrected / rounds).toBeGreaterThan(0.9)
  })
  it('bestByArticle gives no interval for fewer than twenty articles', async () => {
    const few = Int32Array.from(articles, (a) => a % 5)
    const { estimate } = await bestByArticle([scores(0, gaussian(1)), scores(0, gaussian(2))], few)
    expect(estimate.ci95).toBeNull()
    expect(estimate.reason).toMatch(/5 articles/)
  })
})
