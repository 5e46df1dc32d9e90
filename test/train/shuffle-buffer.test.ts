import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { load, type TrainOptions } from '../../lib/index.js'
import { comparable, contentOf, historyOf, nth, place, TINY, trained, vectorFile } from './runs.js'

const run = (name: string) => place(`runs/${name}`)
const [ARTICLES, LENGTH, DIM, CONTEXT] = [200, 15, 16, 5]

/** Loss of every window, in the order of the targets. */
async function windowLosses(run: string, vectors: Float32Array): Promise<number[]> {
  const model = await load(run)
  const losses: number[] = []
  for (let article = 0; article < ARTICLES; article++) {
    const rows = vectors.subarray(article * LENGTH * DIM, (article + 1) * LENGTH * DIM)
    const targets = Array.from({ length: LENGTH - CONTEXT }, (_, i) => i + CONTEXT)
    const contexts = targets.flatMap((target) => [...rows.subarray((target - CONTEXT) * DIM, target * DIM)])
    const raw = await model.predict(Float32Array.from(contexts), { raw: true })
    for (const [i, target] of targets.entries())
      losses.push(
        rows.subarray(target * DIM, (target + 1) * DIM).reduce((sum, x, d) => sum + (x - raw[i * DIM + d]!) ** 2, 0) / DIM,
      )
  }
  model.dispose()
  return losses
}

/** Windows of the steps of an epoch with batches of one window, which are recognised by their losses. */
async function windowsOf(name: string, options: Partial<TrainOptions>): Promise<number[]> {
  let vectors = new Float32Array()
  const keep = (v: Float32Array) => {
    vectors = v.slice()
  }
  const data = await vectorFile('lengths', { articles: ARTICLES, length: LENGTH, dim: DIM, noise: true, change: keep })
  const fixed = { batchSize: 1, epochs: 1, lr: 1e-12, weightDecay: 0, logEvery: 1, force: true, context: CONTEXT } as const
  await trained({ ...TINY, ...fixed, ...options, model: 'mlp', data, name } as TrainOptions)
  const losses = await windowLosses(run(name), vectors)
  const order = losses.map((_, window) => window).sort((a, b) => losses[a]! - losses[b]!)
  const sorted = order.map((window) => losses[window]!)
  return readFileSync(join(run(name), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'step')
    .map(({ loss }) => {
      const above = sorted.findIndex((each) => each >= loss)
      const places = [above - 1, above < 0 ? sorted.length - 1 : above].filter((place) => place >= 0)
      const nearest = places.reduce((a, b) => (Math.abs(sorted[a]! - loss) < Math.abs(sorted[b]! - loss) ? a : b))
      return order[nearest]!
    })
}
const parts = (windows: readonly number[], size: number) =>
  Array.from({ length: Math.floor(windows.length / size) }, (_, i) => windows.slice(i * size, (i + 1) * size))
const articles = (windows: readonly number[]) => new Set(windows.map((window) => Math.floor(window / (LENGTH - CONTEXT)))).size

it('a buffer reads few stretches of the data at a time, and an epoch has every window once', async () => {
  const whole = await windowsOf('whole', {})
  const near = await windowsOf('near', { shuffleBuffer: 320 })
  expect(whole.length).toBe(1800)
  for (const windows of [whole, near]) expect(new Set(windows).size).toBeGreaterThan(1780) // a few have nearly the same loss
  // 32 stretches of 10 windows, which touch two articles each
  for (const part of parts(near, 320)) expect(articles(part)).toBeLessThanOrEqual(66)
  for (const part of parts(whole, 320)) expect(articles(part)).toBeGreaterThan(120)
  const neighbours = near.filter((window, i) => i > 0 && window === near[i - 1]! + 1).length
  expect(neighbours).toBeLessThan(30) // the stretches themselves are shuffled
})

it('a buffer of all windows is the usual order, and a stopped run goes on with its own buffer to the bit', async () => {
  const data = await vectorFile('base')
  const train = (name: string, options: Partial<TrainOptions>, stop?: Parameters<typeof trained>[1]) =>
    trained({ ...TINY, model: 'gru', data, name, ...options } as TrainOptions, stop)
  const history = (name: string) => comparable(historyOf(run(name))).history
  await train('usual', {})
  await train('all', { shuffleBuffer: 9999 })
  expect(history('all')).toEqual(history('usual'))
  await train('buffer', { shuffleBuffer: 64 })
  expect(history('buffer').at(-1)).not.toEqual(history('usual').at(-1))
  await train('stopped', { shuffleBuffer: 64, logEvery: 1 }, nth('step', 5))
  await trained({ model: 'gru', out: TINY.out, name: 'stopped', resume: true })
  expect(history('stopped')).toEqual(history('buffer'))
  const weights = (name: string) => contentOf(join(run(name), 'final_model.pt'))
  expect(await weights('stopped')).toEqual(await weights('buffer'))
})

it('whole articles are shuffled in a buffer too, and a buffer of nothing is refused', async () => {
  const data = await vectorFile('articles', { length: [9, 30, 17] })
  const options = { model: 'lstm', data, history: 'article', objective: 'sequence', batchVectors: 64 } as const
  const [usual, near] = [await trained({ ...TINY, ...options, name: 'a' }), await trained({ ...TINY, ...options, name: 'b', shuffleBuffer: 60 })] // biome-ignore format: one line
  const samples = (events: typeof usual) => events.filter(({ type }) => type === 'epoch').length
  expect(samples(near)).toBe(samples(usual))
  await expect(trained({ ...TINY, ...options, name: 'c', shuffleBuffer: 0 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
