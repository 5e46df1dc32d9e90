import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load, type TrainOptions, train } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { historyOf, manifestOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
const start = (name: string, more: Partial<TrainOptions> = {}) =>
  trained({ ...TINY, model: 'lstm', data, name, epochs: 1, ...more } as TrainOptions)

describe('an option', () => {
  it.each<[string, unknown, RegExp]>([
    ['warmup', 0.1, /without "schedule" warmup-cosine, where it has no effect/],
    ['val', 'x.npy', /without "split" file/],
    ['epochs', -1, /an integer ≥ 0/],
    ['epochs', 1.5, /an integer ≥ 0/],
    ['epochs', '3', /an integer ≥ 0/],
    ['lr', 1e6, /a number from 1e-12 to 10/],
    ['lr', Number.NaN, /received NaN/],
    ['batchSize', 0, /an integer ≥ 1/],
    ['loss', 'huber', /one of mse, cosine/],
    ['precision', 'fp16', /one of fp32, bf16/],
    ['trainEval', 'some', /a number of windows or all/],
    ['name', 'a/b', /a name without slashes/],
    ['device', 'gpu', /cpu, cuda/],
    ['context', 0, /an integer ≥ 1/],
    ['widht', 3, /a known option/],
    ['width', 0, /an integer ≥ 1/],
    ['dropout', 1, /a number from 0 to 0.95/],
    ['norm', 'pre', /a known option/],
    ['preset', 'huge', /one of target, tiny/],
  ])('%s %s is refused before anything is made', async (key, value, sentence) => {
    const message = await refused('BAD_OPTION', start('wrong', { [key]: value as number }))
    expect(message).toMatch(sentence)
    expect(message).toContain(`"${key}"`)
    expect(existsSync(join(TINY.out, 'wrong'))).toBe(false)
  })
  it('that only one schedule has is refused with another', async () => {
    const message = await refused('BAD_OPTION', start('wrong', { schedule: 'constant', plateauPatience: 2 }))
    expect(message).toMatch(/"plateauPatience"/)
  })
  it('is missing', async () => {
    await refused('BAD_OPTION', trained({ ...TINY, model: 'lstm' }))
    expect(await refused('BAD_OPTION', start('wrong', { split: 'file' }))).toMatch(/validation file/)
    await refused('BAD_OPTION', trained({ ...TINY, model: 'lsmt', data }))
    expect(existsSync(join(TINY.out, 'lstm_baseline'))).toBe(false)
  })
  it('asks for a model that cannot be', async () => {
    expect(await refused('BAD_SPEC', start('wrong', { model: 'transformer', width: 16, heads: 3 }))).toMatch(/multiple of heads/)
  })
  it('asks for a device that is not there', async () => {
    expect(await refused('DEVICE_UNAVAILABLE', start('wrong', { device: 'cuda:63' }))).toMatch(/"cuda:63"/)
    expect(existsSync(join(TINY.out, 'wrong'))).toBe(false)
  })
})

describe('a run folder', () => {
  it('that holds a run is not written to, unless it is to be', async () => {
    await start('there')
    const before = manifestOf(join(TINY.out, 'there'))
    expect(await refused('RUN_EXISTS', start('there'))).toMatch(/already holds one/)
    expect(manifestOf(join(TINY.out, 'there'))).toEqual(before)
  })
  it('has one writer', async () => {
    const first = train({ ...TINY, model: 'lstm', data, name: 'locked', epochs: 3, saveEvery: 1 })
    await first.next()
    for (const more of [{}, { overwrite: true }])
      expect(await refused('RUN_LOCKED', start('locked', more))).toMatch(/this process/)
    for await (const _ of first);
    await start('locked', { resume: true, epochs: 3, saveEvery: 1 })
    expect(historyOf(join(TINY.out, 'locked')).history).toHaveLength(4)
  })
  it('is free again when a training is left in the middle, and what was saved is there', async () => {
    for await (const event of train({ ...TINY, model: 'lstm', data, name: 'left', saveEvery: 3 })) {
      if (event.type === 'saved' && event.reason === 'steps') break
    }
    expect((await verifyRun(join(TINY.out, 'left'))).manifest.progress).toMatchObject({ epoch: 1, step: 3 })
    await start('left', { resume: true, epochs: 2, saveEvery: undefined })
    expect(historyOf(join(TINY.out, 'left')).history).toHaveLength(3)
  })
})

describe('data', () => {
  it.each([
    ['NaN', 'DATA_NOT_FINITE', Number.NaN],
    ['infinity', 'DATA_NOT_FINITE', Number.POSITIVE_INFINITY],
    ['zeros', 'DATA_ZERO', 0],
  ] as const)('with a row of %s is refused by its row', async (name, code, value) => {
    const bad = await vectorFile(`bad-${name}`, { change: (v) => v.fill(value, 35 * 16, 36 * 16) })
    expect(await refused(code, start('bad', { data: bad }))).toMatch(/\b35\b/)
    expect(existsSync(join(TINY.out, 'bad'))).toBe(false)
  })
  it('that is not there, or no data, is refused', async () => {
    await refused('FILE_MISSING', start('bad', { data: `${data}.gone` }))
    await writeFile(`${data}.txt`, 'hello')
    await refused('DATA_FORMAT', start('bad', { data: `${data}.txt` }))
    const cut = await vectorFile('cut')
    await writeFile(cut, (await readFile(cut)).subarray(0, -100))
    await refused('DATA_FORMAT', start('bad', { data: cut }))
  })
  it('of one article cannot be split', async () => {
    await refused('DATA_ONE_ARTICLE', start('bad', { data: await vectorFile('one', { articles: 1, length: 60 }) }))
  })
  it('smaller than a batch is refused', async () => {
    expect(await refused('DATA_TOO_FEW', start('bad', { batchSize: 500 }))).toMatch(/500 training windows.*209/)
  })
  it('is not lost to a mistake: an overwritten run stays until the first save', async () => {
    await start('kept')
    const before = manifestOf(join(TINY.out, 'kept'))
    await refused('FILE_MISSING', start('kept', { overwrite: true, data: `${data}.gone` }))
    await refused('OUT_OF_MEMORY', start('kept', { overwrite: true, width: 1e7 }))
    expect(manifestOf(join(TINY.out, 'kept'))).toEqual(before)
    ;(await load(join(TINY.out, 'kept'))).dispose()
  })
})

describe('memory that is not there', () => {
  it.each<[string, Partial<TrainOptions>]>([
    ['ten million windows', { batchSize: 10_000_000 }],
    ['a width of a million', { width: 1_000_000 }],
    ['a wide transformer', { model: 'transformer', width: 1 << 20, heads: 1 }],
  ])('for %s is asked about before anything is computed', async (_, more) => {
    expect(await refused('OUT_OF_MEMORY', start('large', more))).toMatch(
      /expected [\d.]+ GB of free memory for .* but [\d.]+ GB are free/,
    )
    expect(existsSync(join(TINY.out, 'large'))).toBe(false)
  })
})

describe('a training that diverges', () => {
  it('stops, and the last good weights are what is kept', async () => {
    const run = join(TINY.out, 'diverged')
    const wild = { model: 'gru', lr: 10, clip: 0, eps: 0, beta1: 0, beta2: 0, saveEvery: 1 } // 0/0 where a gradient is zero
    expect(await refused('DIVERGED', start('diverged', wild))).toMatch(/NaN or Inf|became NaN|is NaN/)
    const { progress } = manifestOf(run)
    expect(progress).toMatchObject({ epoch: 1, finished: false })
    using model = await load(run)
    expect((await model.predict(new Float32Array(80).fill(0.25))).every(Number.isFinite)).toBe(true)
    await refused('DIVERGED', start('diverged', { ...wild, resume: true }))
    expect(manifestOf(run).progress!.step).toBe(progress!.step)
    await verifyRun(run)
  })
  it('names the validation windows alone when only their loss is not finite', async () => {
    const val = await vectorFile('wild-val', { seed: 9, change: (v) => v.fill(3e38, 40 * 16, 41 * 16) })
    const message = await refused('DIVERGED', start('wild-val', { model: 'transformer', split: 'file', val, space: 'any' }))
    expect(message).toMatch(/^training: the loss on the validation windows is (NaN|Infinity) after epoch 0 \(step 0\)$/)
  })
  it('because of its data says what became infinite', async () => {
    const wild = await vectorFile('wild', { change: (v) => v.fill(3e37, 40 * 16, 41 * 16) })
    expect(await refused('DIVERGED', start('wild', { data: wild }))).toMatch(
      /the (loss of the training batch|gradient norm) became (infinite|NaN) at step/,
    )
  })
})
