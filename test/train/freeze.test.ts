import { statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { exportRun, predict, quantize, type TrainOptions } from '../../lib/index.js'
import { fits } from '../../lib/train/chosen-parameters.js'
import { weightsOf } from '../weights/forms.js'
import { expectSameHistory } from './ranks.js'
import { comparable, contentOf, historyOf, json, nth, place, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('freeze', { articles: 8 })
})
const run = (name: string) => join(TINY.out, name)
const weights = (name: string) => weightsOf(run(name))
const start = (name: string, more: Record<string, unknown> = {}, stop?: Parameters<typeof trained>[1]) =>
  trained({ ...TINY, model: 'gru', data, name, ...more } as TrainOptions, stop)
const messageOf = async (events: Promise<unknown>) =>
  events.then(
    () => expect.unreachable(),
    ({ code, message, commandHint }) => `${code} ${message} ${commandHint}`,
  )

/** Requires that frozen weights of a run are those of another one to the bit, and that all others have moved. */
async function expectFrozen(name: string, before: string, isFrozen: (parameter: string) => boolean): Promise<void> {
  const [now, then] = [await weights(name), await weights(before)]
  for (const [parameter, values] of now) {
    if (isFrozen(parameter)) expect(values, parameter).toEqual(then.get(parameter))
    else expect(values, parameter).not.toEqual(then.get(parameter))
  }
}

describe('--freeze', () => {
  it('keeps parameters to the bit, with weight decay and an average; they have no moments', async () => {
    await start('before', { epochs: 0 })
    const events = await start('frozen', { freeze: ['core.*', 'in_proj.weight'], ema: 0.9, weightDecay: 1 })
    const isFrozen = (parameter: string) => parameter.startsWith('core.') || parameter === 'in_proj.weight'
    await expectFrozen('frozen', 'before', isFrozen)
    const last = [...(await contentOf(join(run('frozen'), 'final_model.pt'))).keys()]
    expect(last.filter((key) => key.endsWith('/exp_avg'))).toHaveLength(3) // in_proj.bias, head.weight, head.bias
    const names = [...(await weights('before')).keys()]
    const other = last.some((key) => key.startsWith('/average_state_dict/')) ? 'average' : 'training'
    for (const name of names) expect(last).toContain(`/${other}_state_dict/${name}`)
    const all = [...(await weights('before'))]
    const trainable_parameters = all.reduce((sum, [name, values]) => sum + (isFrozen(name) ? 0 : values.length), 0)
    expect(events[0]).toMatchObject({ type: 'start', trainable_parameters })
    const settings = { freeze: ['core.*', 'in_proj.weight'], lr_scale: null, trainable_parameters }
    expect(json(run('frozen'), 'config.json')).toMatchObject(settings)
  })
  it('with --init trains the head of another run, and the new one is quantised, exported and predicted with', async () => {
    await start('base')
    await start('tuned', { init: 'base', freeze: ['in_proj.*', 'core.*'], lr: 0.01 })
    await expectFrozen('tuned', 'base', (parameter) => !parameter.startsWith('head.'))
    await quantize({ run: run('tuned'), name: 'tuned-int8', maxDrop: 1, latency: 0.01 })
    await exportRun({ run: run('tuned'), format: 'safetensors' })
    const out = place('tuned.npy')
    await expect(predict({ run: run('tuned-int8'), out })).resolves.toMatchObject({ version: 1 })
  })
  it('leaves frozen parameters out of the norm that is clipped', async () => {
    const norm = async (name: string, freeze?: string) => {
      await start(name, { epochs: 1, maxSteps: 1, ...(freeze && { freeze }) })
      return historyOf(run(name)).history.at(-1)!.grad_norm!
    }
    const [whole, rest, head] = [await norm('whole'), await norm('rest', 'head.*'), await norm('only-head', 'in_proj.*,core.*')]
    expect(head).toBeLessThan(whole)
    expect(Math.hypot(rest, head) / whole).toBeCloseTo(1, 6)
  })
  it('freezes a residual of memory as it was fitted, with the sequence objective and the contrastive loss', async () => {
    const options = { residual: 'memory', history: 'article', objective: 'sequence', batchVectors: 64, loss: 'contrastive' }
    await start('memory-before', { ...options, epochs: 0 })
    await start('memory', { ...options, freeze: 'residual.*' })
    await expectFrozen('memory', 'memory-before', (parameter) => parameter.startsWith('residual.'))
  })
  it.each([
    ['mamba2', '*in_proj*,*conv*'],
    ['s4', 'in_proj.*'],
    ['performer', 'in_proj.*,head.weight'],
    ['rwkv', 'in_proj.*'],
    ['distilgpt2', 'in_proj.*,*.ln_1.*'],
  ] as const)('trains the rest of %s behind the frozen %s, also with one vector', async (model, freeze) => {
    for (const more of [{ recompute: 'on' }, { context: 1 }]) {
      await start(`${model}-before`, { model, epochs: 0, overwrite: true, ...more })
      await start(`${model}-after`, { model, epochs: 1, overwrite: true, freeze, lr: 0.01, ...more })
      const [now, then] = [await weights(`${model}-after`), await weights(`${model}-before`)]
      const moved = [...now].flatMap(([name, values]) => (String(values) === String(then.get(name)) ? [] : [name]))
      await start(`${model}-all`, { model, epochs: 1, overwrite: true, lr: 0.01, ...more })
      const free = await weights(`${model}-all`)
      const moves = [...free].flatMap(([name, values]) => (String(values) === String(then.get(name)) ? [] : [name]))
      expect(moved).toEqual(moves.filter((name) => !freeze.split(',').some((pattern) => fits(pattern, name))))
    }
  })
})

