import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load, removeRun, type TrainControl, type TrainEvent, type TrainOptions, train } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { historyOf, nth, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
const run = (name: string) => join(TINY.out, name)
const MEASURED = ['time', 'seconds', 'cpu_share', 'samples_per_second', 'peak_memory_bytes']
const linesOf = (name: string): Record<string, unknown>[] =>
  readFileSync(join(run(name), 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const comparable = (name: string) =>
  linesOf(name).map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => !MEASURED.includes(key))))

async function followed(options: TrainOptions, control: TrainControl): Promise<TrainEvent[]> {
  const events: TrainEvent[] = []
  for await (const event of train(options, control)) events.push(event)
  return events
}

describe('metrics.jsonl', () => {
  it('metrics.jsonl has the means of every n steps and the rows of the history', async () => {
    await trained({ ...TINY, model: 'lstm', data, name: 'logged', logEvery: 3 })
    const { history } = historyOf(run('logged'))
    const lines = linesOf('logged')
    expect(lines.filter(({ type }) => type === 'epoch')).toEqual(history.map((row) => expect.objectContaining(row)))
    const steps = lines.filter(({ type }) => type === 'step')
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => 3 * (i + 1)))
    await trained({ ...TINY, model: 'lstm', data, name: 'each', logEvery: 1 })
    const each = linesOf('each').filter(({ type, epoch }) => type === 'step' && epoch === 1) as {
      loss: number
      grad_norm: number
    }[]
    const mean = (key: 'loss' | 'grad_norm') => each.reduce((sum, line) => sum + line[key], 0) / each.length
    expect(mean('grad_norm')).toBeCloseTo(history[1]!.grad_norm!, 10)
    expect(steps[0]!.loss).toBeCloseTo((each[0]!.loss + each[1]!.loss + each[2]!.loss) / 3, 10)
    expect(historyOf(run('each')).history.map(({ val_loss }) => val_loss)).toEqual(history.map(({ val_loss }) => val_loss))
  })

  it('a training that was stopped and resumed has the lines of one that was not', async () => {
    const options = { ...TINY, model: 'gru', data, saveEvery: 4, logEvery: 3, log: 'csv,tensorboard' } as const
    await trained({ ...options, name: 'whole' })
    for (const [i, stop] of [nth('start', 1), nth('progress', 1), nth('progress', 2), nth('epoch', 1), undefined].entries()) {
      await trained({ ...options, name: 'parts', resume: i > 0 }, stop)
      // what a kill leaves: steps after the last save, and half a line
      writeFileSync(join(run('parts'), 'metrics.jsonl'), '{"type":"step","step":9999,"epoch":9}\n{"type":"st', { flag: 'a' })
    }
    await trained({ ...options, name: 'parts', resume: true, epochs: 2 })
    expect(comparable('parts')).toEqual(comparable('whole'))
    const shape = (name: string) =>
      readFileSync(join(run(name), 'metrics.csv'), 'utf8')
        .split('\n')
        .map((row) => row.split(',').length)
    expect(shape('parts')).toEqual(shape('whole'))
    expect(readdirSync(run('parts')).filter((name) => name.startsWith('events.out.tfevents.'))).toHaveLength(1)
  })

  it('the line of an epoch whose process was killed after the save comes from the history', async () => {
    const options = { ...TINY, model: 'gru', data, name: 'late' } as const
    await trained(options, nth('epoch', 2))
    writeFileSync(join(run('late'), 'metrics.jsonl'), '')
    await trained({ ...options, resume: true })
    expect(linesOf('late').filter(({ type }) => type === 'epoch')).toEqual(
      historyOf(run('late'))
        .history.slice(1)
        .map((row) => expect.objectContaining(row)),
    )
  })

  it('runs rm removes the logs of a run, and a new run those of the one it overwrites', async () => {
    const options = { ...TINY, model: 'gru', data, epochs: 1, name: 'gone' } as const
    await trained({ ...options, log: 'csv,tensorboard' })
    await trained({ ...options, overwrite: true })
    expect(readdirSync(run('gone')).filter((name) => /csv|tfevents/.test(name))).toEqual([])
    expect(await removeRun(run('gone'))).toEqual({ kept: [] })
  })
})

