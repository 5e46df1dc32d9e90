import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { permutation } from '../../lib/statistics/random.js'
import { audited, codesOf, corpus, findingOf, type Line, levelOf, openAudit } from '../evaluate/corpus.js'

beforeAll(() => native.setThreads(1))

const swapRows = (vectors: Float32Array, dim: number, rows: readonly number[], seed: number) => {
  const before = vectors.slice()
  const order = permutation(rows.length, seed)
  rows.forEach((row, i) => {
    vectors.set(before.subarray(rows[order[i]!]! * dim, (rows[order[i]!]! + 1) * dim), row * dim)
  })
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('planted in the rows', () => {
  it.each([
    ['NaN', 'FINITE', Number.NaN],
    ['Inf', 'FINITE', Number.POSITIVE_INFINITY],
    ['zeros', 'ZERO_ROWS', 0],
  ] as const)('a row with %s is listed, and all other checks still run', async (_, code, value) => {
    const found = await audited(await corpus({}, (v, dim) => v.fill(value, 77 * dim, 78 * dim)))
    expect(codesOf(found, 'FAIL')).toEqual([code])
    expect(findingOf(found, code).rows).toEqual([77])
    expect(levelOf(found, 'ORDER')).toBe('PASS')
  })
  it('vectors whose length is not 1 give a warning', async () => {
    const found = await audited(await corpus({}, (v) => v.set(v.map((x) => 3 * x))))
    expect(findingOf(found, 'NORMS')).toMatchObject({ level: 'WARN', figures: { deviating: 3000 } })
    expect(codesOf(found, 'FAIL')).toEqual([])
  })
  it('copies and near-copies are counted and their rows listed', async () => {
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
  it('a base with more copies than distinct rows fails', async () => {
    const found = await audited(
      await corpus({}, (v, dim) => v.copyWithin(1200 * dim, 0, 1200 * dim).copyWithin(2400 * dim, 0, 600 * dim)),
    )
    expect(levelOf(found, 'DUPLICATES')).toBe('FAIL')
  })
  it('a base from an encoder with constant output fails', async () => {
    const found = await audited(await corpus({ dim: 64 }, (v, dim) => v.set(v.map((x, i) => Number(i % dim === 0) + 0.001 * x))))
    expect(levelOf(found, 'COLLAPSE')).toBe('FAIL')
  })
  it.each([
    [16, 1],
    [64, 2],
    [128, 3],
  ])('vectors shuffled over the whole corpus (dimension %d, seed %d) fail', async (dim, seed) => {
    const found = await audited(await corpus({ dim, seed, rows: 6000 }, (v) => swapRows(v, dim, range(0, 6000), seed)))
    expect(codesOf(found, 'FAIL')).toEqual(['ORDER'])
  })
  it.each([
    [16, 1],
    [64, 2],
  ])('vectors shuffled inside their articles (dimension %d, seed %d) fail', async (dim, seed) => {
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
  it.each([1, 2])('a scrambled stretch fails and its rows are listed (seed %d)', async (seed) => {
    const found = await audited(
      await corpus({ rows: 8000, articles: 400, seed }, (v, dim) => swapRows(v, dim, range(4000, 4800), seed)),
    )
    expect(codesOf(found, 'FAIL')).toEqual(['REGIONS'])
    expect(found.regions.filter(({ odd }) => odd).every(({ from, to }) => to > 4000 && from < 4800)).toBe(true)
  })
  it('duplicate keys, articles that are not consecutive and positions out of order fail', async () => {
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
  it('a context of thousands of vectors is audited on a sample of windows', async () => {
    const found = await openAudit(await corpus({ rows: 4000, articles: 1 }), { context: 2048 })
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(found.sufficiency.windows).toBe(4000 - 2048)
  })
  it('windows that cross articles are reported only when training uses them', async () => {
    const path = await corpus({ rows: 600, articles: 20 })
    expect(levelOf(await openAudit(path, { context: 100 }), 'SUFFICIENCY')).toBe('FAIL')
    expect(levelOf(await openAudit(path, { context: 100, cross: true }), 'SUFFICIENCY')).toBe('WARN')
  })
  it('too little data gives a warning', async () => {
    const found = await audited(await corpus({ rows: 150, articles: 4 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(codesOf(found, 'WARN')).toEqual(expect.arrayContaining(['SUFFICIENCY', 'ARTICLES']))
  })
})
