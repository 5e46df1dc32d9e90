import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { evaluate, load, predict, rollout } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { json, place, TINY, trained, vectorFile } from '../train/runs.js'

const DIM = 16
const article = join(TINY.out, 'article')
const twelve = join(TINY.out, 'twelve')
const fixed = join(TINY.out, 'fixed')
beforeAll(async () => {
  const data = await vectorFile('unequal', { length: [24, 6, 60, 9, 31, 12] })
  const options = { ...TINY, data, epochs: 1 } as const
  await trained({ ...options, model: 'gru', history: 'article', objective: 'sequence', name: 'article' })
  await trained({ ...options, model: 'gru', history: '12', name: 'twelve' })
  await trained({ ...options, model: 'linformer', history: '12', name: 'fixed' })
}, 180_000)

it('a model with a history says which lengths it was trained on, and predict asks for one of them', async () => {
  using all = await load(article)
  using some = await load(twelve)
  using bound = await load(fixed)
  expect([all, some, bound].map(({ trained }) => trained)).toEqual([
    { shortest: 5, longest: Infinity },
    { shortest: 5, longest: 12 },
    { shortest: 5, longest: 12 },
  ])
  const x = Float32Array.from({ length: 60 * DIM }, (_, i) => Math.sin(i * i))
  expect(await refused('BAD_OPTION', some.predict(x))).toMatch(/vectors in each context.* 5 to 12\).* "context"/)
  expect((await some.predict(x, { context: 6 })).length).toBe(10 * DIM)
  expect((await all.predict(x, { context: 60 })).length).toBe(DIM)
})

it('predict writes the length of each context, and null for a stream', async () => {
  await predict({ run: twelve, out: place('twelve.npy'), rows: 'all' })
  const index = json<{ context: null; lengths: number[]; rows: number[] }>(place('twelve.json'))
  expect(index.context).toBeNull()
  expect(index.lengths).toHaveLength(index.rows.length)
  expect([Math.min(...index.lengths), Math.max(...index.lengths)]).toEqual([5, 12])
  await predict({ run: twelve, out: place('stream.npy'), stream: true })
  expect(json(place('stream.json'))).toMatchObject({ context: null, lengths: null })
})

it.each(['stream', 'window'] as const)('a rollout with memory %s starts every window with its own context', async (memory) => {
  for (const run of [article, twelve]) {
    const { steps, windows, context } = await rollout({ run, steps: 3, memory })
    const { results } = await evaluate({ runs: [run], out: place('judged'), latency: 0 })
    expect(results.runs.at(-1)!.contexts).toEqual({ shortest: 5, longest: 8 })
    const first = await rollout({ run, steps: 1, memory })
    expect(first.steps[0]!.cosine).toBeCloseTo(results.runs.at(-1)!.cosine.mean, 5)
    expect(windows).toBeLessThan(first.windows)
    expect(steps).toHaveLength(3)
    expect(context).toBeGreaterThan(5)
  }
})

it('windows of a rollout grow with the history, so an article without bound is rolled out alike with both memories', async () => {
  const [stream, window] = [
    await rollout({ run: article, steps: 4, memory: 'stream' }),
    await rollout({ run: article, steps: 4, memory: 'window' }),
  ]
  for (const [i, { cosine }] of stream.steps.entries()) expect(cosine).toBeCloseTo(window.steps[i]!.cosine, 5)
  expect((await rollout({ run: fixed, steps: 4 })).memory).toBe('window')
})

it('latency is that of the longest context of the evaluated windows', async () => {
  await evaluate({ runs: [twelve], out: place('timed'), latency: 0.01, rows: 'all' })
  const { runs } = JSON.parse(readFileSync(join(place('timed'), 'inference_benchmarks.json'), 'utf8'))
  expect(runs[0]).toMatchObject({ context: 12 })
})
