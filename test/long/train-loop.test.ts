import { expect, it } from 'vitest'
import { delayOfTraining } from '../train/loop.js'
import { place, vectorFile } from '../train/runs.js'

it.each(['lstm', 'gru', 'transformer'] as const)(
  'while %s trains at full size, p99 of the event-loop delay is below 20 ms',
  async (model) => {
    const data = await vectorFile('base', { articles: 60, length: 60, dim: 768 })
    const { p99, max } = await delayOfTraining({ model, data, out: place('runs'), epochs: 2, saveEvery: 40 })
    console.log(`${model}: p99 ${p99.toFixed(1)} ms, worst ${max.toFixed(1)} ms`)
    expect(p99).toBeLessThan(20)
  },
)
