import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TrainOptions } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { checkpoint, core, folder, gpt2, mamba2, numbers, type State, weightsOf } from '../weights/forms.js'
import { contentOf, historyOf, json, manifestOf, nth, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base', { articles: 8 })
})

describe('train --init', () => {
  const options = { ...TINY, model: 'mamba2', width: 12, state: 6, headDim: 4, kernel: 3, epochs: 0 } as const
  let file: string
  let state: State
  beforeAll(async () => {
    const made = await checkpoint(mamba2)
    state = made.state
    file = await folder('mamba2', {
      'pytorch_model.bin': made.stored,
      'config.json': mamba2.config!,
    })
  })
  const weights = (name: string) => weightsOf(join(TINY.out, name))
  const start = (name: string, more: Record<string, unknown> = {}) =>
    trained({ ...options, data, name, layers: 3, ...more } as TrainOptions)
  const initOf = (events: Awaited<ReturnType<typeof start>>) => events.find((event) => event.type === 'init')!

  it('--init fills the layers in the weights, and other layers keep their random initial values', async () => {
    const init = initOf(await start('more', { layers: 5, init: file }))
    await start('without', { layers: 5 })
    const [given, own] = [await weights('more'), await weights('without')]
    expect(init.loaded).toEqual(core(state.keys()))
    expect(init.new.filter((name) => !/\.layers\.[34]\./.test(name))).toEqual([
      'in_proj.weight',
      'in_proj.bias',
      'head.weight',
      'head.bias',
    ])
    for (const name of init.loaded) expect(given.get(name), name).toEqual([...(await numbers(state.get(name)!))])
    for (const name of init.new.filter((name) => !name.startsWith('in_proj')))
      expect(given.get(name), name).toEqual(own.get(name))
  })
  it('--init drops layers beyond those of the model', async () => {
    const init = initOf(await start('less', { layers: 2, init: file }))
    expect(init.cut).toEqual(core(state.keys()).filter((name) => name.includes('.layers.2.')))
    expect(init.dropped).toEqual(['backbone.embedding.weight', 'lm_head.weight'])
  })
  it('the manifest records the weights given to --init', async () => {
    await start('recorded', { init: file })
    const run = join(TINY.out, 'recorded')
    expect(json(run, 'config.json')).toMatchObject({ init: file })
    expect(manifestOf(run).init).toEqual({ path: file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })
  it('a training with --init resumes bit for bit', async () => {
    const more = { init: file, epochs: 2, saveEvery: 3 }
    await start('whole', more)
    await trained({ ...options, data, name: 'halves', layers: 3, ...more }, nth('saved', 2))
    await start('halves', { ...more, resume: true })
    const best = (name: string) => contentOf(join(TINY.out, name, 'best_model.pt'))
    expect(await best('halves')).toEqual(await best('whole'))
    expect(manifestOf(join(TINY.out, 'halves')).init).toEqual(manifestOf(join(TINY.out, 'whole')).init)
    await refused('BAD_OPTION', start('halves', { ...more, init: 'other', resume: true }))
  })
  it('--init accepts a run by path or name, and a weight file', async () => {
    await start('before', { epochs: 1 })
    const run = join(TINY.out, 'before')
    for (const [i, init] of ['before', run, join(run, 'best_model.pt')].entries()) {
      const { loaded, new: rest } = initOf(await start(`from-${i}`, { init }))
      expect(rest).toEqual([])
      expect(loaded).toContain('head.weight')
      expect(await weights(`from-${i}`)).toEqual(await weights('before'))
      expect(historyOf(join(TINY.out, `from-${i}`)).history[0]!.val_loss).toBe(historyOf(run).history[1]!.val_loss)
    }
    await trained({ ...TINY, model: 'gru', data, name: 'gru', epochs: 0 })
    expect(await refused('BAD_CHECKPOINT', start('no', { init: 'gru' }))).toMatch(/of mamba2 but they are of gru/)
    await refused('FILE_MISSING', start('no', { init: 'nowhere' }))
  })
  it('--init refuses shapes that do not fit, and names the options that do', async () => {
    const error = await start('no', { init: file, width: 16, state: 4 }).catch((error) => error)
    expect(error.message).toContain('core.norm_f.weight: [12] instead of [16]')
    expect(error.commandHint).toContain('--width 12 --state 6')
    expect(existsSync(join(TINY.out, 'no', 'manifest.json'))).toBe(false)
  })
  it('--init warns about differing options that no shape shows', async () => {
    const gpt = await folder('heads', { 'model.safetensors': (await checkpoint(gpt2)).stored, 'config.json': gpt2.config! })
    const like = {
      ...TINY,
      model: 'distilgpt2',
      width: 12,
      ffn: 20,
      positions: 9,
      layers: 3,
      data,
      epochs: 0,
      init: gpt,
    } as const
    const warned = (events: Awaited<ReturnType<typeof trained>>) =>
      events.flatMap((e) => (e.type === 'warning' ? [e.message] : []))
    expect(warned(await trained({ ...like, heads: 3, name: 'heads-3' }))).toEqual([])
    expect(warned(await trained({ ...like, heads: 2, name: 'heads-2' }))).toEqual([
      'the weights were made with --heads 3, unlike this model',
    ])
  })
})
