import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type SplitOptions, splitWindows } from '../../lib/data/split.js'
import { loadSplit, splitText } from '../../lib/data/split-file.js'
import { makeWindows } from '../../lib/data/windows.js'
import { LvmError } from '../../lib/errors.js'
import { permutation, random } from '../../lib/statistics/random.js'
import { baseOf, dice, refused, scratch } from '../files/fixture.js'

const lengths = Array.from({ length: 40 }, (_, i) => 7 + (i % 5))
const base = baseOf(lengths)
const windows = makeWindows(base, 5)
const options = (more: Partial<SplitOptions> = {}): SplitOptions => ({ mode: 'articles', seed: 1, test: 0, ...more })
const failure = (run: () => unknown): LvmError => {
  try {
    run()
  } catch (error) {
    if (error instanceof LvmError) return error
    throw error
  }
  throw new Error('expected an LvmError')
}

describe('random numbers', () => {
  it('random numbers equal stored ones', () => {
    expect([0, 1, 2].map((i) => random(0, i))).toEqual([0.39134507632430315, 0.1808227986601313, 0.6397992347457186])
    expect(random(2 ** 40 + 7, 1000)).toBe(0.09819759541898787)
    expect([...permutation(10, 42)]).toEqual([6, 1, 2, 4, 9, 3, 5, 8, 7, 0])
  })
  it('random numbers look uniform and differ between seeds', () => {
    const drawn = Array.from({ length: 20_000 }, (_, i) => random(3, i))
    expect(drawn.reduce((sum, x) => sum + x, 0) / drawn.length).toBeCloseTo(0.5, 1)
    const bins = new Array(16).fill(0)
    for (const x of drawn) bins[Math.floor(x * 16)]++
    const chi = bins.reduce((sum, n) => sum + (n - 1250) ** 2 / 1250, 0)
    expect(chi).toBeLessThan(40)
    expect(random(3, 0)).not.toBe(random(4, 0))
    expect(random(3, 0)).not.toBe(random(3 + 2 ** 32, 0))
  })
  it('permutation returns every index once', () => {
    expect([...permutation(1000, 5)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(permutation(0, 5)).toHaveLength(0)
  })
  it('random numbers refuse a seed that is not an integer', () => {
    expect(() => permutation(3, -1)).toThrow(/"seed"/)
  })
})

describe('a split by article', () => {
  it('a split by article takes a tenth of the articles and no article twice', () => {
    const split = splitWindows(windows, base, options({ test: 0.1 }))
    expect([split.articles.train.length, split.articles.val.length, split.articles.test.length]).toEqual([32, 4, 4])
    expect(new Set([...split.articles.train, ...split.articles.val, ...split.articles.test]).size).toBe(40)
    const all = [...split.train, ...split.val, ...split.test!].sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: windows.count }, (_, i) => i))
    expect(split.leaky).toBe(false)
    const articles = (part: Int32Array) => new Set(Array.from(part, (w) => windows.article[w]))
    for (const article of articles(split.val)) expect(articles(split.train).has(article)).toBe(false)
    expect([...split.train]).toEqual([...split.train].sort((a, b) => a - b))
  })
  it('a split by article is equal for one seed and differs for another', () => {
    const val = (seed: number) => splitWindows(windows, base, options({ seed })).articles.val
    expect(val(1)).toEqual(val(1))
    expect(val(1)).not.toEqual(val(2))
  })
  it('a split by article rounds as Python does: 285 articles give 28', () => {
    const many = baseOf(Array.from({ length: 285 }, () => 6))
    expect(splitWindows(makeWindows(many, 5), many, options()).articles.val).toHaveLength(28)
  })
  it('a split by article has at least one validation article', () => {
    const two = baseOf([8, 8])
    const split = splitWindows(makeWindows(two, 5), two, options())
    expect([split.train.length, split.val.length, split.test]).toEqual([3, 3, undefined])
  })
  it('a split by article counts only articles with a window', () => {
    const short = baseOf([8, 3, 3, 3])
    expect(failure(() => splitWindows(makeWindows(short, 5), short, options())).code).toBe('DATA_ONE_ARTICLE')
  })
  it('a split by article needs two articles, or three with a test part', () => {
    const { articles: _, ...unknown } = base
    expect(failure(() => splitWindows(makeWindows(unknown, 5), unknown, options())).message).toMatch(
      /at least 2 articles .* no article ids/,
    )
    const two = baseOf([8, 8])
    expect(failure(() => splitWindows(makeWindows(two, 5), two, options({ test: 0.1 }))).code).toBe('DATA_ONE_ARTICLE')
  })
  it('a split by article refuses windows that cross articles', () => {
    const crossing = makeWindows(base, 5, { cross: true })
    expect(failure(() => splitWindows(crossing, base, options())).code).toBe('BAD_OPTION')
  })
  it.each([-0.1, 0.9, 1, Number.NaN])('a split by article refuses a test part of %s', (test) => {
    expect(failure(() => splitWindows(windows, base, options({ test }))).message).toMatch(/"test"/)
  })
})

describe('a split by window', () => {
  it("a split by window has the PRD's counts and is leaky", () => {
    const wiki = baseOf([42_113])
    const split = splitWindows(makeWindows(wiki, 5, { cross: true }), wiki, options({ mode: 'windows' }))
    expect([split.train.length, split.val.length, split.leaky]).toEqual([37_897, 4_211, true])
    expect(new Set([...split.train, ...split.val]).size).toBe(42_108)
  })
  it('a split by window can hold out a test part', () => {
    const split = splitWindows(windows, base, options({ mode: 'windows', test: 0.2 }))
    expect(split.test!.length).toBe(Math.round(windows.count * 0.2))
    expect(split.train.length + split.val.length + split.test!.length).toBe(windows.count)
  })
})

