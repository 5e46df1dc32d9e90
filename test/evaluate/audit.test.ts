import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { permutation } from '../../lib/data/random.js'
import { audit } from '../../lib/evaluate/audit/run.js'
import { native } from '../../lib/native.js'
import { refused, scratch } from '../data/fixture.js'
import { audited, codesOf, corpus, findingOf, type Line, levelOf, npz, openAudit, rotated, sequences } from './corpus.js'

beforeAll(() => native.setThreads(1))

const swapRows = (vectors: Float32Array, dim: number, rows: readonly number[], seed: number) => {
  const before = vectors.slice()
  const order = permutation(rows.length, seed)
  rows.forEach((row, i) => {
    vectors.set(before.subarray(rows[order[i]!]! * dim, (rows[order[i]!]! + 1) * dim), row * dim)
  })
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('sound data', () => {
  it.each([
    ['directed', 16, 1],
    ['directed', 128, 2],
    ['reversible', 32, 3],
    ['reversible', 64, 4],
  ] as const)('%s, dimension %d, seed %d, passes', async (kind, dim, seed) => {
    const found = await audited(await corpus({ kind, dim, seed, rows: 4000, articles: 250 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(
      codesOf(found, 'WARN').filter((code) => code !== 'SUFFICIENCY' && !(dim === 16 && code === 'NEAR_DUPLICATES')),
    ).toEqual([])
    expect(found.verdict).toBe(codesOf(found, 'WARN').length > 0 ? 'WARN' : 'PASS')
    expect(found.lags.map(({ lag }) => lag)).toEqual(range(1, 11))
  })
  it.each([4, 5, 6])('of nothing but noise, seed %d, is warned about and never refused', async (seed) => {
    const found = await audited(await corpus({ kind: 'noise', seed, rows: 4000 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(levelOf(found, 'ORDER')).toBe('WARN')
  })
  it('knows what it says: floor, lags, rank and mean norm equal a float64 reference', async () => {
    const path = await corpus({ dim: 16, rows: 1500, articles: 30 })
    const found = await audited(path)
    // The corpus was made with these: a shared direction of .05, and a step of .6 in every part but topic and noise.
    expect(found.random_pairs.mean).toBeCloseTo(0.05, 1)
    expect(found.lags[0]!.cosine).toBeCloseTo(0.25 + 0.5 * 0.6, 1)
    expect(found.spectrum.shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    const [low, high] = found.lags[0]!.ci95!
    expect(low).toBeLessThan(found.lags[0]!.cosine)
    expect(high).toBeGreaterThan(found.lags[0]!.cosine)
  })
})

describe('planted in the rows', () => {
  it.each([
    ['NaN', 'FINITE', Number.NaN],
    ['Inf', 'FINITE', Number.POSITIVE_INFINITY],
    ['zeros', 'ZERO_ROWS', 0],
  ] as const)('%s is named by its row, and the rest is audited all the same', async (_, code, value) => {
    const found = await audited(await corpus({}, (v, dim) => v.fill(value, 77 * dim, 78 * dim)))
    expect(codesOf(found, 'FAIL')).toEqual([code])
    expect(findingOf(found, code).rows).toEqual([77])
    expect(levelOf(found, 'ORDER')).toBe('PASS')
  })
  it('lengths other than 1 are warned about', async () => {
    const found = await audited(await corpus({}, (v) => v.set(v.map((x) => 3 * x))))
    expect(findingOf(found, 'NORMS')).toMatchObject({ level: 'WARN', figures: { deviating: 3000 } })
    expect(codesOf(found, 'FAIL')).toEqual([])
  })
  it('copies and near-copies are counted, each with its row', async () => {
    const found = await audited(
      await corpus({ dim: 64 }, (v, dim) => {
        for (const [from, to] of [
          [10, 500],
          [11, 501],
          [10, 900],
        ] as const)
          v.copyWithin(to * dim, from * dim, (from + 1) * dim)
        for (let i = 0; i < dim; i++) v[1200 * dim + i] = v[20 * dim + i]! + (i % 2 === 0 ? 0.01 : -0.01)
      }),
    )
    expect(findingOf(found, 'DUPLICATES')).toMatchObject({ level: 'WARN', rows: [500, 501, 900], figures: { copies: 3 } })
    expect(findingOf(found, 'NEAR_DUPLICATES')).toMatchObject({ level: 'WARN', rows: [20], figures: { pairs: 1 } })
    expect(found.duplicates.first).toEqual([{ a: 20, b: 1200, cosine: expect.closeTo(0.997, 2) }])
  })
  it('more copies than not are refused', async () => {
    const found = await audited(
      await corpus({}, (v, dim) => v.copyWithin(1200 * dim, 0, 1200 * dim).copyWithin(2400 * dim, 0, 600 * dim)),
    )
    expect(levelOf(found, 'DUPLICATES')).toBe('FAIL')
  })
  it('an encoder that says one thing only is refused', async () => {
    const found = await audited(await corpus({ dim: 64 }, (v, dim) => v.set(v.map((x, i) => Number(i % dim === 0) + 0.001 * x))))
    expect(levelOf(found, 'COLLAPSE')).toBe('FAIL')
  })
  it.each([
    [16, 1],
    [64, 2],
    [128, 3],
  ])('vectors shuffled over the whole corpus (dimension %d, seed %d) are refused', async (dim, seed) => {
    const found = await audited(await corpus({ dim, seed, rows: 6000 }, (v) => swapRows(v, dim, range(0, 6000), seed)))
    expect(codesOf(found, 'FAIL')).toEqual(['ORDER'])
  })
  it.each([
    [16, 1],
    [64, 2],
  ])('vectors shuffled inside their articles (dimension %d, seed %d) are refused', async (dim, seed) => {
    const found = await audited(
      await corpus({ dim, seed, rows: 6000 }, (v, _, lines: Line[]) => {
        for (const id of new Set(lines.map((line) => line.article_id)))
          swapRows(
            v,
            dim,
            [...lines.keys()].filter((i) => lines[i]!.article_id === id),
            seed,
          )
      }),
    )
    expect(codesOf(found, 'FAIL')).toContain('ORDER')
  })
  it.each([1, 2])('a scrambled stretch is named by its rows (seed %d)', async (seed) => {
    const found = await audited(
      await corpus({ rows: 8000, articles: 400, seed }, (v, dim) => swapRows(v, dim, range(4000, 4800), seed)),
    )
    expect(codesOf(found, 'FAIL')).toEqual(['REGIONS'])
    expect(found.regions.filter(({ odd }) => odd).every(({ from, to }) => to > 4000 && from < 4800)).toBe(true)
  })
  it('keys that are there twice, articles that are apart and rows that go back are refused', async () => {
    const twice = await audited(
      await corpus({}, (_, __, lines) => {
        lines[8]!.index = 7
      }),
    )
    expect(findingOf(twice, 'KEYS')).toMatchObject({ level: 'FAIL', rows: [8] })
    const apart = await audited(
      await corpus({}, (_, __, lines) => {
        lines[2000]!.article_id = lines[0]!.article_id
        lines[2000]!.index = 9999
      }),
    )
    expect(findingOf(apart, 'CONTIGUITY')).toMatchObject({ level: 'FAIL', rows: expect.arrayContaining([2000]) })
    const back = await audited(
      await corpus({}, (_, __, lines) => {
        ;[lines[5]!.index, lines[6]!.index] = [lines[6]!.index, lines[5]!.index]
      }),
    )
    expect(findingOf(back, 'CONTIGUITY')).toMatchObject({ level: 'FAIL', figures: { apart: 0, backwards: 1 } })
  })
  it('articles without a category among others with one are counted', async () => {
    const found = await audited(
      await corpus({}, (_, __, lines) => {
        for (const line of lines) if (!line.article_id.endsWith('7')) line.categories = ['a']
      }),
    )
    expect(findingOf(found, 'CATEGORIES')).toMatchObject({ level: 'WARN', figures: { without: 6 } })
  })
  it('a context of thousands is audited by a sample of its windows', async () => {
    const found = await openAudit(await corpus({ rows: 4000, articles: 1 }), { context: 2048 })
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(found.sufficiency.windows).toBe(4000 - 2048)
  })
  it('windows that cross articles count where they are trained on', async () => {
    const path = await corpus({ rows: 600, articles: 20 })
    expect(levelOf(await openAudit(path, { context: 100 }), 'SUFFICIENCY')).toBe('FAIL')
    expect(levelOf(await openAudit(path, { context: 100, cross: true }), 'SUFFICIENCY')).toBe('WARN')
  })
  it('too little is warned about', async () => {
    const found = await audited(await corpus({ rows: 150, articles: 4 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(codesOf(found, 'WARN')).toEqual(expect.arrayContaining(['SUFFICIENCY', 'ARTICLES']))
  })
})

describe('planted in sequences', () => {
  it.each([
    [1, 'PASS', /lag 1/],
    [2, 'FAIL', /lag 2/],
    [3, 'FAIL', /lag 3/],
    [0, 'FAIL', /lag 0/],
  ] as const)('a target of lag %d is told: %s', async (lag, level, message) => {
    for (const [dim, seed] of [
      [16, 1],
      [48, 2],
    ] as const) {
      const path = await corpus({ dim, seed, rows: 2400, articles: 40 })
      const found = await audited(npz(`lag-${lag}-${dim}.npz`, sequences(path, dim, { lag })))
      expect(findingOf(found, 'TARGET_LAG')).toMatchObject({ level, message: expect.stringMatching(message) })
    }
  })
  it('reversed contexts are told', async () => {
    const found = await audited(npz('reversed.npz', sequences(await corpus({ rows: 2000 }), 32, { reversed: true })))
    expect(findingOf(found, 'TARGET_LAG')).toMatchObject({ level: 'FAIL', message: expect.stringMatching(/reversed/) })
  })
})

describe('two files', () => {
  it.each([
    [16, 1],
    [64, 2],
  ])('a rotated copy is another space (dimension %d, seed %d)', async (dim, seed) => {
    const found = await audited(await corpus({ dim, seed }), [await corpus({ dim, seed }, (v) => rotated(v, dim, seed))])
    expect(codesOf(found, 'FAIL')).toEqual(['SPACE'])
  })
  it('rotated other text is another space too, and other text of one space is not', async () => {
    const base = await corpus({ dim: 64, seed: 5, rows: 4000, articles: 100 })
    const cut = (from: number, to: number, turn: boolean) =>
      corpus({ dim: 64, seed: 5, rows: 4000, articles: 100 }, (v, dim, lines) => {
        // Other text: the rows of the second half of the corpus, twice, under other names.
        const part = v.slice(from * dim, to * dim)
        v.set(part, 0)
        v.set(part, part.length)
        if (turn) rotated(v, dim, 9)
        for (const line of lines) line.article_id = `other ${line.article_id}`
      })
    const card = (path: string) => writeFileSync(path.replace(/npy$/, 'card.json'), '{}')
    const [turned, same] = [await cut(2000, 4000, true), await cut(2000, 4000, false)]
    for (const path of [turned, same]) card(path)
    expect(levelOf(await audited(base, [turned]), 'SPACE')).toBe('FAIL')
    expect(levelOf(await audited(base, [same]), 'SPACE')).not.toBe('FAIL')
  })
  it('other dimensions and other names of encoders are refused', async () => {
    const a = await corpus({ dim: 32 })
    expect(findingOf(await audited(a, [await corpus({ dim: 16 })]), 'SPACE').message).toMatch(/32 numbers beside vectors of 16/)
    expect(findingOf(await audited(a, [await corpus({ dim: 32, seed: 8 })]), 'SPACE').message).toMatch(/cards name two encoders/)
  })
  it('shared articles and shared vectors are named', async () => {
    const a = await corpus({ dim: 64 })
    const renamed = await corpus({ dim: 64 }, (_, __, lines) => {
      for (const line of lines) line.article_id = `b ${line.article_id}`
    })
    const both = await audited(a, [renamed])
    expect(codesOf(both, 'FAIL')).toEqual(['LEAK'])
    expect(findingOf(both, 'LEAK').figures).toMatchObject({ exact: 3000, near: 3000, share: 1 })
    const few = await corpus({ dim: 64, seed: 2 }, (v, dim, lines) => {
      const other = 'x'
      for (const line of lines) line.article_id = other + line.article_id
      v.copyWithin(0, 0, dim)
    })
    expect(levelOf(await audited(a, [few]), 'LEAK')).toBe('PASS')
  })
})

it('writes what it says, and refuses what cannot be read', async () => {
  const out = scratch('audit-out')
  const found = await audit({ data: await corpus({ rows: 400, articles: 10 }), out })
  expect(existsSync(`${out}/audit.json`)).toBe(true)
  const { digest, ...written } = JSON.parse(readFileSync(`${out}/audit.json`, 'utf8'))
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  expect(written).toEqual(JSON.parse(JSON.stringify(found)))
  await refused('FILE_MISSING', audit({ data: scratch('gone.npy') }))
  await refused('BAD_OPTION', audit({ data: 'x', context: 0 }))
  await refused('BAD_OPTION', audit({ data: 'x', colour: 'red' }))
})
