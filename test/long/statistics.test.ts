import { describe, expect, it } from 'vitest'
import { pairedDifference } from '../../lib/statistics/estimates.js'
import { signFlipP } from '../../lib/statistics/paired-tests.js'
import { randomIndex } from '../../lib/statistics/random-index.js'
import { clustered, gaussian, REAL_SIZES } from '../statistics/clustered.js'

const SAMPLES = 4000

describe('two equal models, over articles of real lengths', () => {
  it.each([28, 60])('the 5 % test separates two equal models in 4 to 6 % of samples with %i articles', async (articles) => {
    const draw = randomIndex(articles)
    const gauss = gaussian(articles + 1)
    const found = { p: 0, interval: 0, both: 0 }
    const deciles = new Array(10).fill(0)
    for (let seed = 0; seed < SAMPLES; seed++) {
      const sizes = Array.from({ length: articles }, () => REAL_SIZES[draw(REAL_SIZES.length)]!)
      const sample = clustered(sizes, gauss)
      const p = await signFlipP(sample.values, sample.articles, { seed, flips: 999 })
      const zeros = new Float64Array(sample.values.length)
      const { ci95 } = await pairedDifference(sample.values, zeros, sample.articles, { seed, resamples: 1000 })
      const apart = ci95![0] > 0 || ci95![1] < 0
      found.p += Number(p <= 0.05)
      found.interval += Number(apart)
      found.both += Number(p <= 0.05 && apart)
      deciles[Math.min(9, Math.floor(p * 10))]++
    }
    console.log(articles, found, deciles)
    expect(found.p / SAMPLES).toBeGreaterThan(0.04)
    expect(found.p / SAMPLES).toBeLessThan(0.06)
    for (const count of deciles) expect(Math.abs(count / SAMPLES - 0.1)).toBeLessThan(0.02) // four standard errors
  })
})
