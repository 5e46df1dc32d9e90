import { expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { placeEach } from '../../lib/evaluate/place-sums.js'
import { openPool } from '../../lib/evaluate/pool.js'
import { ranks } from '../../lib/evaluate/search.js'
import { fitFinding } from '../../lib/train/finding-queries.js'

it('a whitening is chosen on articles that its covariance has not seen, so that it finds the targets of other articles', async () => {
  const base = await openBase('data/sample/factbook.npy')
  const windows = makeWindows(base, { context: 5, history: 'article', minHistory: 5 })
  const shares: number[] = []
  for (const seed of [0, 1, 2]) {
    const split = splitWindows(windows, base, { mode: 'articles', seed, test: 0 })
    const [near, whitened] = await fitFinding({ base, windows, ids: split.train })
    const val = { base, windows, ids: split.val }
    const pool = await openPool(val)
    const [placed] = await placeEach(val, pool, [(ids) => whitened.predict(val, ids)])
    shares.push(ranks(placed!.allowed).filter((rank) => rank <= 10).length / split.val.length)
    for (const one of [near, whitened, pool]) one.dispose()
  }
  base.dispose()
  // chosen on the vectors of the covariance it is shrunk too much: .533, .593 and .546
  expect(shares.reduce((a, b) => a + b, 0) / 3).toBeGreaterThan(0.575)
})

it('the whitening of equal vectors is finite', async () => {
  const articles = Array.from({ length: 40 }, (_, row) => `a${Math.floor(row / 10)}`)
  const base = await openBase({ vectors: articles.map(() => [0.6, 0.8, 0]), articles })
  const windows = makeWindows(base, 5)
  const [near, whitened] = await fitFinding({ base, windows, ids: Int32Array.from({ length: windows.count }, (_, i) => i) })
  expect((await whitened.map.data()).every(Number.isFinite)).toBe(true)
  for (const one of [near, whitened, base]) one.dispose()
})
