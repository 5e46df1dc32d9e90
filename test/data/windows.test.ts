import { describe, expect, it } from 'vitest'
import type { Base } from '../../lib/data/base.js'
import { contextOf, contextRows, lastOf, lengthOf, makeWindows, requireWindows, shortestOf } from '../../lib/data/windows.js'
import { LvmError } from '../../lib/errors.js'
import { baseOf } from '../files/fixture.js'

const list = (array: ArrayLike<number>) => Array.from(array)
const sequences = (rows: number, context: number, more: Partial<Base> = {}): Base => {
  const { articles: _, ...base } = baseOf([])
  return { ...base, kind: 'sequences', rows, context, ...more }
}

describe('windows of a base', () => {
  it('windows stay inside one article', () => {
    const windows = makeWindows(baseOf([4, 2, 3]), 2)
    expect(list(windows.first)).toEqual([0, 1, 6])
    expect(list(windows.target)).toEqual([2, 3, 8])
    expect(list(windows.article)).toEqual([0, 0, 2])
    expect(windows).toMatchObject({ count: 3, context: 2, dim: 8 })
    expect(windows.crosses).toBeUndefined()
  })

  it('windows cross articles only with `cross`, which marks those that do', () => {
    const windows = makeWindows(baseOf([4, 2, 3]), 2, { cross: true })
    expect(windows.count).toBe(9 - 2)
    expect(list(windows.target)).toEqual([2, 3, 4, 5, 6, 7, 8])
    expect(list(windows.article)).toEqual([0, 0, 1, 1, 2, 2, 2])
    expect(list(windows.crosses!)).toEqual([0, 0, 1, 1, 1, 1, 0])
  })

  it('windows do not span a gap in the positions', () => {
    const base = { ...baseOf([6]), positions: Int32Array.of(0, 1, 2, 4, 5, 6) }
    expect(list(makeWindows(base, 2).target)).toEqual([2, 5])
    expect(makeWindows(base, 2, { cross: true }).count).toBe(4)
  })

  it('windows treat all rows as one text without article ids', () => {
    const { articles: _, ...base } = baseOf([5, 5])
    expect(makeWindows(base, 3).count).toBe(7)
  })

  it('there are no windows when every article is too short', () => {
    expect(makeWindows(baseOf([3, 3]), 3).count).toBe(0)
    expect(makeWindows(baseOf([3]), 10, { cross: true }).count).toBe(0)
  })

  it.each([0, -1, 1.5, Number.NaN])('makeWindows refuses a context of %s', (context) => {
    expect(() => makeWindows(baseOf([4]), context)).toThrow(/"context"/)
  })
})

describe('stored sequences', () => {
  it('windows of stored sequences are all their vectors, or the last ones', () => {
    expect(list(makeWindows(sequences(3, 5), 5).first)).toEqual([0, 5, 10])
    const short = makeWindows(sequences(3, 5), 2)
    expect(list(short.first)).toEqual([3, 8, 13])
    expect(list(short.target)).toEqual([0, 1, 2])
  })
  it('windows of stored sequences keep articles and crossings', () => {
    const articles = { ids: ['a', 'b'], of: Int32Array.of(0, 1, 1) }
    const windows = makeWindows(sequences(3, 5, { articles, crossing: Uint8Array.of(0, 1, 0) }), 5)
    expect(list(windows.article)).toEqual([0, 1, 1])
    expect(list(windows.crosses!)).toEqual([0, 1, 0])
  })
  it('makeWindows refuses a context longer than the stored sequences', () => {
    expect(() => makeWindows(sequences(3, 5), 6)).toThrow(/at most the 5 vectors .* received 6/)
  })
})