describe('the estimate of a training with --freeze', () => {
  const estimated = async (name: string, more: Record<string, unknown>) => {
    const [first] = await start(name, { preset: 'target', epochs: 1, maxSteps: 1, ...more })
    if (first!.type !== 'start') return expect.unreachable()
    const size = (file: string) => statSync(join(run(name), file)).size
    return { ...first!.estimate, first: first!, final: size('final_model.pt') }
  }
  it.each([{}, { ema: 0.9 }, { weights: 'bf16' }] as const)('counts the bytes that the run writes, with %j', async (options) => {
    const whole = await estimated('counted-whole', { ...options, overwrite: true })
    const rest = await estimated('counted-rest', { ...options, overwrite: true, freeze: 'core.*' })
    for (const { disk_bytes, final } of [whole, rest]) expect(final / ((disk_bytes - 1e7) / 4)).toBeCloseTo(1, 1.5)
    const file = (whole.disk_bytes - rest.disk_bytes) / 4
    expect((whole.final - rest.final) / file).toBeCloseTo(1, 1.5)
    expect(rest.first.trainable_parameters).toBeLessThan(rest.first.parameters / 2)
    const each = 'weights' in options ? 2 : 4
    const frozen = rest.first.parameters - rest.first.trainable_parameters
    expect(whole.memory_bytes - rest.memory_bytes).toBeCloseTo(frozen * each * ('ema' in options ? 4 : 3), -1)
  })
})

describe('--lr-scale', () => {
  it('multiplies the learning rate of the parameters that it names, and the last pattern counts', async () => {
    const first = { epochs: 1, maxSteps: 1, schedule: 'constant', clip: 0 }
    await start('half', { ...first, lr: 1e-3 })
    await start('full', { ...first, lr: 2e-3 })
    await start('scaled', { ...first, lr: 2e-3, lrScale: { '*': 3, 'core.*': 0.5 } })
    await start('triple', { ...first, lr: 6e-3 })
    const [scaled, half, triple] = [await weights('scaled'), await weights('half'), await weights('triple')]
    for (const [name, values] of scaled) expect(values, name).toEqual((name.startsWith('core.') ? half : triple).get(name))
    const stored = await contentOf(join(run('scaled'), 'final_model.pt'))
    const rates = [...stored].filter(([key]) => /param_groups.*lr$/.test(key))
    expect(rates.length === 0 || rates.length === 2).toBe(true)
  })
})

