import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { delay, delayOfTraining } from './loop.js'
import { TINY, vectorFile } from './runs.js'

it('a training does not block the event loop', async () => {
  const data = await vectorFile('base', { articles: 20, dim: 64 })
  const idle = await delay(() => sleep(500))
  const { preset: _, ...options } = TINY
  const { p99, events } = await delayOfTraining({
    ...options,
    model: 'lstm',
    data,
    width: 256,
    epochs: 4,
    saveEvery: 10,
    name: 'loop',
  })
  expect(events).toBeGreaterThan(10)
  expect(p99).toBeLessThan(50 + 3 * idle.p99) // a loose bound for busy machines; the long suite is strict
})
