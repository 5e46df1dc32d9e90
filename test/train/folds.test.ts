import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { TrainOptions } from '../../lib/index.js'
import { comparable, contentOf, historyOf, json, manifestOf, place, TINY, trained, vectorFile } from './runs.js'

const [ARTICLES, LENGTH, DIM] = [20, 24, 16]
const run = (name: string) => place(join('runs', name))

it.each<Partial<TrainOptions>>([
  { loss: 'mse', history: 'article', residual: 'memory' } as Partial<TrainOptions>,
  { loss: 'contrastive', negatives: 64 },
  { loss: 'mse+contrastive', select: 'loss', negatives: 64, inputScale: 'standardize' } as Partial<TrainOptions>,
])('training and its best epoch do not depend on the articles that a fold holds out (%j)', async (more) => {
  const fold = async (name: string, data: string) => {
    await trained({
      ...TINY,
      model: 'gru',
      epochs: 3,
      lr: 0.01,
      data,
      name,
      fold: '2/5',
      overwrite: true,
      ...more,
    } as TrainOptions)
    const { history, ...rest } = comparable(historyOf(run(name)))
    const chosen = history.map(({ test_cosine, test_top10, ...row }) => row)
    return { weights: await contentOf(join(run(name), 'best_model.pt')), chosen, rest, history }
  }
  const [one, other] = ['held-a', 'held-b']
  const before = await fold(one, await vectorFile(one, { articles: ARTICLES, length: LENGTH }))
  const { test } = json<{ test: number[] }>(run(one), 'split.json')
  const held = new Set(test.map((row) => Math.floor(row / LENGTH)))
  expect(held.size).toBe(ARTICLES / 5)
  expect(manifestOf(run(one)).split).toMatchObject({ fold: { index: 2, of: 5 }, test: test.length })
  const turn = (v: Float32Array) =>
    v.forEach((x, i) => {
      if (held.has(Math.floor(i / DIM / LENGTH))) v[i] = i % 2 === 0 ? -x : x
    })
  const after = await fold(other, await vectorFile(other, { articles: ARTICLES, length: LENGTH, change: turn }))
  expect(after.weights).toEqual(before.weights)
  expect(after.chosen).toEqual(before.chosen)
  expect(after.rest).toEqual(before.rest)
  const seen = (of: typeof before) => of.history.map(({ test_cosine }) => test_cosine!)
  expect(seen(after)).not.toEqual(seen(before))
  expect(before.history.every(({ test_top10 }) => (test_top10 !== undefined) === (more.loss !== 'mse'))).toBe(true)
})
