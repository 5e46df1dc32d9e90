import { describe, expect, it } from 'vitest'
import { countExcluded, exclusions, listExcluded, type Places } from '../../lib/evaluate/exclusions.js'
import { randomIndex } from '../../lib/statistics/random-index.js'

/** Windows of one article in which every context begins at the first row. */
function article(rows: number) {
  const target = Int32Array.from({ length: rows - 5 }, (_, i) => i + 5)
  const windows = { context: rows - 1, length: target, dim: 1, first: new Int32Array(rows - 5), target, article: target }
  return { windows, ids: Int32Array.from(target.keys()) }
}

describe('the rows that a pool leaves out', () => {
  const draw = randomIndex(4)
  const kept = Int32Array.from({ length: 40 }, () => draw(2))
  const scattered = Int32Array.from({ length: 40 }, () => draw(30) - 3)
  const shifted = Int32Array.from({ length: 40 }, (_, row) => (row % 9 === 8 ? 2 : 100 + row))
  const placesOf: Record<string, { places: Places; of: (row: number) => number }> = {
    'all rows': { places: { before: (row) => row }, of: (row) => row },
    'a sample of the rows': {
      places: { before: (row) => kept.subarray(0, row).reduce((sum, one) => sum + one, 0) },
      of: (row) => (kept[row] === 1 ? kept.subarray(0, row).reduce((sum, one) => sum + one, 0) : -1),
    },
    'another file in another order, with near-copies and without some rows': {
      places: { of: (row) => Math.max(-1, scattered[row]!) },
      of: (row) => Math.max(-1, scattered[row]!),
    },
    'another file with the rows in order, of which some have copies': {
      places: { of: (row) => shifted[row]! },
      of: (row) => shifted[row]!,
    },
  }
  it.each(
    Object.entries(placesOf).flatMap(([pool, o]) => (['seen', 'context'] as const).map((exclude) => ({ pool, exclude, ...o }))),
  )('a pool of $pool leaves out each row of the context once ($exclude), and never the target', ({ exclude, places, of }) => {
    const { windows, ids } = article(40)
    const target = ids.map((id) => (of(windows.target[id]!) < 0 ? 17 : of(windows.target[id]!)))
    const made = exclusions({ windows, ids }, target, { exclude, places })
    const { first, excluded } = listExcluded(made, 0, ids.length)
    let total = 0
    for (const id of ids) {
      const seen = Array.from({ length: exclude === 'seen' ? windows.length[id]! : 5 }, (_, age) => windows.target[id]! - 1 - age)
      const own = target[id]!
      const expected = new Set(seen.map(of).filter((row) => row >= 0 && row !== own))
      expect([...excluded.subarray(first[id]!, first[id + 1]!)]).toEqual([...expected].sort((a, b) => a - b))
      expect([...listExcluded(made, id, 1).excluded]).toEqual([...expected].sort((a, b) => a - b))
      total += expected.size
    }
    expect(countExcluded(made)).toBe(total)
  })
  it('an article of 200,000 vectors needs one range for each of its targets', () => {
    const { windows, ids } = article(200_000)
    for (const places of [{ before: (row: number) => row }, { of: (row: number) => row + 7 }]) {
      const made = exclusions(
        { windows, ids },
        ids.map((id) => windows.target[id]! + 7),
        { exclude: 'seen', places },
      )
      expect(made.begin.length).toBe(ids.length)
      expect(countExcluded(made)).toBe((200_000 * 199_999) / 2 - 10)
    }
  })
})
