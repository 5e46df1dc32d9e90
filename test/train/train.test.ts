import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import type { TrainEvent } from '../../lib/index.js'
import { load } from '../../lib/index.js'
import { countParameters } from '../../lib/spec/count.js'
import { configOf } from '../../lib/train/config-file.js'
import { plan } from '../../lib/train/recipe.js'
import { fixture, refused } from '../files/fixture.js'
import {
  comparable,
  contentOf,
  historyOf,
  json,
  manifestOf,
  nth,
  place,
  resultOf,
  SPECIFIED_CONFIG,
  TINY,
  trained,
  vectorFile,
} from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})

describe('a run without options, with a small model', () => {
  const out = place('plain')
  const run = join(out, 'lstm_baseline')
  let data: string
  let events: TrainEvent[]
  beforeAll(async () => {
    data = await vectorFile('small', { articles: 4, length: 18 })
    events = await trained({ model: 'lstm', data, out, preset: 'tiny', threads: 1 })
  })

  it('a training without options uses and records the hyper-parameters of the specification', () => {
    const { threads, device, ...config } = json<Record<string, unknown>>(run, 'config.json')
    expect(threads).toBe(1)
    expect(device).toMatch(/^(cpu|cuda|mps)/)
    const model_options = { ...SPECIFIED_CONFIG.model_options, width: 16 }
    expect(config).toEqual({
      ...SPECIFIED_CONFIG,
      model_options,
      parameters: 4624,
      trainable_parameters: 4624,
      preset: 'tiny',
      data,
    })
  })
  it('a training without any option uses the model of the specification', () => {
    const { architecture, train, model } = plan('lstm', { data })
    const { options, node } = architecture.spec({ dim: 16, context: train.context }, model)
    const parameters = countParameters(node)
    const facts = { dim: 16, context: 5, parameters, trainable: parameters, device: 'cpu', threads: 2, emaRule: null }
    expect(configOf({ architecture, train, model }, options, facts)).toEqual({
      ...SPECIFIED_CONFIG,
      data,
      device: 'cpu',
      threads: 2,
    })
  })

  it('a run has the file tree of the specification', async () => {
    expect(readdirSync(run).sort()).toEqual([
      'best_model.pt',
      'config.json',
      'final_model.pt',
      'generations',
      'manifest.json',
      'metrics.jsonl',
      'split.json',
      'training_history.json',
    ])
    const { path, manifest } = await verifyRun(run)
    expect(manifest).toMatchObject({
      model: 'lstm',
      folder: 'lstm_baseline',
      progress: { finished: true },
      parameters: 4624,
    })
    expect(manifest).not.toHaveProperty('complete')
    expect(statSync(join(path, 'best_model.pt')).size).toBe(statSync(join(run, 'best_model.pt')).size)
  })

  it('the history of a run has 21 rows with the documented keys', () => {
    const { version, model, parameters, history, best_epoch } = historyOf(run)
    expect({ version, model, parameters }).toEqual({ version: 1, model: 'lstm', parameters: 4624 })
    expect(history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 21 }, (_, i) => i))
    const keys = [
      'epoch',
      'train_loss_running',
      'train_loss',
      'train_cosine',
      'val_loss',
      'val_cosine',
      'val_dispersion',
      'val_effective_rank',
      'lr',
      'grad_norm',
      'output_norm_mean',
      'output_norm_sd',
      'seconds',
      'cpu_share',
      'samples_per_second',
      'peak_memory_bytes',
    ]
    for (const row of history) expect(Object.keys(row)).toEqual(keys)
    const [untrained, ...rest] = history
    expect(untrained).toMatchObject({ epoch: 0, train_loss_running: null, grad_norm: null, samples_per_second: null, lr: 0.0005 })
    for (const row of rest) for (const key of keys) expect(row[key as keyof typeof row], key).toEqual(expect.any(Number))
    const lowest = Math.min(...rest.map(({ val_loss }) => val_loss))
    expect(best_epoch).toBe(rest.find(({ val_loss }) => val_loss === lowest)!.epoch)
    expect(rest.at(-1)!.val_loss).toBeLessThan(untrained!.val_loss)
  })

  it('a training yields events for its start, every epoch and save, and one result', () => {
    expect(events[0]).toMatchObject({
      type: 'start',
      version: 1,
      run,
      model: 'lstm',
      resumed: false,
      data: { rows: 72, dim: 16, articles: 4, windows: { train: 39, val: 13, test: 0 }, space: null },
      split: { mode: 'articles', leaky: false },
    })
    expect(events.every(({ version }) => version === 1)).toBe(true)
    expect(events.filter(({ type }) => type === 'epoch')).toHaveLength(21)
    expect(events.filter((event) => event.type === 'saved' && event.reason === 'epoch')).toHaveLength(21)
    expect(events.at(-1)).toMatchObject({ type: 'result', stopped: 'done', best_epoch: historyOf(run).best_epoch })
  })
})

