import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TrainOptions, train } from '../../lib/index.js'
import { readRuns } from '../../lib/report/reported-runs.js'
import { chosenRate, RATES } from '../../lib/train/tested-rates.js'
import { comparable, contentOf, historyOf, manifestOf, nth, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})

/** Losses that fall around one rate and rise steeply from another one on, with the noise of batches. */
function losses(fall: number, rise: number) {
  const untrained = RATES.map((_, i) => 1 + 0.3 * Math.sin(7 * i))
  const trained = RATES.map((lr, i) => {
    const down = 0.5 / (1 + (lr / fall) ** 2)
    return untrained[i]! * (0.5 + down + Math.min(5, (lr / rise) ** 3))
  })
  return [untrained, trained] as const
}

describe('the chosen rate', () => {
  it.each([
    [1e-4, 1e-2],
    [1e-3, 1e-1],
    [1e-2, 0.5],
  ])(
    'lies between the steepest descent around %f and a tenth of the lowest loss before %f, whatever the batches',
    (fall, rise) => {
      const [untrained, run] = losses(fall, rise)
      const { lr, lowest, steepest, usual, diverged } = chosenRate(untrained, run, 5e-4)
      expect(steepest).toBeGreaterThan(fall / 3)
      expect(steepest).toBeLessThan(fall * 3)
      expect(lowest).toBeGreaterThan(fall)
      expect(lowest).toBeLessThan(rise)
      expect(lr).toBeCloseTo(Math.sqrt((steepest! * lowest!) / 10), 3)
      expect({ usual, diverged }).toEqual({ usual: 5e-4, diverged: false })
    },
  )
  it('is at least a factor of three below the lowest loss, also where the loss diverges right after it', () => {
    const [untrained, run] = losses(1e-2, 1)
    const cut = run.slice(0, 70)
    const { lr, lowest, diverged } = chosenRate(untrained, cut, 5e-4)
    expect(diverged).toBe(true)
    expect(lr).toBeLessThan(lowest! / 3)
  })
  it('is not below the rate of the recipe, unless a tenth of the lowest loss is', () => {
    const [untrained, run] = losses(1e-4, 1e-1)
    const { lr: free, lowest } = chosenRate(untrained, run, 1e-6)
    const tenth = Number((lowest! / 10).toPrecision(2))
    expect(free).toBeLessThan(tenth)
    expect(chosenRate(untrained, run, 0.9 * tenth).lr).toBeCloseTo(0.9 * tenth, 4)
    expect(chosenRate(untrained, run, 100 * tenth).lr).toBe(tenth)
  })
  it.each([
    ['a loss that only rises', RATES.map((lr) => 1 + lr)],
    ['a loss that stays', RATES.map(() => 1)],
    ['a loss of 0', RATES.map(() => 0)],
  ])('is that of the recipe with %s', (_, run) => {
    const untrained = run[0] === 0 ? run : RATES.map(() => 1)
    expect(chosenRate(untrained, run, 3e-4)).toMatchObject({ lr: 3e-4, lowest: null, steepest: null })
  })
})

const start = (more: Partial<TrainOptions>) => trained({ ...TINY, model: 'lstm', data, ...more } as TrainOptions)
const testOf = (events: Awaited<ReturnType<typeof trained>>) => events.find((event) => event.type === 'lr_test')!

it('a report reads the test of a run, and none where no rate was tested', async () => {
  const { lr, curve } = testOf(await start({ name: 'reported', lr: 'auto', epochs: 1 }))
  await start({ name: 'unreported', epochs: 1 })
  const runs = await readRuns(TINY.out, [], { only: ['reported', 'unreported'] })
  expect(runs.map(({ lr_test }) => lr_test)).toEqual([expect.objectContaining({ lr, curve }), null])
})

