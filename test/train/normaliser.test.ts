import { expect, test } from 'vitest'
import { contextRows } from '../../lib/data/windows.js'

test('rows of overlapping contexts are listed once, in ascending order', () => {
  const windows = { first: Int32Array.of(0, 1, 2, 7, 20), context: 3 }
  expect([...contextRows(Int32Array.of(3, 1, 0), windows, 23)]).toEqual([0, 1, 2, 3, 7, 8, 9])
  expect([...contextRows(Int32Array.of(4), windows, 23)]).toEqual([20, 21, 22])
  expect([...contextRows(new Int32Array(0), windows, 23)]).toEqual([])
})

test('listing the rows of 150,000 contexts of 1,024 rows takes time and memory in proportion to the rows', () => {
  const windows = { first: Int32Array.from({ length: 150_000 }, (_, i) => i), context: 1024 }
  const start = performance.now()
  const rows = contextRows(windows.first, windows, 151_023)
  expect(rows.length).toBe(151_023)
  expect(rows.at(-1)).toBe(151_022)
  expect(performance.now() - start).toBeLessThan(2000) // listing each context separately would give 154 million rows
})
