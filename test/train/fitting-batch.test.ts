import { expect, it } from 'vitest'
import type { TrainOptions } from '../../lib/index.js'
import { fittingBatch } from '../../lib/train/prepare.js'
import { manifestOf, resultOf, TINY, trained, vectorFile } from './runs.js'

it.each([
  [4096, 36_800, 4096],
  [4096, 32_768, 4096],
  [4096, 32_767, 2048],
  [512, 36_800, 512],
  [4096, 1549, 128],
  [4096, 100, 128],
  [128, 100, 128],
])('a batch of %i vectors is %i vectors in, so many out: %i, for at least 8 steps an epoch', (recommended, vectors, batch) => {
  expect(fittingBatch(recommended, vectors)).toBe(batch)
})

it('the batch of a recipe fits little data, stays as given, and is kept on resume', async () => {
  const data = await vectorFile('fitting', { articles: 40 })
  const start = async (more: Partial<TrainOptions>) => {
    const { batchSize: _, ...usual } = TINY
    const events = await trained({ ...usual, model: 'gru', data, epochs: 1, ...more } as TrainOptions)
    const { run } = resultOf(events)
    const { batch_vectors } = events.find((event) => event.type === 'start')!
    expect(manifestOf(run).options.train).toMatchObject({ batchVectors: batch_vectors })
    return batch_vectors
  }
  expect(await start({ name: 'fitted', recipe: 'strong' })).toBe(128)
  expect(await start({ name: 'own', recipe: 'strong', batchVectors: 512 })).toBe(512)
  expect(await start({ name: 'fitted', resume: true, epochs: 2, extend: 'constant' })).toBe(128)
})

it.each([
  [{}, 'sqrt_dim', 40],
  [{ inputScale: 'whiten' as const }, 'whiten', 40],
  [{}, 'whiten', 240],
])('the inputs of --recipe retrieve with %j are %s on %i articles, also after --resume', async (given, inputScale, articles) => {
  const data = await vectorFile(`scaled-${articles}`, { articles, length: 20 })
  const { batchSize: _, ...usual } = TINY
  const name = `scaled-${articles}-${inputScale}`
  const train = (more: Partial<TrainOptions>) =>
    trained({ ...usual, model: 'gru', data, recipe: 'retrieve', epochs: 1, name, ...given, ...more } as TrainOptions)
  for (const more of [{}, { resume: true, epochs: 2, extend: 'constant' as const }]) {
    const { run } = resultOf(await train(more))
    expect(manifestOf(run).options.model).toMatchObject({ inputScale })
  }
})
