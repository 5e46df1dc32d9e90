import { describe, expect, it } from 'vitest'
import { groupsOf, segments } from '../../lib/data/segments.js'
import { makeWindows } from '../../lib/data/windows.js'
import { baseOf } from '../files/fixture.js'

const whole = { context: 2, history: 'article', minHistory: 2 } as const
const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i)
const list = (array: ArrayLike<number>) => Array.from(array)

describe('segments', () => {
  it('articles of at most that many vectors are one segment each', () => {
    const windows = makeWindows(baseOf([5, 3, 4]), whole)
    const cut = segments(windows, 100)
    expect(cut).toEqual(windows)
    expect(groupsOf(cut, all(cut.count))).toEqual({ groups: 3, vectors: 4 + 2 + 3 })
  })

  it('windows of a history begin together where their article does', () => {
    const cut = segments(makeWindows(baseOf([6, 4]), { ...whole, history: 3 }), 100)
    expect(list(cut.first)).toEqual([0, 0, 0, 0, 6, 6])
    expect(list(cut.length!)).toEqual([2, 3, 4, 5, 2, 3])
  })

  it('a longer article is cut so that every context keeps at least half of a segment', () => {
    const cut = segments(makeWindows(baseOf([101]), whole), 10)
    expect(cut.context).toBe(10)
    expect(Math.min(...list(cut.length!).slice(8))).toBe(5)
    expect(Math.max(...cut.length!)).toBe(10)
    for (let i = 0; i < cut.count; i++) expect(cut.first[i]! + cut.length![i]!).toBe(cut.target[i])
    const { groups, vectors } = groupsOf(cut, all(cut.count))
    expect(groups).toBe(Math.ceil((100 - 10) / 6) + 1)
    expect(vectors).toBeLessThan(2 * 100)
  })

  it('no context is shorter than the shortest one of the windows', () => {
    const windows = makeWindows(baseOf([40]), { context: 5, history: 6, minHistory: 5 })
    expect(Math.min(...segments(windows, 6).length!)).toBe(5)
    expect(new Set(segments(makeWindows(baseOf([40]), 5), 5).length)).toEqual(new Set([5]))
  })

  it('segments of one vector, and articles with one target, keep every target', () => {
    const windows = makeWindows(baseOf([3, 4]), whole)
    const cut = segments(windows, 1)
    expect(cut.target).toEqual(windows.target)
    expect(list(cut.length!).every((length) => length >= 1)).toBe(true)
  })

  it('windows that cross articles are cut like one text, and gaps end a segment', () => {
    const crossing = segments(makeWindows(baseOf([3, 4]), whole, { cross: true }), 100)
    expect(new Set(crossing.first).size).toBe(1)
    const gap = { ...baseOf([8]), positions: Int32Array.of(0, 1, 2, 3, 10, 11, 12, 13) }
    expect(list(segments(makeWindows(gap, whole), 100).first)).toEqual([0, 0, 4, 4])
  })

  it('there are no groups without windows', () => {
    const none = segments(makeWindows(baseOf([2]), whole), 10)
    expect(groupsOf(none, all(0))).toEqual({ groups: 0, vectors: 0 })
  })
})
