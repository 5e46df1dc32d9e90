import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readFold } from '../../lib/data/fold.js'
import { type SplitOptions, splitWindows } from '../../lib/data/split.js'
import { loadSplit, splitText } from '../../lib/data/split-file.js'
import { makeWindows } from '../../lib/data/windows.js'
import { baseOf, scratch } from '../files/fixture.js'

const base = baseOf(Array.from({ length: 41 }, (_, i) => 7 + (i % 5)))
const windows = makeWindows(base, 5)
const options = (index: number, of: number, seed = 1): SplitOptions => ({
  mode: 'articles',
  seed,
  test: 0,
  fold: { index, of },
})

it.each([2, 5, 39])('over %i folds every article is held out exactly once, and no part shares an article', (of) => {
  const folds = Array.from({ length: of }, (_, i) => splitWindows(windows, base, options(i + 1, of)))
  expect(folds.flatMap(({ articles }) => articles.test).sort()).toEqual([...base.articles!.ids].sort())
  for (const { articles, train, val, test, fold } of folds) {
    expect(fold!.of).toBe(of)
    expect(articles.val.length).toBe(Math.max(1, Math.round(0.1 * (41 - articles.test.length))))
    expect([...train, ...val, ...test!].sort((a, b) => a - b)).toEqual(Array.from({ length: windows.count }, (_, i) => i))
  }
  const sizes = folds.map(({ articles }) => articles.test.length)
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
})

it('a fold depends on the seed of the split, and split.json keeps it', async () => {
  const [one, other] = [1, 2].map((seed) => splitWindows(windows, base, options(1, 5, seed)))
  expect(one!.articles.test).not.toEqual(other!.articles.test)
  const path = scratch('fold-split.json')
  writeFileSync(path, splitText(one!, { base, windows }))
  expect(await loadSplit(path, { base, windows })).toEqual(one)
  writeFileSync(path, splitText(one!, { base, windows }).replace('"index":1', '"index":9'))
  await expect(loadSplit(path, { base, windows })).rejects.toMatchObject({ code: 'DATA_FORMAT' })
})

it('a fold that does not exist, or leaves no articles for training, is refused', () => {
  for (const text of ['0/5', '6/5', '1/1', '1/0']) expect(() => readFold('train', text)).toThrow(/i\/k with k from 2 on/)
  expect(() => splitWindows(windows, base, options(1, 42))).toThrow(/at most 41 parts, one for each article/)
  const three = baseOf([9, 9, 9])
  expect(() => splitWindows(makeWindows(three, 5), three, options(1, 2))).not.toThrow()
  expect(() => splitWindows(makeWindows(three, 5), three, options(2, 2))).toThrow(/leave two articles/)
  const two = baseOf([9, 9])
  expect(() => splitWindows(makeWindows(two, 5), two, options(1, 2))).toThrow(/at least 3 articles/)
})