it.each([
  ['plain', {}],
  ['averaged', { ema: 0.9, accumulate: 2, objective: 'sequence', schedule: 'warmup-cosine' }],
  ['contrastive', { loss: 'contrastive', negatives: 64, epochs: 1 }],
] as const)('a training whose rate was tested equals one with that rate given: %s', async (name, more) => {
  const events = await start({ name: `${name}-auto`, lr: 'auto', ...more } as Partial<TrainOptions>)
  const { lr, curve } = testOf(events)
  expect(curve.length).toBeGreaterThan(30)
  await start({ name: `${name}-given`, lr, ...more } as Partial<TrainOptions>)
  const [auto, given] = [`${name}-auto`, `${name}-given`].map((run) => join(TINY.out, run)) as [string, string]
  expect(comparable(historyOf(auto))).toEqual(comparable(historyOf(given)))
  for (const file of ['best_model.pt', 'final_model.pt'])
    expect([...(await contentOf(join(auto, file)))]).toEqual([...(await contentOf(join(given, file)))])
  expect(manifestOf(auto).options.train).toMatchObject({ lr })
  expect(manifestOf(auto).progress).toMatchObject({ lr_test: { lr, curve } })
  expect(manifestOf(given).progress).not.toHaveProperty('lr_test')
})

it('the data is shown and audited before the test, and the untrained losses are those of the batches', async () => {
  const events = await start({ name: 'order', lr: 'auto', epochs: 1 })
  const kinds = events.map(({ type }) => type).filter((type) => !['lr_test_progress', 'warning'].includes(type))
  expect(kinds.indexOf('lr_test')).toBe(kinds.lastIndexOf('audit') + 1)
  expect(kinds.slice(0, 2)).toEqual(['start', 'audit'])
  const [first, ...next] = testOf(events).curve
  expect(first!.trained).toBe(first!.untrained)
  for (const { untrained, trained } of next.slice(0, 10)) expect(Math.abs(trained / untrained - 1)).toBeLessThan(1e-3) // same batches, same dropout
})

it('resume keeps the tested rate without another test, with or without the option', async () => {
  const { lr } = testOf(await start({ name: 'whole', lr: 'auto', epochs: 4 }))
  await trained({ ...TINY, model: 'lstm', data, name: 'cut', lr: 'auto', epochs: 4 }, nth('epoch', 2))
  await trained({ ...TINY, model: 'lstm', data, name: 'cut', lr: 'auto', epochs: 4, resume: true }, nth('epoch', 1))
  const events = await start({ name: 'cut', epochs: 4, resume: true })
  expect(testOf(events)).toBeUndefined()
  expect(resultOf(events).stopped).toBe('done')
  const [whole, cut] = [join(TINY.out, 'whole'), join(TINY.out, 'cut')]
  expect(comparable(historyOf(cut))).toEqual(comparable(historyOf(whole)))
  expect(manifestOf(cut).progress).toMatchObject({ lr_test: { lr } })
})

it('a stop during the test leaves no run behind and does not speak of resuming', async () => {
  const controller = new AbortController()
  const events: string[] = []
  const stopped = (async () => {
    const options = { ...TINY, preset: 'target', batchSize: 64, model: 'lstm', data, name: 'stopped', lr: 'auto' } as const
    for await (const event of train(options, { signal: controller.signal })) {
      events.push(event.type)
      if (event.type === 'lr_test_progress') controller.abort()
    }
  })()
  await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED', hint: 'start it again' })
  expect(events).not.toContain('lr_test')
  expect(existsSync(join(TINY.out, 'stopped', 'manifest.json'))).toBe(false)
  expect(resultOf(await start({ name: 'stopped', lr: 1e-3, epochs: 1 })).stopped).toBe('done')
})

it('a word other than auto, several processes and a run with a given rate are refused', async () => {
  await expect(start({ lr: 'fast' as 'auto' })).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: expect.stringContaining('or auto'),
  })
  await expect(start({ lr: 'auto', processes: 2 })).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: expect.stringContaining('a number with several processes'),
    hint: expect.stringContaining('one process'),
  })
  await start({ name: 'numbered', lr: 1e-3, epochs: 1 })
  await expect(start({ name: 'numbered', lr: 'auto', resume: true })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

it('data that cannot be trained on is refused before the test', async () => {
  const broken = await vectorFile('leak', { change: (v) => v.copyWithin(v.length / 2, 0, v.length / 2) })
  const seen: string[] = []
  const run = (async () => {
    for await (const event of train({ ...TINY, model: 'lstm', data: broken, name: 'leak', lr: 'auto' })) seen.push(event.type)
  })()
  await expect(run).rejects.toMatchObject({ code: 'GATE_FAILED' })
  expect(seen).not.toContain('lr_test')
})
