import { describe, expect, it } from 'vitest'
import { FEWEST_DIFFERENT, jointTests } from '../../lib/statistics/max-t.js'
import { clustered, gaussian, REAL_SIZES } from './clustered.js'

const fast = { seed: 1, resamples: 999 }
const columns = (count: number, seed: number, articles = 40) => {
  const gauss = gaussian(seed)
  const made = Array.from({ length: count }, () => clustered(REAL_SIZES.slice(0, articles), gauss))
  return { values: made.map(({ values }) => values), articles: made[0]!.articles }
}

describe('jointTests', () => {
  it('the joint interval excludes 0 exactly when the corrected p value is at most .05', async () => {
    const seen = new Set<boolean>()
    for (let seed = 1; seed <= 40; seed++) {
      const { values, articles } = columns(2, seed)
      const shifted = values.map((column) => column.map((v) => v + 0.04))
      for (const { p, p_adjusted, ci95 } of await jointTests(shifted, articles, fast)) {
        const apart = ci95![0] > 0 || ci95![1] < 0
        expect(apart).toBe(p_adjusted! <= 0.05)
        expect(p_adjusted).toBeGreaterThanOrEqual(p!)
        seen.add(apart)
      }
    }
    expect(seen.size).toBe(2)
  })
  it('the max-T correction costs nothing for a repeated column, and more for independent columns', async () => {
    const { values, articles } = columns(3, 5)
    const [one, two, three] = values as [Float64Array, Float64Array, Float64Array]
    const [alone] = await jointTests([one], articles, fast)
    const [repeated] = await jointTests([one, one, one], articles, fast)
    const [independent] = await jointTests([one, two, three], articles, fast)
    expect(repeated!.p_adjusted).toBe(alone!.p)
    expect(independent!.p_adjusted).toBeGreaterThan(alone!.p_adjusted!)
    const width = ({ ci95 }: { ci95: readonly [number, number] | null }) => ci95![1] - ci95![0]
    expect(width(independent!)).toBeGreaterThan(1.1 * width(alone!))
    expect(repeated!.ci95).toEqual([expect.closeTo(alone!.ci95![0], 2), expect.closeTo(alone!.ci95![1], 2)])
  })
  it('a column without enough differences gets no p value and does not weaken the others', async () => {
    const { values, articles } = columns(1, 9)
    const zeros = new Float64Array(articles.length)
    const rare = zeros.map((_, i) => Number(articles[i]! < FEWEST_DIFFERENT - 1 && articles[i] !== articles[i - 1]))
    const [alone] = await jointTests(values, articles, fast)
    const [same, equal, few] = await jointTests([values[0]!, zeros, rare], articles, fast)
    expect(same).toEqual(alone)
    expect(equal).toMatchObject({ mean: 0, p: null, ci95: null, reason: 'only 0 articles have a difference (6 at least)' })
    expect(few).toMatchObject({ p: null, ci95: null, reason: 'only 5 articles have a difference (6 at least)' })
  })
  it('fewer than 20 articles give a standard error and no interval', async () => {
    const { values, articles } = columns(1, 3, 19)
    const [test] = await jointTests(values, articles, fast)
    expect(test).toMatchObject({ p: null, ci95: null, reason: '19 articles are too few for an interval (20 at least)' })
    expect(test!.se).toBeGreaterThan(0)
  })
  it('tests without a window are refused', async () => {
    await expect(jointTests([Float64Array.of()], Int32Array.of())).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
  })
})
