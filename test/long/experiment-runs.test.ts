import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type ExperimentEvent, experiment, showRun, train } from '../../lib/index.js'
import { entriesOf, ran, TINY } from '../experiment/experiments.js'
import { planFile } from '../experiment/killed-experiment.js'
import { place, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('experiment')
})
const plan = (name: string, ...lines: string[]) => planFile(place('plans'), name, [`data: ${data}`, 'method: random', ...lines])

it('a stopped experiment saves the run in progress and resumes it', async () => {
  const path = plan(
    'stop',
    'models: [mlp]',
    'fixed: {preset: tiny, epochs: 300, threads: 1}',
    'search: {lr: [0.001, 0.0001]}',
    'budget: {runs: 1}',
    'confirm: {top: 0}',
  )
  const out = place('stop')
  const stop = new AbortController()
  const first = await experiment(
    { plan: path, out },
    {
      signal: stop.signal,
      tell: (told) => told.type === 'training' && told.event.type === 'epoch' && told.event.epoch === 3 && stop.abort(),
    },
  )
  expect(first.ended).toBe('stopped')
  expect(entriesOf(out).at(-1)).toMatchObject({ type: 'pause', why: 'asked' })
  const second = await ran({ plan: path, out })
  expect(second.ended).toBe('done')
  expect(second.events.find((e) => e.type === 'training' && e.event.type === 'start')).toMatchObject({ event: { resumed: true } })
})

it('an experiment can optimise figures of evaluate and of retrieve', async () => {
  for (const [metric, low, high] of [
    ['skill', -2, 2],
    ['hit@10', 0, 1],
  ] as const) {
    const { report } = await ran({
      plan: plan(
        `by-${metric[0]}`,
        'models: [mlp]',
        TINY,
        'search: {lr: [0.001, 0.01]}',
        'budget: {runs: 1}',
        'confirm: {top: 0}',
        `metric: ${metric}`,
      ),
      out: place(`by-${metric[0]}`),
    })
    expect(report.runs[0]!.state).toBe('done')
    expect(report.runs[0]!.score).toBeGreaterThanOrEqual(low)
    expect(report.runs[0]!.score).toBeLessThanOrEqual(high)
  }
})

it('a diverged run is not tried again, stays in the report with its error, and the others are trained', async () => {
  const path = plan(
    'diverged',
    'models: [mlp]',
    'fixed: {preset: tiny, epochs: 40, threads: 1, weightDecay: 10, clip: 0}',
    'search: {lr: [0.001, 10]}',
    'budget: {runs: 2}',
    'confirm: {top: 0}',
    'retries: 3',
  )
  const { report } = await ran({ plan: path, out: place('diverged') })
  const failed = report.runs.find(({ options }) => options.lr === 10)!
  expect(failed).toMatchObject({
    state: 'failed',
    score: null,
    attempts: 1,
    error: { code: 'DIVERGED' },
    final: 'the same options and seed diverge at the same step again',
  })
  expect(report.runs.find(({ options }) => options.lr === 0.001)).toMatchObject({ state: 'done' })
  expect(readFileSync(join(place('diverged'), 'report.md'), 'utf8')).toContain('failed: DIVERGED: ')
  expect(report.failed).toBe(1)
})

it('promoted runs of halving go on from their checkpoint, as if they had been trained that long at once', async () => {
  const path = planFile(place('plans'), 'halving', [
    `data: ${data}`,
    'models: [mlp]',
    'method: halving',
    'halving: {min: 1, max: 4, factor: 2}',
    'fixed: {preset: tiny, threads: 1}',
    'search: {lr: [0.0001, 0.01]}',
    'budget: {runs: 2}',
    'confirm: {top: 0}',
    'keep: all',
  ])
  const { runs, events } = await ran({ plan: path, out: place('halving') })
  expect(runs.map(({ rung, epochs }) => [rung, epochs])).toEqual([
    [0, 1],
    [0, 1],
    [1, 2],
    [2, 4],
  ])
  expect(new Set(runs.slice(2).map(({ id }) => id)).size).toBe(1)
  expect(
    events.flatMap((event) => (event.type === 'training' && event.event.type === 'start' ? [event.event.resumed] : [])),
  ).toEqual([false, false, true, true])
  const last = runs[3]!
  for await (const event of train({
    model: 'mlp',
    data,
    name: 'whole',
    out: place('halving-whole'),
    preset: 'tiny',
    epochs: 4,
    threads: 1,
    lr: Number(last.options.lr),
  }))
    if (event.type === 'result') expect(event.val_cosine).toBe(last.score)
})

it('two runs at a time have the threads that the plan says, and the results of one run at a time', async () => {
  const path = (name: string, ...lines: string[]) =>
    plan(
      name,
      'models: [mlp]',
      'fixed: {preset: tiny, epochs: 1, threads: 2}',
      'search: {lr: [0.0001, 0.001, 0.01]}',
      'budget: {runs: 3}',
      'confirm: {top: 0}',
      ...lines,
    )
  const one = await ran({ plan: path('one'), out: place('one') })
  const two = await ran({ plan: path('two', 'concurrency: 2'), out: place('two') })
  const scores = ({ report }: typeof one) => Object.fromEntries(report.runs.map(({ id, score }) => [id, score]))
  expect(scores(two)).toEqual(scores(one))
  for (const { id } of two.report.runs) expect((await showRun(join(place('two'), 'runs', id))).config.threads).toBe(2)
})

it('data that is replaced during an experiment stops it, and restored data continues it', async () => {
  const own = await vectorFile('replaced')
  const [before, after] = [readFileSync(own), readFileSync(await vectorFile('replacement', { seed: 9 }))]
  const path = planFile(place('plans'), 'replaced', [
    `data: ${own}`,
    'method: random',
    'models: [mlp]',
    TINY,
    'search: {lr: [0.001, 0.01]}',
    'budget: {runs: 2}',
    'confirm: {top: 0}',
  ])
  const out = place('replaced')
  const replace = (told: ExperimentEvent) => told.type === 'run' && writeFileSync(own, after)
  await expect(experiment({ plan: path, out }, { tell: replace })).rejects.toMatchObject({ code: 'DATA_CHANGED' })
  expect(entriesOf(out).filter(({ type }) => type === 'run').length).toBe(1)
  writeFileSync(own, before)
  const { ended, trained, report } = await ran({ plan: path, out })
  expect({ ended, trained }).toEqual({ ended: 'done', trained: 1 })
  for (const { id } of report.runs) expect((await showRun(join(out, 'runs', id))).data_hash).toBe(report.data_hash)
})
