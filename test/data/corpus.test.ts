import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'

const wiki = fileURLToPath(new URL('../../../shared/data/wiki42113', import.meta.url))
describe.runIf(existsSync(`${wiki}.npy`))('the real corpus', () => {
  it('the real corpus opens within a second and has its known counts', async () => {
    const began = performance.now()
    const base = await openBase(wiki)
    try {
      expect(performance.now() - began).toBeLessThan(5000)
      expect(base).toMatchObject({ rows: 42_113, dim: 768, dtype: 'float16', mapped: true, space: undefined, warnings: [] })
      expect(base.articles!.ids).toHaveLength(285)
      expect(base.norms.mean).toBeCloseTo(1, 5)
      const windows = makeWindows(base, 5)
      expect(windows.count).toBe(40_688)
      const crossing = makeWindows(base, 5, { cross: true })
      expect(crossing.count).toBe(42_108)
      const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
      expect([split.articles.train.length, split.articles.val.length]).toEqual([257, 28])
      const leaky = splitWindows(crossing, base, { mode: 'windows', seed: 0, test: 0 })
      expect([leaky.train.length, leaky.val.length]).toEqual([37_897, 4_211])
      expect((await base.texts())!).toHaveLength(42_113)
    } finally {
      base.dispose()
    }
  })
})
