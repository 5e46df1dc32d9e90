import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { experiment } from '../../lib/index.js'
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
