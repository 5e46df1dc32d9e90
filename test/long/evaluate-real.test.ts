import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { baselineResults } from '../../lib/baselines/baselines.js'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { peakMemory } from '../../lib/evaluate/latency.js'
import { native } from '../../lib/native.js'
import { coverage, REAL_SIZES } from '../statistics/clustered.js'

const CORPUS = join(import.meta.dirname, '../../../shared/data/wiki42113.npy')
let cache = ''
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'lvm-real-'))
})
afterAll(() => rm(cache, { recursive: true }))

async function corpus() {
  const base = await openBase(CORPUS)
  const windows = makeWindows(base, 5)
  const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
  const samples = native.samples(base.vectors.native, null, windows.first, windows.target, 5)
  const run = () =>
    baselineResults({
      train: { base, windows, ids: split.train },
      rows: { base, windows, ids: split.val },
      scorer: (raw, ids, centre) => native.score(raw.native, samples, ids, centre?.native ?? null),
      cache,
    })
  return { windows, split, run }
}

describe('the real corpus', () => {
  it('evaluate gives the figures of numpy on the real corpus, within its limits of time and memory', async () => {
    const { windows, split, run } = await corpus()
    expect([windows.count, new Set(split.val.map((id) => windows.article[id]!)).size]).toEqual([40_688, 28])
    const start = performance.now()
    const { figures, cosines } = await run()
    const seconds = (performance.now() - start) / 1000
    console.log(`${seconds.toFixed(1)} s, ${(peakMemory() / 1e9).toFixed(2)} GB`, figures)
    // Figures of numpy in float64 on the same split, with the same decay and λ.
    expect(figures.mean_vector!.cosine).toBeCloseTo(0.2125903895, 8)
    expect(figures.copy_last!.cosine).toBeCloseTo(0.4383420089, 8)
    expect(figures.context_mean!.cosine).toBeCloseTo(0.5308658061, 8)
    expect(figures.exponential_mean).toMatchObject({ params: { decay: 0.77 }, cosine: expect.closeTo(0.5370139807, 8) })
    expect(figures.ridge).toMatchObject({ cosine: expect.closeTo(0.5289810037, 6), mse_raw: expect.closeTo(0.0009367684, 9) })
    expect(figures.ridge!.params.lambda).toBeCloseTo(10 ** 1.5, 9)
    expect(peakMemory()).toBeLessThan(3e9)
    const again = performance.now()
    expect((await run()).cosines).toEqual(cosines)
    expect(performance.now() - again).toBeLessThan(2000)
  })
})

describe('intervals over articles of real lengths', () => {
  it.each([28, 60])(
    '95 % intervals over %i articles of real lengths contain the true value in 93 to 97 % of samples',
    async (articles) => {
      expect(REAL_SIZES.length).toBe(285)
      const rate = await coverage({ articles, samples: 4000, resamples: 1000, seed: 11 })
      console.log(articles, rate)
      expect(rate).toBeGreaterThan(0.93)
      expect(rate).toBeLessThan(0.97)
    },
  )
})
