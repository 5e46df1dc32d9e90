import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type TrainOptions, train } from '../../lib/index.js'
import { expectSameHistory } from './ranks.js'
import { comparable, historyOf, manifestOf, nth, place, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
afterEach(() => vi.unstubAllEnvs())
const SHARED = { ...TINY, rankTimeout: 30 }
const run = (name: string) => place(`runs/${name}`)

it('three processes share each batch, and their history is that of one process, dropout and the last batch included', async () => {
  const options = { model: 'lstm', data, batchSize: 14 } as const // fourteen windows for three processes, and a smaller last batch
  await trained({ ...TINY, ...options, name: 'one' })
  const events = await trained({ ...SHARED, ...options, name: 'three', processes: 3 })
  expect(events.find(({ type }) => type === 'start')).toMatchObject({ processes: 3 })
  expectSameHistory(run('three'), run('one'))
  expect(manifestOf(run('three')).options.train).not.toHaveProperty('processes')
})

it.each([
  ['memory', '1', 3],
  ['memory', '1', 4],
  ['the network', '0', 3],
])('gradients go through %s where LVM_TORCH_SHARED_MEMORY is %s, with %i processes', async (way, value, processes) => {
  vi.stubEnv('LVM_TORCH_SHARED_MEMORY', value)
  const name = `way-${value}-${processes}`
  const options = { model: 'gru', data, ema: 0.9, maxSteps: 8, logEvery: 1 } as const
  let maps = ''
  for await (const { type } of train({ ...SHARED, ...options, name, processes }))
    if (type === 'step') maps = readFileSync('/proc/self/maps', 'utf8')
  expect(maps.includes('memfd:lvm-torch-')).toBe(way === 'memory')
  await trained({ ...TINY, ...options, name: `${name}-one` })
  expectSameHistory(run(name), run(`${name}-one`))
  expect(readFileSync('/proc/self/maps', 'utf8')).not.toContain('memfd:lvm-torch-')
})

it.each([2, 4])('%i processes train as one does that accumulates as many batches, to the bit', async (processes) => {
  const options = { model: 'lstm', data, dropout: 0, ema: 0.9, epochs: 1 } as const
  const name = `accumulated-${processes}`
  await trained({ ...TINY, ...options, name, batchSize: 16 / processes, accumulate: processes, maxSteps: 6 })
  await trained({ ...SHARED, ...options, name: `${name}-ranks`, batchSize: 16, processes, maxSteps: 6 })
  const [ranks, one] = [`${name}-ranks`, name].map((of) => comparable(historyOf(run(of))).history)
  expect(one!.at(-1)).toMatchObject({ epoch: 1, train_loss: expect.any(Number) })
  expect(ranks).toEqual(one)
})

it('whole articles of unequal length, recomputed layers and accumulated batches are shared too', async () => {
  const articles = await vectorFile('articles', { length: [9, 30, 17] })
  const options: TrainOptions = {
    model: 'transformer',
    data: articles,
    history: 'article',
    objective: 'sequence',
    batchVectors: 64,
    accumulate: 2,
    ema: 0.9,
    recompute: 'on',
  }
  await trained({ ...TINY, ...options, name: 'articles' })
  await trained({ ...SHARED, ...options, name: 'articles-2', processes: 2 })
  expectSameHistory(run('articles-2'), run('articles'))
})

it('a stopped run goes on with another number of processes and ends with the same history', async () => {
  const options = { model: 'gru', data } as const
  await trained({ ...TINY, ...options, name: 'whole' })
  const stopped = await trained({ ...SHARED, ...options, name: 'parts', processes: 2, logEvery: 1 }, nth('step', 5))
  expect(resultOf(stopped)).toMatchObject({ stopped: 'interrupted' })
  await trained({ model: 'gru', out: TINY.out, name: 'parts', resume: true, maxSteps: 20 })
  await trained({ model: 'gru', out: TINY.out, name: 'parts', resume: true, maxSteps: 999, processes: 2, rankTimeout: 30 })
  expectSameHistory(run('parts'), run('whole'))
})

it('an evaluation is shared too, and its figures are those of one process, bit for bit', async () => {
  const articles = await vectorFile('evaluated', { articles: 60, length: 200 })
  const options = { model: 'lstm', data: articles, select: 'top10', ema: 0.9, maxSteps: 3 } as const
  const first = (name: string) => comparable(historyOf(run(name))).history[0]
  await trained({ ...TINY, ...options, name: 'judged' })
  expect(first('judged')).toMatchObject({ epoch: 0, val_top10: expect.any(Number) })
  for (const processes of [2, 5]) {
    await trained({ ...SHARED, ...options, name: `judged-${processes}`, processes }) // five processes have three calls to share
    expect(first(`judged-${processes}`)).toEqual(first('judged'))
  }
  const stopped = await trained({ ...SHARED, ...options, name: 'unjudged', processes: 2 }, nth('start', 1))
  expect(resultOf(stopped)).toMatchObject({ stopped: 'interrupted' })
  await trained({ model: 'lstm', out: TINY.out, name: 'unjudged', resume: true, maxSteps: 3 })
  expect(first('unjudged')).toEqual(first('judged'))
})

it('an error on the first process ends the others, one that hangs too, and is the only error', async () => {
  const failing = async () => {
    const events = train(
      { ...SHARED, model: 'gru', data, name: 'failing', processes: 2, logEvery: 1, shardOptimizer: true },
      {
        onStep: () => {
          execFileSync('pkill', ['-STOP', '-P', `${process.pid}`, '-f', 'rank-child'])
          throw new Error('enough')
        },
      },
    )
    for await (const _ of events);
  }
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtException', note)
  try {
    await expect(failing()).rejects.toThrow('enough')
    await new Promise((done) => setTimeout(done, 500))
  } finally {
    process.off('uncaughtException', note)
  }
  expect(uncaught).toEqual([])
})

it.each([
  [{ loss: 'contrastive', processes: 2 }, 'BAD_OPTION', '"loss" but received "contrastive"'],
  [{ device: 'cuda', processes: 2 }, 'DEVICE_UNAVAILABLE', 'expected cpu for "device" with several processes'],
  [{ rankTimeout: 5 }, 'BAD_OPTION', '"rankTimeout" but received 5'],
  [{ processes: 0 }, 'BAD_OPTION', '"processes" but received 0'],
] as const)('what processes cannot share is refused: %o', async (wrong, code, message) => {
  await expect(trained({ ...TINY, model: 'gru', data, name: 'refused', ...wrong } as TrainOptions)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  })
})