it('a training with frozen and scaled parameters resumes to the bit', async () => {
  const options = { freeze: 'in_proj.*', lrScale: 'core.*=0.3', ema: 0.9, epochs: 2, saveEvery: 3 }
  await start('unbroken', options)
  await start('halves', options, nth('saved', 2))
  await start('halves', { resume: true })
  expect(comparable(historyOf(run('halves')))).toEqual(comparable(historyOf(run('unbroken'))))
  for (const file of ['best_model.pt', 'final_model.pt'])
    expect(await contentOf(join(run('halves'), file))).toEqual(await contentOf(join(run('unbroken'), file)))
  await start('halves', { resume: true, freeze: ['in_proj.*'], lrScale: { 'core.*': 0.3 } }) // the same
  expect(await messageOf(start('halves', { resume: true, freeze: ['head.*'] }))).toMatch(/^BAD_OPTION .*"freeze"/)
})

it('several processes train with frozen and scaled parameters as one does', async () => {
  const options = { freeze: 'in_proj.*,core.blocks.0.*', lrScale: { 'head.*': 2 } }
  await start('one', options)
  await start('two', { ...options, processes: 2, rankTimeout: 30 })
  expectSameHistory(run('two'), run('one'))
  await expectFrozen('two', 'before', (parameter) => /^(in_proj|core\.blocks\.0)\./.test(parameter))
})

describe('refused', () => {
  it.each([
    [
      { freeze: ['blocks.0.*'] },
      /BAD_OPTION .*"freeze" but received "blocks\.0\.\*" did you mean "\*blocks\.0\.\*"\? .*core\.blocks\.0/,
    ],
    [{ freeze: ['core.blocks.0'] }, /did you mean "core\.blocks\.0\.\*"\? It fits core\.blocks\.0\.norm\.weight/],
    [{ freeze: 'cor.*' }, /did you mean "core\.\*"\?/],
    [{ lrScale: { 'haed.weight': 2 } }, /"lrScale" but received "haed\.weight" did you mean "head\.weight"\?/],
    [{ freeze: 'nothing at all like it' }, /the parameters are in_proj\.weight, .* more/],
    [{ freeze: '*' }, /BAD_OPTION .*at least one parameter that is not frozen/],
    [{ freeze: ['head.*'], lrScale: { 'head.weight': 2 } }, /an effect of .*all its parameters are frozen/],
    [{ lrScale: { 'head.*': 2, '*': 3 } }, /later patterns fit all its parameters/],
    [{ freeze: 'residual.center', residual: 'memory' }, /it fits a buffer/],
    [{ freeze: [] }, /names of parameters/],
    [{ freeze: 'a,,b' }, /names of parameters/],
    [{ freeze: 5 }, /names of parameters/],
    [{ lrScale: 'head.*' }, /names with factors/],
    [{ lrScale: { 'head.*': 0 } }, /names with factors/],
    [{ lrScale: { 'head.*': Number.NaN } }, /names with factors/],
    [{ lrScale: ['head.*'] }, /names with factors/],
  ])('%j', async (wrong, message) => {
    expect(await messageOf(start('refused', wrong))).toMatch(message)
  })
})

it('a pattern fits a whole name, in time linear in it', () => {
  expect(['core.*', '*', '*.weight', 'core.0.weight', 'c*0*t', '**'].map((p) => fits(p, 'core.0.weight'))).toEqual(
    Array(6).fill(true),
  )
  expect(['core', 'ore.*', '*.bias', 'core.0.weigh', 'core.0*0.weight', 'a*'].some((p) => fits(p, 'core.0.weight'))).toBe(false)
  expect(fits(`${'*a'.repeat(2000)}*b`, 'a'.repeat(4000))).toBe(false)
})
