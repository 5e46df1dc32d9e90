import { describe, expect, it } from 'vitest'
import { spread, summary, type Train, trainings } from '../../bin/seeds.js'
import { LvmError } from '../../lib/errors.js'
import type { TrainEvent, TrainOptions } from '../../lib/index.js'

const result = (o: TrainOptions, stopped = 'done') =>
  ({
    type: 'result',
    version: 1,
    run: `artifacts/lvm/models/${o.name}`,
    model: o.model,
    stopped,
    best_epoch: 3,
    val_loss: 0.0005 + (o.seed ?? 0) * 1e-5,
    val_cosine: 0.7 + (o.seed ?? 0) / 100,
    seconds: 1,
  }) as Extract<TrainEvent, { type: 'result' }>

async function collect(train: Train, options: Partial<TrainOptions>, count = 3, folds?: number) {
  const events: TrainEvent[] = []
  const seeds = { count, first: 1, name: 'lstm_baseline', folds }
  const all = trainings(train, { model: 'lstm', data: 'x', ...options } as TrainOptions, seeds, {
    signal: new AbortController().signal,
  })
  for await (const event of all) events.push(event)
  return events.map((e) => (e as { run: string }).run.split('/').at(-1))
}

describe('trainings', () => {
  it('a training with several seeds writes one run folder per seed', async () => {
    const asked: TrainOptions[] = []
    const runs = await collect(async function* (o) {
      asked.push(o)
      yield result(o)
    }, {})
    expect(runs).toEqual(['lstm_baseline_seed1', 'lstm_baseline_seed2', 'lstm_baseline_seed3'])
    expect(asked.map((o) => o.seed)).toEqual([1, 2, 3])
  })
  it('folds are one run folder each, and with several seeds they share the split of the first', async () => {
    const asked: TrainOptions[] = []
    const train: Train = async function* (o) {
      asked.push(o)
      yield result(o)
    }
    expect(await collect(train, {}, 1, 2)).toEqual(['lstm_baseline-fold1of2', 'lstm_baseline-fold2of2'])
    expect(asked.map(({ fold, seed }) => [fold, seed])).toEqual([
      ['1/2', undefined],
      ['2/2', undefined],
    ])
    expect((await collect(train, {}, 2, 2))[3]).toBe('lstm_baseline-fold2of2-seed2')
    expect(asked.at(-1)).toMatchObject({ fold: '2/2', seed: 2, splitSeed: 1 })
  })
  it('a training with several seeds ends at the seed that was interrupted', async () => {
    const runs = await collect(async function* (o) {
      yield result(o, o.seed === 2 ? 'interrupted' : 'done')
    }, {})
    expect(runs).toHaveLength(2)
  })
  it('--resume starts the seeds that have no run yet, and passes every other error on', async () => {
    const started: (string | undefined)[] = []
    const missing: Train = async function* (o) {
      if (o.resume && o.seed === 3) throw new LvmError('RUN_MISSING', 'train: there is no run')
      started.push(`${o.seed} ${o.resume}`)
      yield result(o)
    }
    await collect(missing, { resume: true })
    expect(started).toEqual(['1 true', '2 true', '3 false'])
    const locked: Train = async function* (o) {
      if (o.resume) throw new LvmError('RUN_LOCKED', 'train: locked')
      yield result(o)
    }
    await expect(collect(locked, { resume: true })).rejects.toMatchObject({ code: 'RUN_LOCKED' })
  })
})

it('spread returns the mean and the sample standard deviation', () => {
  const { mean, sd } = spread([2, 4, 4, 4, 5, 5, 7, 9])
  expect(mean).toBe(5)
  expect(sd).toBeCloseTo(2.13809, 5)
})

it('the summary of seeds names each run and prints mean ± sd', () => {
  const runs = [1, 2, 3].map((seed) => result({ model: 'lstm', data: 'x', seed, name: `a_seed${seed}` }))
  const { text, event } = summary(runs)
  expect(text).toMatch(/^a_seed2 {11}3 {2}0.000520 {6}0.7200$/m)
  expect(text).toContain('mean ± sd over 3 seeds: val loss 0.000520 ± 0.000010, val cosine 0.7200 ± 0.0100')
  expect(event).toMatchObject({
    type: 'result',
    version: 1,
    val_cosine: { mean: expect.closeTo(0.72), sd: expect.closeTo(0.01) },
  })
})
