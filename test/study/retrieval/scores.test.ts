import { describe, expect, it } from 'vitest'
import { NEAREST, ranks } from '../../../lib/evaluate/search.js'
import type { Ranking } from '../../../lib/rankings.js'
import { nearDuplicateHits, scorePool, scoresByWindow } from '../../../lib/study/retrieval/retrieval-scores.js'
import { judge } from '../../../lib/study/retrieval/retrieval-verdict.js'
import { gaussian } from '../../statistics/clustered.js'

/** Makes a ranking from rows ahead and ties; the first twenty rows have cosine 0 with the target unless given. */
const ranking = (ahead: number[], tied = ahead.map(() => 0), near: Record<number, number> = {}): Ranking => {
  const toTarget = new Float64Array(ahead.length * NEAREST)
  for (const [at, cosine] of Object.entries(near)) toTarget[Number(at)] = cosine
  return {
    ahead: Int32Array.from(ahead),
    tied: Int32Array.from(tied),
    rows: new Int32Array(ahead.length * NEAREST),
    cosines: new Float64Array(ahead.length * NEAREST),
    toTarget,
  }
}

describe('scores', () => {
  const found = ranking([0, 0, 2, 9, 10, 19, 20, 99], [0, 1, 0, 0, 0, 0, 0, 0])
  it('retrieval scores rank ties before the target', () => {
    expect([...ranks(found)]).toEqual([1, 2, 3, 10, 11, 20, 21, 100])
  })
  it('retrieval scores equal values computed by hand', async () => {
    const articles = Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2)
    const s = await scorePool(found, { rows: 105 }, 5, articles, 0)
    expect(s).toMatchObject({ pool: 100, excluded: 5, n: 8, articles: 3, ties: 1 })
    expect(s.tie_rule).toContain('before it')
    expect([s.top1.value, s.top5.value, s.top10.value, s.top20.value]).toEqual([1 / 8, 3 / 8, 4 / 8, 6 / 8])
    expect(s.mrr.value).toBeCloseTo((1 + 1 / 2 + 1 / 3 + 1 / 10 + 1 / 11 + 1 / 20 + 1 / 21 + 1 / 100) / 8, 14)
    expect(s.ndcg10.value).toBeCloseTo((1 + 1 / Math.log2(3) + 1 / 2 + 1 / Math.log2(11)) / 8, 14)
    expect(s.median_rank).toEqual({ value: 10.5, chance: 50.5 })
    expect([s.top1.chance, s.top5.chance, s.top10.chance, s.top20.chance]).toEqual([0.01, 0.05, 0.1, 0.2])
    expect(s.mrr.chance).toBeCloseTo(0.0518737751763962, 14) // the 100th harmonic number / 100
    expect(s.ndcg10.chance).toBeCloseTo(0.0454355933, 8)
    expect(s.top1.ci95).toBe(null)
  })
  it('retrieval scores have intervals with twenty articles or more', async () => {
    const articles = Int32Array.from({ length: 200 }, (_, i) => i % 20)
    const many = ranking(Array.from({ length: 200 }, (_, i) => (i * 7) % 31))
    const { top10 } = await scorePool(many, { rows: 1000 }, 0, articles, 0)
    expect(top10.ci95![0]).toBeLessThan(top10.value)
    expect(top10.ci95![1]).toBeGreaterThan(top10.value)
  })
  it('near-duplicate hits include the hits on the target', async () => {
    const near = ranking([4, 30, 30, 0], undefined, { 0: 0.97, 2: 0.981, [NEAREST + 9]: 1, [3 * NEAREST + 5]: 0.99 })
    const hits = await nearDuplicateHits(near, Int32Array.of(0, 1, 2, 3), 0)
    expect(Object.fromEntries(Object.entries(hits).map(([name, { value }]) => [name, value * 4]))).toEqual({
      top1: 1,
      top5: 2,
      top10: 3,
      top20: 3,
    })
    for (const name of ['top1', 'top5', 'top10', 'top20'] as const)
      expect(hits[name].value * 4).toBeGreaterThanOrEqual(scoresByWindow(near, name).reduce((a, b) => a + b, 0))
  })
})

describe('the verdict', () => {
  const articles = Int32Array.from({ length: 900 }, (_, i) => i % 30)
  const gauss = gaussian(4)
  const hits = (share: number) => Float64Array.from({ length: 900 }, () => Number(gauss() < share))
  const against = (model: Float64Array, over = articles) =>
    judge(
      model,
      new Map([
        ['copy_last', hits(-1)],
        ['context_mean', hits(0)],
      ] as const),
      over,
      0,
    )
  it('the retrieval verdict names the better of the model and the best heuristic', async () => {
    const won = await against(hits(1))
    expect(won).toMatchObject({ decision: 'model', against: 'context_mean', score: 'top10', pool: 'without_context' })
    expect(won.difference).toBeGreaterThan(0.2)
    expect(won.ci95![0]).toBeGreaterThan(0)
    const lost = await against(hits(-0.5))
    expect(lost).toMatchObject({ decision: 'heuristic', against: 'context_mean' })
    expect(lost.sentence).toMatch(/^use the heuristic: context mean finds more/)
  })
  it('the retrieval verdict prefers the heuristic when the difference is not significant', async () => {
    const rival = hits(0)
    const same = await judge(rival, new Map([['context_mean', rival]] as const), articles, 0)
    expect(same).toMatchObject({ decision: 'tie', difference: 0, ci95: [0, 0] })
    expect(same.sentence).toContain('not told apart from context mean')
  })
  it('the retrieval verdict is unknown with fewer than twenty articles', async () => {
    expect(
      await against(
        hits(1),
        articles.map((a) => a % 19),
      ),
    ).toMatchObject({ decision: 'unknown', ci95: null })
  })
})
