import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load, type TrainOptions } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import {
  comparable,
  contentOf,
  historyOf,
  json,
  manifestOf,
  nth,
  place,
  resultOf,
  type Stop,
  TINY,
  trained,
  vectorFile,
} from './runs.js'

let data: string
let val: string
beforeAll(async () => {
  data = await vectorFile('base')
  val = await vectorFile('val', { articles: 3, seed: 2 })
})

/** A run must equal one that was never stopped, apart from measured times. */
async function expectEqual(run: string, reference: string): Promise<void> {
  expect(comparable(historyOf(run))).toEqual(comparable(historyOf(reference)))
  for (const file of ['final_model.pt', 'best_model.pt'])
    expect([...(await contentOf(join(run, file)))], file).toEqual([...(await contentOf(join(reference, file)))])
  const state = (folder: string) => {
    const { progress, golden, split, spec_hash } = manifestOf(folder)
    const { epoch_seconds, seconds, cut, ...counted } = progress!
    return { counted, cut: cut && { ...cut, epoch_seconds: 0 }, golden, split, spec_hash }
  }
  expect(state(run)).toEqual(state(reference))
}

/** Trains once without a stop, and once with a stop and a resume at each instant; returns the steps of the epoch at each stop. */
async function interrupted(options: TrainOptions, stops: readonly Stop[]): Promise<number[]> {
  const run = join(TINY.out, options.name!)
  await trained({ ...options, name: `${options.name}-whole` })
  const steps: number[] = []
  for (const [i, stop] of stops.entries()) {
    const events = await trained({ ...options, resume: i > 0 }, stop)
    expect(events[0]).toMatchObject({ type: 'start', resumed: i > 0 })
    if (resultOf(events).stopped !== 'interrupted') continue
    const { progress } = manifestOf(run)
    expect(progress!.finished).toBe(false)
    steps.push(progress!.step)
    ;(await load(run)).dispose()
  }
  expect(resultOf(await trained({ ...options, resume: true }))).toMatchObject({ stopped: 'done' })
  await expectEqual(run, join(TINY.out, `${options.name}-whole`))
  return steps
}

describe('a training that is stopped again and again ends as one that was not', () => {
  it.each<[string, Partial<TrainOptions> & { model: string }]>([
    ['lstm with dropout, on two threads', { model: 'lstm', threads: 2 }],
    ['transformer with dropout', { model: 'transformer', dropout: 0.3 }],
    ['gru, standardized inputs', { model: 'gru', inputScale: 'standardize' }],
    ['averaged weights', { model: 'lstm', ema: 0.9 }],
    ['accumulated gradients', { model: 'transformer', accumulate: 3, batchSize: 8 }],
    ['random features that are drawn anew', { model: 'performer', redraw: 5 }],
    ['warm-up and cosine', { model: 'gru', schedule: 'warmup-cosine', warmup: 0.3 }],
    ['bf16', { model: 'lstm', precision: 'bf16' }],
    ['cosine loss on unit output', { model: 'gru', loss: 'cosine', output: 'unit' }],
    ['contrastive loss', { model: 'gru', loss: 'contrastive', negatives: 50 }],
    ['both losses over a history', { model: 'lstm', loss: 'mse+contrastive', negatives: 50, history: '9', ema: 0.9 }],
    ['residual to the mean, mlp head', { model: 'lstm', residual: 'mean', head: 'mlp', output: 'unit' }],
    ['a split by windows', { model: 'lstm', split: 'windows' }],
    ['a short last batch, a sample of windows', { model: 'gru', batchSize: 24, maxWindows: 170, trainEval: '60', clip: 0.001 }],
    ['the strong recipe, all of it together', { model: 'transformer', recipe: 'strong', ema: 0.95, batchVectors: 24, epochs: 2 }],
  ])('a training with repeated stops ends as one without: %s', async (name, options) => {
    const whole = { ...TINY, data, saveEvery: 4, ...options, name: name.replaceAll(' ', '-') }
    const steps = await interrupted(whole, [
      nth('start', 1), // before the first evaluation
      nth('progress', 1), // within the first epoch
      nth('progress', 2),
      nth('epoch', 1), // between two epochs
      nth('saved', 1),
    ])
    expect(steps.slice(0, 2)).toEqual([0, 1])
    expect(steps.slice(3)).toEqual([0, 4])
  })

  it('a training with a separate validation file ends the same after a stop', async () => {
    await interrupted({ ...TINY, model: 'lstm', data, split: 'file', val, space: 'test', name: 'file' }, [nth('progress', 1)])
  })

  it('a training stopped at random instants ends as one without stops', { timeout: 120_000 }, async () => {
    const stops = Array.from({ length: 12 }, (_, i) => 20 + 23 * i)
    await interrupted({ ...TINY, model: 'transformer', data, epochs: 6, ema: 0.9, name: 'random' }, stops)
  })
})

