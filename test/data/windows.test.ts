import { describe, expect, it } from 'vitest'
import type { Base } from '../../lib/data/base.js'
import { makeWindows, requireWindows } from '../../lib/data/windows.js'
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

it('requireWindows fails with DATA_TOO_FEW below one batch', () => {
  requireWindows(32, 32)
  expect(() => requireWindows(31, 32)).toThrow(LvmError)
  expect(() => requireWindows(31, 32)).toThrow(/one batch of 32 windows but there are 31/)
})