describe('callbacks', () => {
  it('a callback logs figures, loads the checkpoint and stops the training, which can be resumed', async () => {
    const options = { ...TINY, model: 'lstm', data, name: 'called', logEvery: 2, epochs: 3 } as const
    const seen: string[] = []
    const events = await followed(options, {
      onStep: ({ loss }, { log }) => log({ 'own/decibel': 10 * Math.log10(loss) }),
      onCheckpoint: async ({ epoch }, { run, log }) => {
        using model = await load(run)
        log({ parameters: model.manifest.parameters })
        seen.push(`saved ${epoch}`)
      },
      onEpoch: ({ epoch }, { stop }) => {
        seen.push(`epoch ${epoch}`)
        if (epoch === 1) stop()
      },
    })
    expect(resultOf(events)).toMatchObject({ stopped: 'callback' })
    expect(seen.slice(0, 4)).toEqual(['epoch 0', 'saved 1', 'epoch 1', 'saved 2'])
    const lines = linesOf('called')
    const step = lines.find(({ type }) => type === 'step') as { loss: number; metrics: Record<string, number> }
    expect(step.metrics).toEqual({ 'own/decibel': 10 * Math.log10(step.loss) })
    expect(lines.find(({ type }) => type === 'checkpoint')).toMatchObject({
      step: 0,
      metrics: { parameters: expect.any(Number) },
    })
    const rest = await followed({ ...options, resume: true }, {})
    expect(resultOf(rest)).toMatchObject({ stopped: 'done' })
    await trained({ ...options, name: 'uncalled' })
    const losses = (name: string) => historyOf(run(name)).history.map(({ val_loss }) => val_loss)
    expect(losses('called')).toEqual(losses('uncalled'))
  })

  it('a callback that never ends does not hold a training that was stopped, and one that ends soon is waited for', async () => {
    const options = { ...TINY, model: 'lstm', data, name: 'endless', logEvery: 1 } as const
    const stopper = new AbortController()
    const events = await followed(options, {
      signal: stopper.signal,
      onStep: () => {
        stopper.abort()
        return new Promise<never>(() => {})
      },
      onCheckpoint: async (_, { log }) => {
        await setTimeout(50)
        log({ late: 1 })
      },
    })
    expect(events).toContainEqual(
      expect.objectContaining({ code: 'INTERRUPTED', message: expect.stringMatching(/^onStep had not/) }),
    )
    expect(resultOf(events)).toMatchObject({ stopped: 'interrupted' })
    expect(linesOf('endless').at(-1)).toMatchObject({ type: 'checkpoint', metrics: { late: 1 } })
  })

  it.each<[string, TrainControl, string]>([
    ['throws', { onStep: () => Promise.reject(new Error('mine')) }, '"onStep" that does not throw but it threw "Error: mine"'],
    ['logs NaN', { onEpoch: (_, { log }) => log({ x: Number.NaN }) }, 'a finite number for "x"'],
    ['logs a bad name', { onEpoch: (_, { log }) => log({ 'a:b': 1 }) }, 'begin with a letter'],
    ['is no function', { onEpoch: 3 as never }, 'a function for "onEpoch"'],
    ['has an unknown name', { onBatch: () => {} } as never, 'onStep, onEpoch, onCheckpoint'],
  ])('a callback that %s ends the training with BAD_OPTION', async (name, control, message) => {
    const options = { ...TINY, model: 'lstm', data, name: name.replaceAll(' ', '-'), logEvery: 1 } as const
    expect(await refused('BAD_OPTION', followed(options, control))).toContain(message)
  })
})

describe('--log', () => {
  /** Answers like a tracking server; `broken` makes it fail. */
  const asked: { path: string; body: Record<string, never> }[] = []
  let broken = false
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    const path = request.url!.replace('/api/2.0/mlflow/', '')
    asked.push({ path, body: text === '' ? {} : JSON.parse(text) })
    const answers: Record<string, object> = {
      'experiments/create': { experiment_id: '7' },
      'runs/create': { run: { info: { run_id: 'abc' } } },
    }
    const missing = path.startsWith('experiments/get-by-name')
    response.writeHead(broken ? 500 : missing ? 404 : 200)
    response.end(missing ? '{"error_code":"RESOURCE_DOES_NOT_EXIST"}' : JSON.stringify(answers[path] ?? {}))
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  it('mlflow gets settings, figures and the end of the run, and a resumed run goes on there', async () => {
    const options = { ...TINY, model: 'lstm', data, name: 'sent', logEvery: 1, log: `mlflow=${url}` } as const
    await trained(options, nth('epoch', 2))
    const of = (path: string) => asked.filter((each) => each.path === path).map(({ body }) => body as Record<string, unknown>)
    expect(of('runs/create')).toMatchObject([{ experiment_id: '7', run_name: 'sent' }])
    expect(of('runs/update').at(-1)).toMatchObject({ run_id: 'abc', status: 'KILLED' })
    await trained({ ...options, resume: true })
    expect(of('runs/create')).toHaveLength(1)
    expect(of('runs/update').at(-1)).toMatchObject({ run_id: 'abc', status: 'FINISHED' })
    const metrics = of('runs/log-batch').flatMap(({ metrics = [] }) => metrics as { key: string; value: number; step: number }[])
    const losses = linesOf('sent').filter(({ type }) => type === 'step')
    expect(metrics.filter(({ key }) => key === 'step/loss').map(({ value, step }) => ({ loss: value, step }))).toEqual(
      losses.map(({ loss, step }) => ({ loss, step })),
    )
    expect(of('runs/log-batch')[0]!.params).toContainEqual({ key: 'learning_rate', value: '0.0005' })
  })

  it('a tracking server that fails during the training ends its log with a warning, not the training', async () => {
    const options = { ...TINY, model: 'lstm', data, name: 'broken', logEvery: 1, log: `mlflow=${url}` } as const
    const events = await followed(options, {
      onEpoch: ({ epoch }) => {
        broken = epoch >= 0
      },
    })
    broken = false
    expect(resultOf(events)).toMatchObject({ stopped: 'done' })
    expect(events.filter((event) => event.type === 'warning' && event.code === 'LOG_FAILED')).toHaveLength(1)
  })

  it.each<[string, 'BAD_OPTION' | 'LOG_FAILED']>([
    ['tensorbord', 'BAD_OPTION'],
    ['csv,', 'BAD_OPTION'],
    ['csv,csv', 'BAD_OPTION'],
    ['csv=x', 'BAD_OPTION'],
    ['mlflow=ftp://x', 'BAD_OPTION'],
    ['mlflow=http://me:secret@x', 'BAD_OPTION'],
    ['mlflow=http://127.0.0.1:9', 'LOG_FAILED'],
  ])('a log that cannot be written is refused before the training: %s', async (log, code) => {
    const message = await refused(code, trained({ ...TINY, model: 'lstm', data, name: 'refused', log }))
    expect(message).not.toContain('secret')
  })
})