describe('a split by file', () => {
  const other = baseOf([8, 8], 'other')
  const val = { base: other, windows: makeWindows(other, 5) }
  it('a split by file takes all windows of both files', () => {
    const split = splitWindows(windows, base, options({ mode: 'file', val }))
    expect([split.train.length, split.val.length, split.leaky]).toEqual([windows.count, 6, false])
    expect(split.articles.val).toEqual(['other-0', 'other-1'])
  })
  it('a split by file refuses an article that is in both files and names it', () => {
    const same = baseOf([8, 8])
    const error = failure(() =>
      splitWindows(windows, base, options({ mode: 'file', val: { base: same, windows: makeWindows(same, 5) } })),
    )
    expect(error.code).toBe('DATA_SHARED_ARTICLE')
    expect(error.message).toMatch(/"article-0", "article-1"/)
  })
  it('a split by file refuses windows of another size', () => {
    const error = failure(() =>
      splitWindows(windows, base, options({ mode: 'file', val: { base: other, windows: makeWindows(other, 3) } })),
    )
    expect(error.code).toBe('DATA_SHAPE')
  })
  it('a split by file needs the validation file', () => {
    expect(failure(() => splitWindows(windows, base, options({ mode: 'file' }))).code).toBe('BAD_OPTION')
  })
})

it('splitWindows needs at least three windows', () => {
  const tiny = baseOf([7])
  expect(failure(() => splitWindows(makeWindows(tiny, 5), tiny, options({ mode: 'windows' }))).code).toBe('DATA_TOO_FEW')
})

describe('split.json', () => {
  const source = { base, windows }
  const split = splitWindows(windows, base, options({ test: 0.1 }))
  const saved = async () => {
    const path = scratch('split.json')
    writeFileSync(path, splitText(split, source))
    return path
  }

  it('split.json lists target rows and loads as the same split', async () => {
    const path = await saved()
    const document = JSON.parse(readFileSync(path, 'utf8'))
    expect(Object.keys(document)).toEqual(['version', 'mode', 'leaky', 'seed', 'context', 'train', 'val', 'test'])
    expect(document.val).toEqual(Array.from(split.val, (w) => windows.target[w]))
    expect(await loadSplit(path, source)).toEqual(split)
  })
  it('split.json stores the windows of a validation file', async () => {
    const other = baseOf([8, 8], 'other')
    const val = { base: other, windows: makeWindows(other, 5) }
    const byFile = splitWindows(windows, base, options({ mode: 'file', val }))
    const path = scratch('file-split.json')
    writeFileSync(path, splitText(byFile, source, val))
    expect(await loadSplit(path, source, val)).toEqual(byFile)
    await refused('DATA_SHAPE', loadSplit(path, source))
  })
  it('a saved split is refused for data of other articles and for another context', async () => {
    const path = await saved()
    const other = baseOf([7, 7])
    await refused('DATA_SHAPE', loadSplit(path, { base: other, windows: makeWindows(other, 5) }))
    await refused('DATA_SHAPE', loadSplit(path, { base, windows: makeWindows(base, 4) }))
    const moved = baseOf([...lengths].reverse())
    expect(['DATA_SHAPE', 'DATA_SHARED_ARTICLE']).toContain(
      await loadSplit(path, { base: moved, windows: makeWindows(moved, 5) }).catch((error) => error.code),
    )
  })
  it.each([
    ['not JSON', '{'],
    ['null', 'null'],
    ['no parts', '{"version":1,"mode":"articles","leaky":false,"seed":1,"context":5}'],
    ['a later version', '{"version":2}'],
    [
      'rows that are not integers',
      '{"version":1,"mode":"articles","leaky":false,"seed":1,"context":5,"train":[5.5],"val":[],"test":[]}',
    ],
    ['a row twice', '{"version":1,"mode":"articles","leaky":false,"seed":1,"context":5,"train":[5],"val":[5],"test":[]}'],
  ])('loadSplit refuses %s', async (_, text) => {
    await refused('DATA_FORMAT', loadSplit(scratch('bad-split.json', text), source))
  })
  it('loadSplit refuses an article in two parts', async () => {
    const text = '{"version":1,"mode":"articles","leaky":false,"seed":1,"context":5,"train":[5],"val":[6],"test":[]}'
    expect(await refused('DATA_SHARED_ARTICLE', loadSplit(scratch('shared-split.json', text), source))).toMatch(/"article-0"/)
  })
  it('loadSplit fails with FILE_MISSING when there is no file', async () => {
    await refused('FILE_MISSING', loadSplit(scratch('nowhere.json'), source))
  })
  it('loadSplit fails only with LvmErrors on 2,000 random mutations', async () => {
    const roll = dice(6)
    const bytes = readFileSync(await saved())
    const path = scratch('fuzz-split.json')
    for (let i = 0; i < 2000; i++) {
      const copy = Buffer.from(bytes)
      for (let n = 0; n < 2; n++) copy[roll(roll(2) ? 80 : copy.length)] = roll(256)
      writeFileSync(path, copy)
      await loadSplit(path, source).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    }
  })
})
