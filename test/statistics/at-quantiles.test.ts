import { expect, it } from 'vitest'
import { atQuantiles } from '../../lib/statistics/at-quantiles.js'

it('values at evenly spaced quantiles are the middles of equal groups, the lowest first', () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => (i * 37) % 100)
  expect([...atQuantiles(values, 10)].map((i) => values[i])).toEqual([5, 15, 25, 35, 45, 55, 65, 75, 85, 95])
  expect([...atQuantiles(Float64Array.of(3, 1, 2), 1)]).toEqual([2])
  expect([...atQuantiles(Float64Array.of(3, 1, 2), 5)]).toEqual([1, 2, 0])
  expect([...atQuantiles(Float64Array.of(1, 1, 1, 1), 2)]).toEqual([1, 3])
  expect([...atQuantiles(new Float64Array(0), 3)]).toEqual([])
})