it('a stop during the evaluation of the last epoch leaves the evaluation to resume, also with --max-steps', async () => {
  const options = { ...TINY, model: 'lstm', data, epochs: 3, maxSteps: 20, saveEvery: 50 } as const
  await trained({ ...options, name: 'judged-whole' })
  const run = join(TINY.out, 'judged')
  const last = historyOf(join(TINY.out, 'judged-whole')).history.length - 1
  const stop: Stop = (event) => event.type === 'progress' && event.epoch === last && event.step === event.steps
  expect(resultOf(await trained({ ...options, name: 'judged' }, stop))).toMatchObject({ stopped: 'interrupted' })
  expect(manifestOf(run).progress).toMatchObject({ epoch: last, optimizer_steps: 20, finished: false })
  expect(historyOf(run).history).toHaveLength(last)
  await trained({ ...options, name: 'judged', resume: true })
  await expectEqual(run, join(TINY.out, 'judged-whole'))
})

describe('--resume', () => {
  const options = { ...TINY, model: 'lstm' } as const
  const run = join(TINY.out, 'going')
  beforeAll(async () => {
    await trained({ ...options, data, name: 'going', epochs: 1 })
  })
  const again = (more: Partial<TrainOptions> = {}) =>
    trained({ model: 'lstm', name: 'going', out: TINY.out, resume: true, ...more } as TrainOptions)

  it('resume of a finished run trains nothing and changes nothing', async () => {
    const before = manifestOf(run)
    expect(resultOf(await again())).toMatchObject({ stopped: 'done', best_epoch: 1 })
    expect(manifestOf(run)).toEqual(before)
  })
  it('resume with more epochs equals one training of as many epochs', async () => {
    await cp(run, join(TINY.out, 'longer'), { recursive: true })
    const events = await again({ name: 'longer', epochs: 3 }) // the other options come from the run
    expect(events.filter((event) => event.type === 'epoch').map((event) => event.epoch)).toEqual([2, 3])
    await trained({ ...options, data, name: 'at-once', epochs: 3 })
    await expectEqual(join(TINY.out, 'longer'), join(TINY.out, 'at-once'))
    expect(json<{ epochs: number }>(TINY.out, 'longer', 'config.json').epochs).toBe(3)
    await refused('BAD_OPTION', again({ name: 'longer', epochs: 2 }))
  })
  it('a run resumed with more epochs is unfinished until they are done', async () => {
    await cp(run, join(TINY.out, 'extended'), { recursive: true })
    await trained({ ...options, name: 'extended', resume: true, epochs: 4 }, nth('progress', 1))
    expect(manifestOf(join(TINY.out, 'extended')).progress).toMatchObject({ epoch: 2, finished: false })
  })
  it('resume accepts the same options again, including defaults and other spellings', async () => {
    await again({
      ...options,
      device: 'auto',
      data: join(TINY.out, '..', 'base'),
      width: 16,
      layers: 2,
      lr: 0.0005,
      saveEvery: 7,
    })
  })
  it.each([
    ['lr', 0.001],
    ['batchSize', 8],
    ['seed', 1],
    ['width', 32],
    ['schedule', 'constant'],
    ['precision', 'bf16'],
    ['recipe', 'strong'],
    ['threads', 3],
    ['context', 4],
    ['weightDecay', 0.1],
    ['trainEval', '10'],
    ['extend', 'constant'],
    ['overwrite', true],
  ])('resume refuses another %s', async (key, value) => {
    const message = await refused('BAD_OPTION', again({ [key]: value }))
    expect(message).toContain(`"${key}"`)
  })
  it('resume refuses another model, and names that of the run', async () => {
    expect(await refused('BAD_OPTION', again({ model: 'gru' }))).toMatch(/"lstm"/)
  })
  it('resume refuses other data and changed data', async () => {
    expect(await refused('BAD_CHECKPOINT', again({ data: val }))).toMatch(/hash differs/)
    const [lines, spoilt] = [await readFile(data.replace('.npy', '.jsonl'), 'utf8'), place('spoilt.jsonl')]
    await writeFile(spoilt, lines.replace('base-0', 'base-00'))
    await copyFile(data, place('spoilt.npy'))
    await refused('BAD_CHECKPOINT', again({ data: place('spoilt.npy') }))
  })
  it('resume without a run is RUN_MISSING, and leaves no folder', async () => {
    expect(await refused('RUN_MISSING', again({ name: 'nothing' }))).toMatch(/to resume/)
    await expect(readFile(join(TINY.out, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('resume of a damaged run continues from the intact save, warns, and ends with the same result', async () => {
    const damaged = join(TINY.out, 'damaged')
    await cp(run, damaged, { recursive: true })
    await rm(join((await verifyRun(damaged)).path, 'final_model.pt'))
    await rm(join(damaged, 'final_model.pt'))
    const events = await again({ name: 'damaged' })
    const told = events.find((event) => event.type === 'warning' && event.code === 'BAD_CHECKPOINT')
    expect(told).toMatchObject({ message: expect.stringMatching(/final_model\.pt.*: resuming from save \d+ of 20/) })
    await expectEqual(damaged, run)
  })
})
