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
    ['loss', 'huber', /one of mse, cosine, contrastive, mse\+contrastive/],
    ['contrastiveWeight', 0.5, /without "loss" mse\+contrastive, where it has no effect/],
    ['negatives', 100, /without "loss" contrastive, where it has no effect/],
    ['fold', '6/5', /i\/k with k from 2 on and i from 1 to k/],
    ['fold', 'first', /i\/k, such as 1\/5/],
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
  ])('train refuses the option %s %s before it creates a file', async (key, value, sentence) => {
    const message = await refused('BAD_OPTION', start('wrong', { [key]: value as number }))
    expect(message).toMatch(sentence)
    expect(message).toContain(`"${key}"`)
    expect(existsSync(join(TINY.out, 'wrong'))).toBe(false)
  })
  it('train refuses an option of one schedule with another schedule', async () => {
    const message = await refused('BAD_OPTION', start('wrong', { schedule: 'constant', plateauPatience: 2 }))
    expect(message).toMatch(/"plateauPatience"/)
  })
  it('train refuses a fold with another kind of split, or with a test fraction', async () => {
    await expect(start('fold-wrong', { fold: '1/5', test: 0.1 })).rejects.toThrow(/0 with "fold".* for "test"/)
    await expect(start('fold-wrong', { fold: '1/5', split: 'windows' })).rejects.toThrow(/without "split" articles/)
    await expect(start('fold-wrong', { fold: '1/50' })).rejects.toThrow(/at most 12 parts, one for each article/)
  })
  it('train refuses missing data, a missing validation file and an unknown model', async () => {
    await refused('BAD_OPTION', trained({ ...TINY, model: 'lstm' }))
    expect(await refused('BAD_OPTION', start('wrong', { split: 'file' }))).toMatch(/validation file/)
    await refused('BAD_OPTION', start('wrong', { model: 'lsmt' as 'lstm' }))
    expect(existsSync(join(TINY.out, 'lstm_baseline'))).toBe(false)
  })
  it('train refuses an impossible model', async () => {
    expect(await refused('BAD_SPEC', start('wrong', { model: 'transformer', width: 16, heads: 3 }))).toMatch(/multiple of heads/)
  })
  it('train refuses a device that does not exist', async () => {
    expect(await refused('DEVICE_UNAVAILABLE', start('wrong', { device: 'cuda:63' }))).toMatch(/"cuda:63"/)
    expect(existsSync(join(TINY.out, 'wrong'))).toBe(false)
  })
})

describe('a run folder', () => {
  it('train does not write to an existing run without resume or overwrite', async () => {
    await start('there')
    const before = manifestOf(join(TINY.out, 'there'))
    expect(await refused('RUN_EXISTS', start('there'))).toMatch(/already holds one/)
    expect(manifestOf(join(TINY.out, 'there'))).toEqual(before)
  })
  it('a run folder has only one writer at a time', async () => {
    const first = train({ ...TINY, model: 'lstm', data, name: 'locked', epochs: 3, saveEvery: 1 })
    await first.next()
    for (const more of [{}, { overwrite: true }])
      expect(await refused('RUN_LOCKED', start('locked', more))).toMatch(/this process/)
    for await (const _ of first);
    await start('locked', { resume: true, epochs: 3, saveEvery: 1 })
    expect(historyOf(join(TINY.out, 'locked')).history).toHaveLength(4)
  })
  it('a run folder is unlocked when the loop over a training is left, and its saves remain', async () => {
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
  ] as const)('train refuses data with a row of %s, and names the row', async (name, code, value) => {
    const bad = await vectorFile(`bad-${name}`, { change: (v) => v.fill(value, 35 * 16, 36 * 16) })
    expect(await refused(code, start('bad', { data: bad }))).toMatch(/\b35\b/)
    expect(existsSync(join(TINY.out, 'bad'))).toBe(false)
  })
  it('train refuses a missing file, a file of another format and a truncated file', async () => {
    await refused('FILE_MISSING', start('bad', { data: `${data}.gone` }))
    await writeFile(`${data}.txt`, 'hello')
    await refused('DATA_FORMAT', start('bad', { data: `${data}.txt` }))
    const cut = await vectorFile('cut')
    await writeFile(cut, (await readFile(cut)).subarray(0, -100))
    await refused('DATA_FORMAT', start('bad', { data: cut }))
  })
  it('train refuses data with a single article', async () => {
    await refused('DATA_ONE_ARTICLE', start('bad', { data: await vectorFile('one', { articles: 1, length: 60 }) }))
  })
  it('train refuses data smaller than a batch', async () => {
    expect(await refused('DATA_TOO_FEW', start('bad', { batchSize: 500 }))).toMatch(/500 training windows.*209/)
  })
  it('a run stays unchanged when an overwrite fails before its first save', async () => {
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
  ])('train refuses a lack of memory for %s before it computes', async (_, more) => {
    expect(await refused('OUT_OF_MEMORY', start('large', more))).toMatch(
      /expected [\d.]+ [GT]B of free memory for .* but [\d.]+ GB are free/,
    )
    expect(existsSync(join(TINY.out, 'large'))).toBe(false)
  })
})

describe('a training that diverges', () => {
  it('a training that diverges stops and keeps the last good weights', async () => {
    const run = join(TINY.out, 'diverged')
    const wild = { model: 'gru', lr: 10, clip: 0, eps: 0, beta1: 0, beta2: 0, saveEvery: 1 } as const // 0/0 where a gradient is zero
    expect(await refused('DIVERGED', start('diverged', wild))).toMatch(/NaN or Inf|became NaN|is NaN/)
    const { progress } = manifestOf(run)
    expect(progress).toMatchObject({ epoch: 1, finished: false })
    using model = await load(run)
    expect((await model.predict(new Float32Array(80).fill(0.25))).every(Number.isFinite)).toBe(true)
    await refused('DIVERGED', start('diverged', { ...wild, resume: true }))
    expect(manifestOf(run).progress!.step).toBe(progress!.step)
    await verifyRun(run)
  })
  it('the error names only the validation windows when only their loss is not finite', async () => {
    const val = await vectorFile('wild-val', { seed: 9, change: (v) => v.fill(3e38, 40 * 16, 41 * 16) })
    const message = await refused('DIVERGED', start('wild-val', { model: 'transformer', split: 'file', val, space: 'any' }))
    expect(message).toMatch(/^training: the loss on the validation windows is (NaN|Infinity) after epoch 0 \(step 0\)$/)
  })
  it('a training that diverges because of its data names the figure that became infinite', async () => {
    const wild = await vectorFile('wild', { change: (v) => v.fill(3e37, 40 * 16, 41 * 16) })
    expect(await refused('DIVERGED', start('wild', { data: wild }))).toMatch(
      /the (loss of the training batch|gradient norm) became (infinite|NaN) at step/,
    )
  })
})
