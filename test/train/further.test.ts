import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { manifestText, seal } from '../../lib/checkpoint/manifest.js'
import { pointerText } from '../../lib/checkpoint/verify-save.js'
import { textHash } from '../../lib/files/hash.js'
import { load, type TrainOptions } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { comparable, contentOf, historyOf, manifestOf, nth, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
let noise: string
beforeAll(async () => {
  data = await vectorFile('base')
  noise = await vectorFile('noise', { noise: true })
})

const folder = (name: string) => join(TINY.out, name)
const again = (name: string, more: Partial<TrainOptions> = {}) =>
  trained({ model: 'lstm', name, out: TINY.out, resume: true, ...more } as TrainOptions)
const copy = (name: string, to: string) => cp(folder(name), folder(to), { recursive: true })
const ratesOf = (name: string) => historyOf(folder(name)).history.map(({ lr }) => lr)

/** Two runs must have bit-identical history, weights and golden outputs. */
async function expectEqual(run: string, reference: string): Promise<void> {
  expect(comparable(historyOf(folder(run)))).toEqual(comparable(historyOf(folder(reference))))
  for (const file of ['final_model.pt', 'best_model.pt'])
    expect([...(await contentOf(join(folder(run), file)))], file).toEqual([...(await contentOf(join(folder(reference), file)))])
  expect(manifestOf(folder(run)).golden.outputs).toEqual(manifestOf(folder(reference)).golden.outputs)
}

describe('a run that stopped at --max-steps', () => {
  it.each([
    ['within its first epoch', 5, 20],
    ['within its second epoch', 15, 31],
    ['at the end of an epoch', 11, 25],
    ['twice within its first epoch', 3, 8],
  ])('a run that --max-steps stopped %s resumes as if it had never stopped', async (name, first, then) => {
    for (const ema of [0, 0.9]) {
      const run = `steps-${first}-${ema}`
      const options = { ...TINY, model: 'lstm', data, epochs: 4, ema } as const
      await trained({ ...options, name: run, maxSteps: first })
      expect(manifestOf(folder(run)).progress, name).toMatchObject({ optimizer_steps: first, finished: true })
      await again(run, { maxSteps: then })
      await trained({ ...options, name: `${run}-straight`, maxSteps: then })
      await expectEqual(run, `${run}-straight`)
    }
  })
  it('a resumed run restores its best weights when the finished epoch is worse than its cut short part', async () => {
    const options = { ...TINY, model: 'lstm', data, epochs: 2, lr: 0.03 } as const
    await trained({ ...options, name: 'worse-straight' })
    expect(historyOf(folder('worse-straight')).best_epoch).toBe(1)
    for (const maxSteps of [16, 20, 24]) {
      const name = `worse-${maxSteps}`
      await trained({ ...options, name, maxSteps })
      expect(historyOf(folder(name)).best_epoch).toBe(2)
      expect(Object.keys(manifestOf(folder(name)).files)).toContain('earlier_best.pt')
      ;(await load(folder(name))).dispose()
      await again(name, { maxSteps: 100 })
      await expectEqual(name, 'worse-straight')
      expect(Object.keys(manifestOf(folder(name)).files)).not.toContain('earlier_best.pt')
    }
  })
  it('resume refuses fewer steps than the run has made', async () => {
    await trained({ ...TINY, model: 'lstm', data, name: 'fewer', maxSteps: 7 })
    expect(await refused('BAD_OPTION', again('fewer', { maxSteps: 6 }))).toMatch(/at least 7.*"maxSteps"/)
  })
})

describe('a run that stopped early', () => {
  it('a run that stopped early resumes with a larger "earlyStop" as if it had been trained with it', async () => {
    const options = { ...TINY, model: 'lstm', data: noise, epochs: 9, lr: 0.05 } as const
    const events = await trained({ ...options, name: 'early', earlyStop: 1 })
    expect(resultOf(events).stopped).toBe('early-stop')
    await again('early', { earlyStop: 5 })
    await trained({ ...options, name: 'early-straight', earlyStop: 5 })
    expect(historyOf(folder('early')).history.length).toBeGreaterThan(historyOf(folder('early')).best_epoch! + 2)
    await expectEqual('early', 'early-straight')
  })
})

describe('a resume that trains nothing', () => {
  it.each<[string, Partial<TrainOptions>, RegExp]>([
    ['its epochs are done', { epochs: 1 }, /epoch 1 of 1 is done; a larger "epochs" extends the run$/],
    ['its steps are done', { maxSteps: 3 }, /step 3 of 3 is done; a larger "maxSteps" extends the run$/],
    ['it stopped early', { lr: 0.05, epochs: 9, earlyStop: 1 }, /no epoch after epoch \d improved on it; a larger "earlyStop"/],
  ])('a resume that trains nothing warns when %s', async (name, options, message) => {
    await trained({ ...TINY, model: 'lstm', data: noise, name, ...options } as TrainOptions)
    const before = manifestOf(folder(name))
    const events = await again(name)
    expect(events.find(({ type }) => type === 'warning')).toMatchObject({
      code: 'NOTHING_TO_TRAIN',
      message: expect.stringMatching(message),
    })
    expect(manifestOf(folder(name))).toEqual(before)
    const more = await again(name, name.includes('early') ? { earlyStop: 3 } : { epochs: 3, maxSteps: 30 })
    expect(more.some(({ type }) => type === 'epoch')).toBe(true)
    expect(more.some((event) => event.type === 'warning' && event.code === 'NOTHING_TO_TRAIN')).toBe(false)
  })
})

describe('a run under warm-up and cosine', () => {
  const options = { ...TINY, model: 'lstm', schedule: 'warmup-cosine', epochs: 2 } as const
  beforeAll(async () => {
    await trained({ ...options, data, name: 'cosine' })
  })
  it('a warmup-cosine run is refused beyond its planned steps, finished or not, and stays unchanged', async () => {
    const before = manifestOf(folder('cosine'))
    expect(await refused('BAD_OPTION', again('cosine', { epochs: 4 }))).toMatch(/at most 28 steps.*received 56/)
    expect(manifestOf(folder('cosine'))).toEqual(before)
    await trained({ ...options, data, name: 'half' }, nth('progress', 2))
    await refused('BAD_OPTION', again('half', { epochs: 4 }))
    await again('half')
    await expectEqual('half', 'cosine')
  })
  it('a finished warmup-cosine run says that only a larger "epochs" with "extend" extends it', async () => {
    const told = (await again('cosine')).find(({ type }) => type === 'warning')
    expect(told).toMatchObject({ message: expect.stringMatching(/epoch 2 of 2 is done; a larger "epochs" with "extend"/) })
  })
  it('a warmup-cosine run keeps its rates when it is stopped early, and then trains to its end', async () => {
    await trained({ ...options, data, epochs: 3, name: 'sooner' }, nth('progress', 2))
    await again('sooner', { epochs: 2 })
    await again('sooner', { epochs: 3 })
    await trained({ ...options, data, epochs: 3, name: 'sooner-straight' })
    await expectEqual('sooner', 'sooner-straight')
  })
  it.each(['constant', 'restart', 'replan'] as const)(
    'a warmup-cosine run resumes with --extend %s, bit for bit also after a stop',
    async (extend) => {
      const [name, stopped] = [`beyond-${extend}`, `beyond-${extend}-stopped`]
      await copy('cosine', name)
      await copy('cosine', stopped)
      const events = await again(name, { epochs: 4, extend })
      const extension = [{ kind: extend, since: 28, from: extend === 'replan' ? 0 : 28, to: 56 }]
      expect(events[0]).toMatchObject({ type: 'start', extended: extension })
      expect(historyOf(folder(name)).extended).toEqual(extension)
      await trained({ ...options, name: stopped, resume: true, epochs: 4, extend }, nth('progress', 2))
      await again(stopped, { epochs: 4, extend })
      await expectEqual(stopped, name)
      const [, , end, third, last] = ratesOf(name)
      if (extend === 'constant') expect([third, last]).toEqual([end, end])
      else expect(third).toBeGreaterThan(10 * end!)
      if (extend === 'restart') expect(last).toBe(end)
    },
  )
  it('resume refuses --extend where it has no effect', async () => {
    await refused('BAD_OPTION', again('cosine', { extend: 'restart' }))
    await trained({ ...TINY, model: 'lstm', data, name: 'plateau', epochs: 1 })
    expect(await refused('BAD_OPTION', again('plateau', { epochs: 2, extend: 'constant' }))).toMatch(/warmup-cosine/)
    expect(await refused('BAD_OPTION', trained({ ...options, data, name: 'new', extend: 'constant' }))).toMatch(/"resume"/)
  })
})

describe('averaged weights', () => {
  it('averaged and raw weights are both evaluated, and the better ones are kept', async () => {
    const options = { ...TINY, model: 'lstm', ema: 0.99, epochs: 6 } as const
    const kept = new Set<string>()
    for (const [name, lr, file] of [
      ['rising', 0.002, data],
      ['falling', 0.03, noise],
    ] as const) {
      await trained({ ...options, data: file, name, lr })
      const { history, best_epoch } = historyOf(folder(name))
      expect(history[0]).toMatchObject({ epoch: 0, weights: 'raw' })
      expect(history[0]).not.toHaveProperty('val_loss_raw')
      for (const { weights, val_loss, val_cosine, ...row } of history.slice(1)) {
        expect([row[`val_loss_${weights!}`], row[`val_cosine_${weights!}`]]).toEqual([val_loss, val_cosine])
        expect(val_loss).toBe(Math.min(row.val_loss_raw!, row.val_loss_average!))
        kept.add(weights!)
      }
      expect(manifestOf(folder(name))).toMatchObject({
        ema_rule: 'warmup',
        weights_kept: history.find(({ epoch }) => epoch === best_epoch)!.weights,
      })
      await trained({ ...options, data: file, name: `${name}-raw`, lr, ema: 0 })
      const raw = historyOf(folder(`${name}-raw`)).history.slice(1)
      expect(history.slice(1).map(({ val_loss_raw }) => val_loss_raw)).toEqual(raw.map(({ val_loss }) => val_loss))
      ;(await load(folder(name))).dispose()
    }
    expect([...kept].sort()).toEqual(['average', 'raw'])
  })
  it('averaged weights are not mostly the initial weights after a few steps', async () => {
    await trained({ ...TINY, model: 'lstm', data: noise, ema: 0.999, lr: 0.01, epochs: 3, name: 'few' })
    const { history } = historyOf(folder('few'))
    const [first, last] = [history[0]!, history.at(-1)!]
    const gain = (weights: 'raw' | 'average') => first.val_loss - last[`val_loss_${weights}`]!
    expect(gain('average')).toBeGreaterThan(0.5 * gain('raw')) // with a constant decay, 42 steps leave 96 % of the initial weights
  })
  it('a run from before the averaging rule was recorded resumes with a constant decay', async () => {
    await trained({ ...TINY, model: 'lstm', data, ema: 0.9, epochs: 1, name: 'old' })
    await trained({ ...TINY, model: 'lstm', data, ema: 0.9, epochs: 1, name: 'new' })
    const path = join(folder('old'), 'generations')
    const pointer = JSON.parse(await readFile(join(path, 'current'), 'utf8')) as { generation: number }
    const file = join(path, String(pointer.generation).padStart(6, '0'), 'manifest.json')
    const { digest: _, ema_rule: __, weights_kept: ___, ...facts } = JSON.parse(await readFile(file, 'utf8'))
    const { plan: ____, ...progress } = facts.progress
    const text = manifestText(seal({ ...facts, progress }))
    await writeFile(file, text)
    await writeFile(join(folder('old'), 'manifest.json'), text)
    await writeFile(join(path, 'current'), pointerText({ ...pointer, manifest_sha256: textHash(text) }))
    await again('old', { epochs: 2 })
    await again('new', { epochs: 2 })
    const [old, fresh] = [historyOf(folder('old')).history[2]!, historyOf(folder('new')).history[2]!]
    expect(old).not.toHaveProperty('weights')
    expect(old).not.toHaveProperty('val_loss_raw')
    expect(fresh).toHaveProperty('val_loss_raw')
    expect(old.train_loss_running).toBe(fresh.train_loss_running)
    expect(manifestOf(folder('old'))).toMatchObject({ ema_rule: 'constant', weights_kept: 'average' })
  })
})