describe('windows of a history', () => {
  const article = { context: 2, history: 'article', minHistory: 2 } as const

  it('contexts reach back to the begin of their article, or up to so many vectors', () => {
    const whole = makeWindows(baseOf([5, 2, 4]), article)
    expect(list(whole.target)).toEqual([2, 3, 4, 9, 10])
    expect(list(whole.first)).toEqual([0, 0, 0, 7, 7])
    expect(list(whole.length!)).toEqual([2, 3, 4, 2, 3])
    expect(whole).toMatchObject({ count: 5, context: 4 })
    const three = makeWindows(baseOf([5, 2, 4]), { ...article, history: 3 })
    expect(list(three.length!)).toEqual([2, 3, 3, 2, 3])
    expect(list(three.first)).toEqual([0, 0, 1, 7, 7])
  })

  it.each([2, 3, 7, 'article'] as const)(
    'windows of a history of %s have the targets of windows of its shortest context',
    (history) => {
      const base = baseOf([9, 3, 1, 2, 30, 4])
      for (const minHistory of [1, 2]) {
        const { target, article: of, count } = makeWindows(base, { context: 5, history, minHistory })
        expect({ target, article: of, count }).toEqual(expect.objectContaining({ target: makeWindows(base, minHistory).target }))
        expect(of).toEqual(makeWindows(base, minHistory).article)
      }
    },
  )

  it('a history of no more than the shortest context gives the windows of that context', () => {
    for (const cross of [false, true]) {
      const base = baseOf([9, 3, 30])
      expect(makeWindows(base, { context: 1, history: 5, minHistory: 5 }, { cross })).toEqual(makeWindows(base, 5, { cross }))
    }
  })

  it('an article of one vector more than the shortest context has one target', () => {
    expect(makeWindows(baseOf([6]), { context: 5, history: 'article', minHistory: 5 })).toMatchObject({ count: 1, context: 5 })
    expect(makeWindows(baseOf([5]), { context: 5, history: 'article', minHistory: 5 }).count).toBe(0)
  })

  it('contexts do not reach over a gap in the positions', () => {
    const base = { ...baseOf([7]), positions: Int32Array.of(0, 1, 2, 3, 5, 6, 7) }
    const windows = makeWindows(base, article)
    expect(list(windows.target)).toEqual([2, 3, 6])
    expect(list(windows.first)).toEqual([0, 0, 4])
  })

  it('contexts reach over the borders of articles with `cross`, which marks those that do', () => {
    const windows = makeWindows(baseOf([4, 3]), { ...article, history: 3 }, { cross: true })
    expect(list(windows.length!)).toEqual([2, 3, 3, 3, 3])
    expect(list(windows.crosses!)).toEqual([0, 0, 1, 1, 1])
  })

  it('windows of stored sequences have up to so many vectors, and at most the stored ones', () => {
    expect(list(makeWindows(sequences(2, 5), { ...article, history: 3 }).first)).toEqual([2, 7])
    expect(makeWindows(sequences(2, 5), { ...article, history: 12 })).toMatchObject({ context: 5, count: 2 })
    expect(makeWindows(sequences(2, 5), article)).toMatchObject({ context: 5, count: 2 })
    expect(() => makeWindows(sequences(2, 5), { ...article, minHistory: 6 })).toThrow(
      /at most the 5 vectors .* for "minHistory" but received 6/,
    )
  })

  it.each([
    [{ history: 3, minHistory: 5 }, /"history" .*at least "minHistory" 5|at least "minHistory" 5 for "history"/],
    [{ history: 0, minHistory: 1 }, /"history"/],
    [{ history: 2.5, minHistory: 1 }, /"history"/],
    [{ history: 'article', minHistory: 0 }, /"minHistory"/],
  ] as const)('makeWindows refuses %o', (reach, message) => {
    expect(() => makeWindows(baseOf([9]), { context: 5, ...reach })).toThrow(message)
  })

  it('contextRows are the rows in any of the contexts, and contextOf those of one', () => {
    const windows = makeWindows(baseOf([5, 2, 4]), article)
    expect(list(contextRows(Int32Array.of(0, 3), windows, 11))).toEqual([0, 1, 7, 8])
    expect(list(contextOf(windows, 2))).toEqual([0, 1, 2, 3])
    expect([lengthOf(windows, 1), lastOf(windows, 1), shortestOf(windows)]).toEqual([3, 2, 2])
  })
})

it('requireWindows fails with DATA_TOO_FEW below one batch', () => {
  requireWindows(32, 32)
  expect(() => requireWindows(31, 32)).toThrow(LvmError)
  expect(() => requireWindows(31, 32)).toThrow(/one batch of 32 windows but there are 31/)
})
