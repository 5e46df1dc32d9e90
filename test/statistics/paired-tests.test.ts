import { describe, expect, it } from 'vitest'
import { pairedDifference } from '../../lib/statistics/estimates.js'
import { benjaminiHochberg, minimumDetectable, signFlipP } from '../../lib/statistics/paired-tests.js'
import { clustered, gaussian } from './clustered.js'

describe('signFlipP', () => {
  const each = (values: number[]) => Int32Array.from(values.keys())
  const p = (values: number[], o = {}) => signFlipP(Float64Array.from(values), each(values), o)
  it('signFlipP of up to 13 articles counts every combination of signs', async () => {
    // of the 2^5 sums ±1 ±2 ±3 ±4 ±5, two have absolute value 15 and four at least 13
    expect(await p([1, 2, 3, 4, 5])).toBe(2 / 32)
    expect(await p([-1, 2, 3, 4, 5])).toBe(4 / 32)
    expect(await p(new Array(13).fill(1))).toBe(2 / 2 ** 13)
  })
  it('signFlipP of more articles agrees with the enumeration of all flips', async () => {
    const values = Array.from({ length: 16 }, (_, i) => i - 5)
    const sum = (signs: number) => values.reduce((all, value, c) => all + ((signs >> c) & 1 ? -value : value), 0)
    let far = 0
    for (let signs = 0; signs < 2 ** 16; signs++) far += Number(Math.abs(sum(signs)) >= sum(0))
    expect(Math.abs((await p(values, { flips: 50_000 })) - far / 2 ** 16)).toBeLessThan(0.01)
    expect(far / 2 ** 16).toBeGreaterThan(0.05)
  })
  it('signFlipP flips all differences of an article together', async () => {
    const values = Float64Array.from({ length: 100 }, () => 1)
    expect(await signFlipP(values, new Int32Array(100))).toBe(1)
    expect(await signFlipP(values, Int32Array.from(values.keys()))).toBe(1 / 10_001)
  })
  it('signFlipP is 1 without differences, and reproducible for a seed', async () => {
    expect(await p([0, 0, 0, 0])).toBe(1)
    const some = [0.3, -0.1, 0.2, 0.25, -0.05, 0.4].flatMap((value) => [value, -0.9 * value, 0.4 * value])
    expect(await p(some, { seed: 3 })).toBe(await p(some, { seed: 3 }))
    expect(await p(some, { seed: 3 })).not.toBe(await p(some, { seed: 4 }))
  })
  it('signFlipP refuses an empty list', async () => {
    await expect(p([])).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
  })
  it('signFlipP at .05 has about 5 % false positives', async () => {
    const gauss = gaussian(8)
    const sizes = Array.from({ length: 30 }, (_, i) => 3 + 4 * i)
    let found = 0
    for (let seed = 0; seed < 300; seed++) {
      const { values, articles } = clustered(sizes, gauss)
      if ((await signFlipP(values, articles, { seed, flips: 400 })) <= 0.05) found++
    }
    expect(found).toBeGreaterThan(3) // 15 expected, four standard errors either side; the long suite is stricter
    expect(found).toBeLessThan(31)
  })
})

describe('benjaminiHochberg', () => {
  it('benjaminiHochberg equals published values', () => {
    // p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), 'BH') and the fifteen of Benjamini & Hochberg 1995, §3.2, in R
    expect(benjaminiHochberg([0.01, 0.02, 0.03, 0.04, 0.05]).map((x) => x.toFixed(10))).toEqual(new Array(5).fill('0.0500000000'))
    const paper = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ]
    const adjusted = benjaminiHochberg(paper)
    expect(adjusted.filter((x) => x <= 0.05)).toHaveLength(4) // what the paper rejects
    expect(adjusted[3]).toBeCloseTo(0.035625, 12)
    expect(adjusted[4]).toBeCloseTo(0.0603, 12)
    expect(adjusted[14]).toBe(1)
  })
  it('benjaminiHochberg keeps the order of its input and never lowers a p value', () => {
    const given = [0.5, 0.001, 0.04, 0.04, 1]
    const adjusted = benjaminiHochberg(given)
    adjusted.forEach((x, i) => {
      expect(x).toBeGreaterThanOrEqual(given[i]!)
    })
    expect(adjusted[1]).toBeCloseTo(0.005, 12)
    expect(adjusted[2]).toBe(adjusted[3])
    expect(benjaminiHochberg([0.2])).toEqual([0.2])
    expect(benjaminiHochberg([])).toEqual([])
  })
})

describe('minimumDetectable', () => {
  it('minimumDetectable is the standard error times the sum of two quantiles of t', () => {
    // scipy: t.ppf(.975, 27) + t.ppf(.8, 27) and so on
    expect(minimumDetectable({ se: 1, articles: 28 })).toBeCloseTo(2.906968, 4)
    expect(minimumDetectable({ se: 0.5, articles: 60 })).toBeCloseTo(0.5 * 2.848751, 5)
    expect(minimumDetectable({ se: 1, articles: 100_000 })).toBeCloseTo(1.959964 + 0.841621, 4)
    expect(minimumDetectable({ se: null, articles: 1 })).toBe(null)
  })
  it('an effect of minimumDetectable is found with about 80 % power', async () => {
    const gauss = gaussian(12)
    const sizes = Array.from({ length: 40 }, (_, i) => 20 + (i % 13))
    const estimates = []
    for (let i = 0; i < 200; i++) {
      const { values, articles } = clustered(sizes, gauss)
      estimates.push(await pairedDifference(values, new Float64Array(values.length), articles, { seed: i, resamples: 300 }))
    }
    const effect = estimates.reduce((sum, e) => sum + minimumDetectable(e)!, 0) / estimates.length
    const found = estimates.filter(({ ci95 }) => ci95![0] + effect > 0 || ci95![1] + effect < 0).length
    expect(found / estimates.length).toBeGreaterThan(0.7)
    expect(found / estimates.length).toBeLessThan(0.9)
  }, 20_000)
})
