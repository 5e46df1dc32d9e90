import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { audited, codesOf, corpus, findingOf, levelOf, rotated } from '../evaluate/corpus.js'

beforeAll(() => native.setThreads(1))

describe('two files', () => {
  it.each([
    [16, 1],
    [64, 2],
  ])('SPACE fails for a rotated copy (dimension %d, seed %d)', async (dim, seed) => {
    const found = await audited(await corpus({ dim, seed }), [await corpus({ dim, seed }, (v) => rotated(v, dim, seed))])
    expect(codesOf(found, 'FAIL')).toEqual(['SPACE'])
  })
  it('SPACE fails for other text after a rotation, and passes other text of the same space', async () => {
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
  it('SPACE fails for another dimension and another encoder name', async () => {
    const a = await corpus({ dim: 32 })
    expect(findingOf(await audited(a, [await corpus({ dim: 16 })]), 'SPACE').message).toMatch(/32 numbers beside vectors of 16/)
    expect(findingOf(await audited(a, [await corpus({ dim: 32, seed: 8 })]), 'SPACE').message).toMatch(/cards name two encoders/)
  })
  it('SHARED_ARTICLES and LEAK list shared articles and shared vectors', async () => {
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
