import { expect } from 'vitest'
import { comparable, historyOf } from './runs.js'

/** Figures of a run's history that several processes must reproduce. */
const figuresOf = (run: string) =>
  comparable(historyOf(run)).history.map(({ lr, ...row }) =>
    Object.entries(row).flatMap(([, value]) => (typeof value === 'number' ? [value] : [])),
  )

/** Requires that two histories differ by round-off only. */
export function expectSameHistory(run: string, reference: string, most = 1e-5): void {
  const [rows, expected] = [figuresOf(run), figuresOf(reference)]
  expect(rows.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  for (const [i, row] of rows.entries())
    for (const [j, value] of row.entries())
      expect(Math.abs(value - expected[i]![j]!)).toBeLessThanOrEqual(most * Math.abs(expected[i]![j]!))
}
