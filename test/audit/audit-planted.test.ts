import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { permutation, random } from '../../lib/statistics/random.js'
import { cases } from '../cases.js'
import { audited, codesOf, corpus, findingOf, type Line, levelOf, npz, rotated, sequences } from '../evaluate/corpus.js'

beforeAll(() => native.setThreads(1))

const articlesOf = (lines: readonly Line[]) => [...new Set(lines.map((line) => line.article_id))]
/** Selects the corrupted rows: a stretch, every n-th article, or random rows. */
const chosen = {
  contiguous: (share: number, lines: readonly Line[]) => (row: number) =>
    row >= 0.3 * lines.length && row < (0.3 + share) * lines.length,
  'interleaved articles': (share: number, lines: readonly Line[]) => {
    const held = new Set(articlesOf(lines).filter((_, i) => i % Math.round(1 / share) === 1 % Math.round(1 / share)))
    return (row: number) => held.has(lines[row]!.article_id)
  },
  'random rows': (share: number) => (row: number) => random(9, row) < share,
} as const
const arrangements = Object.keys(chosen) as (keyof typeof chosen)[]

describe('a base that mixes spaces', () => {
  const turn = (share: number, how: keyof typeof chosen) => (v: Float32Array, dim: number, lines: Line[]) => {
    const other = v.slice()
    rotated(other, dim, 4)
    const is = chosen[how](share, lines)
    for (let row = 0; row < lines.length; row++) if (is(row)) v.set(other.subarray(row * dim, (row + 1) * dim), row * dim)
  }
  it.each(
    cases(
      arrangements.flatMap((how) => [0.05, 0.25, 0.5].map((share) => [how, share] as const)),
      ...[0, 4, 8],
    ),
  )('MIXED reports rotated rows of a base: %s, share %d', async (how, share) => {
    const found = await audited(await corpus({ kind: 'reversible', dim: 64, rows: 4000, seed: 6 }, turn(share, how)))
    expect(levelOf(found, 'MIXED')).toBe('FAIL')
    expect(findingOf(found, 'MIXED').message).toMatch(/another space than the rest/)
  })
  it('MIXED reports rotated rows in every article when articles have little in common', async () => {
    const found = await audited(await corpus({ kind: 'reversible', dim: 384, rows: 2400, seed: 8 }, turn(0.5, 'random rows')))
    expect(levelOf(found, 'MIXED')).toBe('FAIL')
  })
  it('MIXED lists the rows of the other space', async () => {
    const found = await audited(await corpus({ kind: 'reversible', dim: 64, rows: 4000, seed: 6 }, turn(0.25, 'contiguous')))
    for (const row of findingOf(found, 'MIXED').rows) expect(row >= 1200 && row < 2200).toBe(true)
  })
  it.each([
    [96, 1.5],
    [384, 0.7],
  ])('MIXED warns when every fourth article has another offset: %d dimensions, offset %d', async (dim, offset) => {
    const found = await audited(
      await corpus({ kind: 'reversible', dim, rows: 4000, seed: 6 }, (v, dim, lines) => {
        const is = chosen['interleaved articles'](0.25, lines)
        for (let row = 0; row < lines.length; row++) {
          if (!is(row)) continue
          const vector = v.subarray(row * dim, (row + 1) * dim)
          vector[0]! += offset
          const length = Math.hypot(...vector)
          vector.set(vector.map((x) => x / length))
        }
      }),
    )
    expect(findingOf(found, 'MIXED')).toMatchObject({ level: 'WARN', message: expect.stringMatching(/another offset/) })
    expect(codesOf(found, 'FAIL')).toEqual([])
  })
})

describe('clean rows whose neighbours are less similar than rows farther apart', () => {
  const turned = (v: Float32Array, dim: number) => {
    for (let row = 0; row < v.length / dim; row += 2) for (let i = row * dim; i < (row + 1) * dim; i++) v[i] = -v[i]!
  }
  it('contexts whose adjacent rows are less similar than distant ones are not reported as reversed', async () => {
    const path = await corpus({ kind: 'reversible', dim: 64, rows: 3000, seed: 7 }, turned)
    expect(levelOf(await audited(path), 'TARGET_LAG')).toBe('PASS')
    expect(levelOf(await audited(npz('turned.npz', sequences(path, 64))), 'TARGET_LAG')).toBe('PASS')
  })
})

describe('ids that do not fit the rows', () => {
  const shifted = (by: number, is: (article: number) => boolean) => (_: Float32Array, __: number, lines: Line[]) => {
    const ids = lines.map((line) => line.article_id)
    const numbers = new Map(articlesOf(lines).map((id, i) => [id, i]))
    lines.forEach((line, row) => {
      const from = ids[(row + by + ids.length) % ids.length]!
      if (is(numbers.get(from)!)) line.article_id = row + by < ids.length && row + by >= 0 ? from : ids[row]!
    })
    const seen = new Map<string, number>()
    for (const line of lines) {
      line.index = seen.get(line.article_id) ?? 0
      seen.set(line.article_id, line.index + 1)
    }
  }
  it.each(cases([1, 3, -2, 17, 400], 0, 2))('BORDERS reports ids that are all shifted by %d rows', async (by) => {
    const found = await audited(
      await corpus(
        { rows: 4000, articles: 80, dim: 48, seed: 2 },
        shifted(by, () => true),
      ),
    )
    expect(findingOf(found, 'BORDERS')).toMatchObject({ level: 'FAIL', figures: { shift: by } })
  })
  it.each(cases([2, 4], 1))('BORDERS reports ids shifted by 2 rows in one article of %d', async (every) => {
    const found = await audited(
      await corpus(
        { rows: 6000, articles: 120, dim: 48, seed: 2 },
        shifted(2, (article) => Math.floor(article / 12) % every === 0),
      ),
    )
    expect(findingOf(found, 'BORDERS')).toMatchObject({ level: 'FAIL', figures: { shift: 2 } })
  })
  it.each(cases([6, 60, 400], 0))('BORDERS passes clean data of %d articles', async (articles) => {
    const found = await audited(await corpus({ rows: 4000, articles, dim: 48, seed: articles }))
    expect(levelOf(found, 'BORDERS')).toBe('PASS')
    expect(codesOf(found, 'FAIL')).toEqual([])
  })
})

describe('a scrambled stretch', () => {
  it.each(cases([0.1, 0.25, 0.5], 0))('REGIONS reports a scrambled stretch of %d of the corpus', async (share) => {
    const found = await audited(
      await corpus({ rows: 6000, articles: 200, dim: 48, seed: 4 }, (v, dim, lines) => {
        const rows = [...lines.keys()].filter(chosen.contiguous(share, lines))
        const before = v.slice()
        const order = permutation(rows.length, 1)
        rows.forEach((row, i) => {
          v.set(before.subarray(rows[order[i]!]! * dim, (rows[order[i]!]! + 1) * dim), row * dim)
        })
      }),
    )
    expect(findingOf(found, 'REGIONS')).toMatchObject({
      level: 'FAIL',
      message: expect.stringMatching(/no more similar than random pairs/),
    })
  })
})
