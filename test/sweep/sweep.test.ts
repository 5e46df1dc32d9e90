import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type SweepEvent, type SweepOptions, sweep } from '../../lib/index.js'
import { seconds } from '../../lib/sweep/sweep-fields.js'
import { place, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('sweep', { articles: 30 })
})
const options = (name: string, more: Partial<SweepOptions> = {}): SweepOptions => ({
  data,
  models: 'lstm,gru,mlp',
  preset: 'tiny',
  epochs: 2,
  threads: 1,
  latency: 0,
  out: place(`${name}-models`),
  evaluation: place(`${name}-evaluation`),
  ...more,
})
const cells = (
  name: string,
): { model: string; state: string; exit: number | null; seconds: number; error: { code: string } | null }[] =>
  JSON.parse(readFileSync(join(place(`${name}-evaluation`), 'sweep.json'), 'utf8')).cells
const states = (name: string) => cells(name).map(({ model, state }) => `${model} ${state}`)
/** Process id of the child that trains a model. */
const childOf = (model: string) =>
  Number(execFileSync('pgrep', ['-P', String(process.pid), '-f', ` train ${model} `], { encoding: 'utf8' }))

it.skipIf(process.platform === 'win32')('a killed training fails only its own cell, which the next sweep trains', async () => {
  let killed = 0
  const tell = (told: SweepEvent) => {
    if (told.type !== 'training' || told.model !== 'gru' || told.event.type !== 'start' || killed > 0) return
    killed = childOf('gru')
    process.kill(killed, 'SIGKILL')
  }
  const { report, page, stopped } = await sweep(options('kill', { epochs: 3 }), { tell })
  expect(killed).toBeGreaterThan(0)
  expect(stopped).toBe(false)
  expect(states('kill')).toEqual(['lstm done', 'gru failed', 'mlp done'])
  expect(cells('kill')[1]).toMatchObject({ exit: null, signal: 'SIGKILL', error: { code: 'SIGKILL' } })
  expect(report.matrix[0]).toMatchObject({ status: 'other size' })
  expect(report.matrix[1]).toMatchObject({ model: 'gru', status: 'failed', val_loss: null })
  expect(report.matrix[1]!.why).toMatch(/^SIGKILL: killed from outside/)
  expect(readFileSync(page, 'utf8')).toContain('killed from outside')

  const before = cells('kill')
  const again = await sweep(options('kill', { epochs: 3 }))
  expect(states('kill')).toEqual(['lstm done', 'gru done', 'mlp done'])
  expect(cells('kill')[0]).toEqual(before[0]) // a finished cell stays unchanged
  expect(again.report.matrix[1]).toMatchObject({ status: 'other size' })
})

it('a stopped sweep leaves a checkpoint and resumes from it', async () => {
  const stop = new AbortController()
  const tell = (told: SweepEvent) => {
    if (told.type === 'training' && told.event.type === 'epoch' && told.event.epoch === 1) stop.abort()
  }
  const long = options('stop', { models: 'lstm,mlp', epochs: 400, maxSteps: 3000 })
  const { stopped } = await sweep(long, { tell, signal: stop.signal })
  expect(stopped).toBe(true)
  expect(states('stop')).toEqual(['lstm interrupted', 'mlp queued'])
  expect(existsSync(join(place('stop-models'), 'lstm_baseline', 'final_model.pt'))).toBe(true)
  let resumed = false
  const listen = (told: SweepEvent) => {
    if (told.type === 'training' && told.event.type === 'start') resumed ||= told.event.resumed
  }
  await sweep(long, { tell: listen, signal: AbortSignal.timeout(20_000) })
  expect(resumed).toBe(true)
})

it('a sweep shares its budget, and evaluates cells that used up theirs', async () => {
  const { report } = await sweep(options('budget', { models: 'lstm,mlp', epochs: 100_000, budget: '8s' }))
  expect(states('budget')).toEqual(['lstm out of budget', 'mlp out of budget'])
  for (const { seconds } of cells('budget')) expect(seconds).toBeGreaterThan(1)
  expect(report.matrix[0]).toMatchObject({
    status: 'out of budget',
    why: 'its share of the budget was too short; the next call of sweep goes on',
  })
  for (const run of report.runs.filter(({ best_epoch }) => best_epoch !== null)) expect(run.validation).not.toBeNull()
})

it('a sweep reports why a cell cannot be trained, and trains the others', async () => {
  const { report } = await sweep(options('refused', { models: 'mlp,hyena', objective: 'sequence' }))
  expect(states('refused')).toEqual(['mlp failed', 'hyena done'])
  expect(report.matrix.find(({ model }) => model === 'mlp')!.why).toMatch(/^BAD_OPTION: .*is not causal/)
})

it('a sweep refuses wrong options before it begins', async () => {
  await expect(sweep(options('kill', { lr: 0.1 }))).rejects.toThrow(/expected those that the sweep in .* was started with/)
  await expect(sweep({ ...options('other'), out: place('kill-models') })).rejects.toMatchObject({ code: 'RUN_EXISTS' })
  for (const [models, budget] of [['lstm,lstm', '4h'], ['lstn', '4h'], ['lstm', '4'], ['lstm', '-1h']]) // biome-ignore format: pairs
    await expect(sweep(options('wrong', { models, budget }))).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(sweep({ ...options('wrong'), data: undefined as never })).rejects.toThrow(/expected a file of vectors for "data"/)
  expect(existsSync(place('wrong-evaluation'))).toBe(false)
  expect([seconds('90s'), seconds('1.5m'), seconds('4h')]).toEqual([90, 90, 14_400])
})
