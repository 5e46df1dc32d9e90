import { expect, test } from 'vitest'
import { BatchTimes, Lag } from '../../lib/serve/batch-times.js'

const measured = (...batches: readonly (readonly [number, number])[]) => {
  const times = new BatchTimes()
  for (const [contexts, ms] of batches) times.add(contexts, ms)
  return times
}

test('before the first batch no time is expected', () => {
  expect(new BatchTimes().of(100, 8)).toBe(0)
})

test('a part of the time that each batch takes is not counted for each context', () => {
  const batches = Array.from({ length: 200 }, (_, i) => [1 + (i % 5), 4 + 0.75 * (1 + (i % 5))] as const)
  const times = measured(...batches)
  expect(times.of(7, 64)).toBeCloseTo(4 + 0.75 * 7, 3)
  expect(times.of(128, 64)).toBeCloseTo(2 * 4 + 0.75 * 128, 3)
})

test('batches of one size give a time in proportion to the contexts', () => {
  expect(measured([4, 8], [4, 8], [4, 8]).of(12, 4)).toBeCloseTo(24, 6)
})

test('no time is negative, and none of a context exceeds that of the batches', () => {
  const falling = measured(...Array.from({ length: 50 }, (_, i) => [1 + (i % 2), i % 2 === 0 ? 10 : 6] as const))
  expect(falling.of(2, 8)).toBeGreaterThan(0)
  const steep = measured(...Array.from({ length: 50 }, (_, i) => [1 + (i % 2), i % 2 === 0 ? 1 : 10] as const))
  expect(steep.of(1, 8)).toBeGreaterThanOrEqual(0)
})

test('the expected time of a batch follows newer batches more than older ones', () => {
  const times = measured(
    ...Array.from({ length: 40 }, () => [2, 4] as const),
    ...Array.from({ length: 40 }, () => [2, 40] as const),
  )
  expect(times.of(2, 8)).toBeGreaterThan(38)
})

test('the lag follows the longest of the recent requests, and forgets a long stop within 100 answers', () => {
  const lag = new Lag(40)
  for (let i = 0; i < 500; i++) lag.add(i % 20 === 0 ? 20 : 2)
  expect(lag.value).toBeGreaterThan(8)
  expect(lag.value).toBeLessThan(20)
  for (let i = 0; i < 50; i++) lag.add(10_000)
  expect(lag.value).toBeGreaterThan(35)
  expect(lag.value).toBeLessThanOrEqual(40)
  for (let i = 0; i < 100; i++) lag.add(0)
  expect(lag.value).toBeLessThan(20)
  lag.add(-5)
  expect(lag.value).toBeGreaterThanOrEqual(0)
})
