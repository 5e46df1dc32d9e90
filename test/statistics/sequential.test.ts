import { describe, expect, it } from 'vitest'
import { chiSquareP } from '../../lib/statistics/chi-square.js'
import { sequentialTest } from '../../lib/statistics/confidence-sequence.js'
import { gaussian } from './clustered.js'

describe('chiSquareP', () => {
  it.each([
    [3.841458820694124, 1, 0.05],
    [10.827566170662733, 1, 0.001],
    [5.991464547107979, 2, 0.05],
    [18.307038053275146, 10, 0.05],
    [100, 100, 0.4811916845279567],
    [1000, 10, 1.8702907209159498e-208],
  ])('a chi-square of %d with %i degrees of freedom has the tabulated probability', (x, df, p) => {
    expect(chiSquareP(x, df) / p).toBeCloseTo(1, 9)
  })
  it('a chi-square of 0 has probability 1, an infinite one 0', () => {
    expect([chiSquareP(0, 3), chiSquareP(Number.POSITIVE_INFINITY, 3)]).toEqual([1, 0])
  })
})

describe('sequentialTest', () => {
  it('the confidence sequence excludes 0 exactly when p is below .05, for any effect it is tuned to', () => {
    for (const effect of [0.001, 0.02, 0.5]) {
      for (let i = 0; i < 200; i++) {
        const { ci95, p } = sequentialTest(i / 2000, 0.02, effect)
        expect(ci95[0] > 0).toBe(p < 0.05)
      }
    }
  })
  it('a look after each observation finds a difference between equal arms in at most 5 % of the tests', () => {
    const gauss = gaussian(4)
    const tests = 400
    let found = 0
    for (let test = 0; test < tests; test++) {
      let sum = 0
      let apart = false
      for (let n = 1; n <= 2000 && !apart; n++) {
        sum += gauss()
        apart = sequentialTest(sum / n, 1 / Math.sqrt(n), 0.1).p <= 0.05
      }
      found += Number(apart)
    }
    expect(found / tests).toBeLessThanOrEqual(0.05)
    expect(found).toBeGreaterThan(0) // a test that never rejects would pass the line above
  })
  it('the correction for three arms widens the interval', () => {
    const [one, three] = [sequentialTest(0, 0.1, 0.1), sequentialTest(0, 0.1, 0.1, 3)]
    expect(three.ci95[1]).toBeGreaterThan(one.ci95[1])
  })
})