describe('the best epoch', () => {
  it('the weights of the best epoch stay unchanged while later epochs are worse', async () => {
    const val = await vectorFile('noise', { noise: true, articles: 4 })
    const options = { ...TINY, model: 'lstm', data, val, split: 'file', space: 'test', lr: 0.1 } as const
    await trained({ ...options, name: 'rise', epochs: 12 })
    const { history, best_epoch } = historyOf(join(TINY.out, 'rise'))
    const lowest = Math.min(...history.slice(1).map(({ val_loss }) => val_loss))
    expect(best_epoch).toBe(history.slice(1).find(({ val_loss }) => val_loss === lowest)!.epoch)
    expect(best_epoch).toBeLessThan(12)
    await trained({ ...options, name: 'until', epochs: best_epoch! })
    const weights = async (run: string, file: string) =>
      [...(await contentOf(join(TINY.out, run, file)))].filter(([key]) => !key.startsWith('/optimizer_state_dict'))
    expect(await weights('rise', 'best_model.pt')).toEqual(await weights('until', 'final_model.pt'))
    using model = await load(join(TINY.out, 'rise'))
    expect(model.manifest.golden.outputs.best_model).not.toBe(model.manifest.golden.outputs.final_model)
  })
  it('the best epoch is the earliest on ties, and never epoch 0', async () => {
    await trained({ ...TINY, model: 'lstm', data, name: 'still', lr: 1e-12, weightDecay: 0, epochs: 3 })
    const { history, best_epoch } = historyOf(join(TINY.out, 'still'))
    expect(new Set(history.map(({ val_loss }) => val_loss)).size).toBe(1)
    expect(best_epoch).toBe(1)
  })
  it('a run without epochs has no best epoch, and load gives the untrained weights', async () => {
    const events = await trained({ ...TINY, model: 'gru', data, name: 'untrained', epochs: 0 })
    expect(resultOf(events)).toMatchObject({ stopped: 'done', best_epoch: null, val_loss: null })
    expect(existsSync(join(TINY.out, 'untrained', 'best_model.pt'))).toBe(false)
    using model = await load(join(TINY.out, 'untrained'))
    expect(await model.predict(new Float32Array(5 * 16).fill(0.25))).toHaveLength(16)
  })
})

describe('what ends a training', () => {
  it('--max-steps ends a training within an epoch, which is then evaluated', async () => {
    const events = await trained({ ...TINY, model: 'lstm', data, name: 'steps', epochs: 5, maxSteps: 17 })
    expect(resultOf(events)).toMatchObject({ stopped: 'max-steps' })
    expect(historyOf(join(TINY.out, 'steps')).history.map(({ epoch }) => epoch)).toEqual([0, 1, 2])
    expect(manifestOf(join(TINY.out, 'steps')).progress).toMatchObject({ optimizer_steps: 17, finished: true })
  })
  it('--early-stop ends a training without improvement', async () => {
    const events = await trained({
      ...TINY,
      model: 'lstm',
      data,
      name: 'early',
      lr: 1e-12,
      weightDecay: 0,
      epochs: 9,
      earlyStop: 2,
    })
    expect(resultOf(events)).toMatchObject({ stopped: 'early-stop', best_epoch: 1 })
    expect(historyOf(join(TINY.out, 'early')).history).toHaveLength(4)
    expect(manifestOf(join(TINY.out, 'early')).progress).toMatchObject({ finished: true })
  })
})

