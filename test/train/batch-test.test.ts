import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { sizesTested } from '../../bin/size-table.js'
import { type TrainOptions, train } from '../../lib/index.js'
import { chosenSize, sizesFor } from '../../lib/train/batch-test.js'
import { comparable, contentOf, historyOf, manifestOf, nth, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
const { batchSize: _, ...usual } = TINY
const start = (more: object) => trained({ ...usual, model: 'lstm', data, ...more } as TrainOptions)
const testOf = (events: Awaited<ReturnType<typeof trained>>) => events.find((event) => event.type === 'batch_test')!

it.each([
  [36_801, 1, 8, 4096],
  [1244, 1, 8, 128],
  [1244, 4, 8, 32],
  [64, 1, 8, 8],
  [63, 1, 4, 4],
  [5, 1, 1, 1],
])(
  'sizes for %i windows and %i batches a step go from %i to %i, with 8 steps an epoch where that is possible',
  (windows, accumulate, first, last) => {
    const sizes = sizesFor(windows, accumulate)
    expect([sizes[0], sizes.at(-1)]).toEqual([first, last])
    for (const [i, size] of sizes.entries()) expect(size).toBe(first * 2 ** i)
  },
)

it.each([
  [[100, 200, 300], 32],
  [[100, 290, 300], 16],
  [[100, 280, 300], 32],
  [[300, 200, 100], 8],
  [[5], 8],
])('of sizes 8, 16, … with speeds %j, %i is the smallest within 5 percent of the fastest', (speeds, expected) => {
  const sizes = speeds.map((samples_per_second, i) => ({ batch_size: 8 * 2 ** i, samples_per_second }))
  expect(chosenSize(sizes)).toBe(expected)
})

it('a training whose batch was tested equals one with that size given, and its rate is tested with the batch', async () => {
  const both = { batchSize: 'auto', lr: 'auto', ema: 0.9, accumulate: 2 }
  const events = await start({ name: 'auto', ...both })
  const { batch_size, sizes, ended } = testOf(events)
  const { lr } = events.find((event) => event.type === 'lr_test')!
  const kinds = events.map(({ type }) => type)
  expect(kinds.indexOf('batch_test')).toBeGreaterThan(kinds.lastIndexOf('audit'))
  expect(kinds.indexOf('lr_test')).toBeGreaterThan(kinds.indexOf('batch_test'))
  expect(kinds.filter((type) => type === 'batch_test_progress')).toHaveLength(sizes.length)
  for (const size of sizes) expect(size.samples_per_second).toBeGreaterThan(0)
  expect(['steps', 'slower']).toContain(ended)

  await start({ name: 'given', ...both, batchSize: batch_size, lr })
  const [auto, given] = [join(TINY.out, 'auto'), join(TINY.out, 'given')]
  expect(comparable(historyOf(auto))).toEqual(comparable(historyOf(given)))
  expect([...(await contentOf(join(auto, 'final_model.pt')))]).toEqual([...(await contentOf(join(given, 'final_model.pt')))])
  expect(manifestOf(auto).options.train).toMatchObject({ batchSize: batch_size, lr })
  expect(manifestOf(auto).progress).toMatchObject({ batch_test: { batch_size, sizes }, lr_test: { lr } })
})

it('resume keeps the tested size without another test', async () => {
  await trained({ ...usual, model: 'lstm', data, name: 'cut', batchSize: 'auto', epochs: 3 }, nth('epoch', 2))
  const { batchSize } = manifestOf(join(TINY.out, 'cut')).options.train
  const events = await start({ name: 'cut', batchSize: 'auto', epochs: 3, resume: true })
  expect(testOf(events)).toBeUndefined()
  expect(resultOf(events).stopped).toBe('done')
  expect(manifestOf(join(TINY.out, 'cut')).options.train).toMatchObject({ batchSize })
})

it('a stop during the test leaves no run behind', async () => {
  const controller = new AbortController()
  const stopped = (async () => {
    const options = { ...usual, model: 'lstm', data, name: 'stopped', batchSize: 'auto' } as const
    for await (const event of train(options, { signal: controller.signal }))
      if (event.type === 'batch_test_progress') controller.abort()
  })()
  await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED', hint: 'start it again' })
  expect(existsSync(join(TINY.out, 'stopped', 'manifest.json'))).toBe(false)
})

it('several processes, batches of whole articles and a run with a given size are refused', async () => {
  const refused = (more: object) => expect(start({ batchSize: 'auto', ...more })).rejects
  await refused({ processes: 2 }).toMatchObject({ code: 'BAD_OPTION', hint: expect.stringContaining('one process') })
  await refused({ recipe: 'small' }).toMatchObject({ code: 'BAD_OPTION', hint: expect.stringContaining('batchVectors') })
  await refused({ batchSize: 'big' }).toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining('or auto') })
  await start({ name: 'numbered', batchSize: 16, epochs: 1 })
  await refused({ name: 'numbered', resume: true }).toMatchObject({ code: 'BAD_OPTION' })
})

it('the table of sizes marks the chosen one and says why the test ended', () => {
  const size = (batch_size: number) => ({ batch_size, samples_per_second: 1000, memory_bytes: 6e8 })
  const text = sizesTested({
    version: 1,
    type: 'batch_test',
    batch_size: 16,
    usual: 32,
    sizes: [size(8), size(16)],
    ended: 'memory',
  })
  expect(text).toMatch(/^ +16 .*◀$/m)
  expect(text).toContain('does not fit in memory; --batch-size 16 is used (the recipe has 32)')
})
