import { expect, test } from 'vitest'
import { meanByArticle } from '../../lib/statistics/estimates.js'
import { randomIndex } from '../../lib/statistics/random-index.js'
import { resampled } from '../../lib/statistics/resamples.js'

test.each([
  ['few', 30],
  ['more than are kept', 70_000],
])('resamples of %s articles are the numbers that their seed draws, each time', (_, below) => {
  for (const seed of [1, 2, 1]) {
    const draw = randomIndex(seed)
    const drawn = resampled(seed, below, 3)
    for (let b = 0; b < 3; b++) expect([...drawn(b)]).toEqual(Array.from({ length: below }, () => draw(below)))
  }
})

test('an interval does not depend on the intervals before it', async () => {
  const interval = (articles: number, seed: number) => {
    const values = Float64Array.from({ length: 5 * articles }, (_, i) => Math.sin(i * i))
    return meanByArticle(
      values,
      Int32Array.from(values, (_, i) => Math.floor(i / 5)),
      { seed, resamples: 500 },
    )
  }
  const first = await interval(25, 0)
  expect(await interval(25, 1)).not.toEqual(first)
  await interval(40, 0)
  expect(await interval(25, 0)).toEqual(first)
})