it('--max-windows limits both training and validation windows', async () => {
  const [start] = await trained({ ...TINY, model: 'lstm', data, name: 'few', epochs: 1, maxWindows: 18 })
  expect(start).toMatchObject({ data: { windows: { train: 18, val: 18 } } })
})

it('--test holds out windows that are in neither training nor validation', async () => {
  const [start] = await trained({ ...TINY, model: 'lstm', data, name: 'held', epochs: 1, test: 0.2 })
  expect(start).toMatchObject({ data: { windows: { train: 171, val: 19, test: 38 } } })
  const split = json<{ train: number[]; val: number[]; test: number[] }>(TINY.out, 'held', 'split.json')
  expect(new Set([...split.train, ...split.val, ...split.test]).size).toBe(228)
})

it('a training with contexts longer than every article works when windows may cross articles', async () => {
  const long = { ...TINY, model: 'lstm', data, context: 100, batchSize: 4, epochs: 1 } as const
  await expect(trained({ ...long, name: 'short' })).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
  const [start] = await trained({ ...long, name: 'long', split: 'windows', force: false })
  expect(start).toMatchObject({ data: { windows: { train: 169, val: 19 } } })
})

it('a split by windows is marked as leaky', async () => {
  const [start] = await trained({ ...TINY, model: 'lstm', data, name: 'leaky', epochs: 1, split: 'windows' })
  expect(start).toMatchObject({ split: { mode: 'windows', leaky: true }, data: { windows: { train: 255, val: 28 } } })
})

it('equal seeds give equal runs, and different seeds different ones', async () => {
  const losses = []
  for (const [name, seed] of [
    ['one', 7],
    ['same', 7],
    ['other', 8],
  ] as const) {
    await trained({ ...TINY, model: 'transformer', data, name, seed })
    losses.push(historyOf(join(TINY.out, name)).history.map(({ val_loss }) => val_loss))
  }
  expect(losses[1]).toEqual(losses[0])
  expect(losses[2]).not.toEqual(losses[0])
})

describe('a file of sequences', () => {
  const small = { ...TINY, model: 'gru', batchSize: 4, epochs: 2 } as const
  it('a file of sequences with both parts validates on its second part, and resumes bit for bit', async () => {
    const options = { ...small, data: fixture('train-val.npz'), split: 'file', name: 'halves' } as const
    const [start] = await trained(options, nth('epoch', 2))
    expect(start).toMatchObject({ split: { mode: 'file', leaky: false }, data: { rows: 8, windows: { train: 8, val: 4 } } })
    await trained({ ...options, resume: true })
    await trained({ ...options, name: 'halves-whole' })
    expect(comparable(historyOf(join(TINY.out, 'halves')))).toEqual(comparable(historyOf(join(TINY.out, 'halves-whole'))))
  })
  it('a file of float16 sequences longer than the context can be trained on', async () => {
    const [start] = await trained({ ...small, data: fixture('sequences-keys.npz'), context: 3, name: 'keys' })
    expect(start).toMatchObject({ data: { rows: 12, windows: { train: 8, val: 4 } } })
    expect(json<{ context_length: number }>(TINY.out, 'keys', 'config.json').context_length).toBe(3)
  })
  it('a file of sequences without a validation part is refused with --split file', async () => {
    await refused('BAD_OPTION', trained({ ...small, data: fixture('sequences-keys.npz'), split: 'file', name: 'half' }))
  })
})
