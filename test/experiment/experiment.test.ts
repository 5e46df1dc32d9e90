import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { dataFacts } from '../../lib/experiment/data-facts.js'
import { JOURNAL } from '../../lib/experiment/journal.js'
import { Search } from '../../lib/experiment/next-jobs.js'
import { readPlan } from '../../lib/experiment/read-plan.js'
import { lockRun } from '../../lib/files/lock.js'
import { experimentReport, experimentStatus, train } from '../../lib/index.js'
import { place, vectorFile } from '../train/runs.js'
import { entriesOf, ran, TINY } from './experiments.js'
import { planFile } from './killed-experiment.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('experiment')
})
const plan = (name: string, ...lines: string[]) => planFile(place('plans'), name, [`data: ${data}`, 'method: random', ...lines])
const two = (name: string, ...lines: string[]) =>
  plan(name, 'models: [mlp]', TINY, 'search: {lr: [0.001, 0.01]}', 'budget: {runs: 2}', ...lines)

it('a finished run that is not in the journal is found and not trained again', async () => {
  const path = two('found', 'confirm: {top: 0}')
  const out = place('found')
  const first = await ran({ plan: path, out, time: '0.001s' })
  expect(first.ended).toBe('time')
  expect(first.report).toMatchObject({ state: 'unfinished', done: 0, of: 2 })
  const [job] = new Search({
    plan: await readPlan(path),
    dataHash: (await dataFacts(data)).hash,
    ends: [],
    isValid: () => true,
    exhaustedAt: undefined,
  }).next()
  let score: number | null = null
  for await (const event of train({
    model: 'mlp',
    data,
    name: job!.id,
    out: join(out, 'runs'),
    preset: 'tiny',
    epochs: 1,
    threads: 1,
    seed: 0,
    lr: Number(job!.options.lr),
  }))
    if (event.type === 'result') score = event.val_cosine
  const second = await ran({ plan: path, out })
  expect(second.ended).toBe('done')
  expect(second.runs.map(({ found }) => found)).toEqual([true, false])
  expect(second.trained).toBe(1)
  expect(second.runs[0]!.score).toBe(score)
  const third = await ran({ plan: path, out })
  expect(third.trained).toBe(0)
})

it('the best configurations are trained again with fresh seeds, and losers lose their checkpoints but not their histories', async () => {
  const path = plan(
    'confirm',
    'models: [mlp]',
    TINY,
    'search: {lr: [0.0001, 0.001, 0.01]}',
    'budget: {runs: 3}',
    'confirm: {top: 2, seeds: 2}',
    'keep: 1',
  )
  const { report, page, json, table, plots } = await ran({ plan: path, out: place('confirm') })
  expect(report).toMatchObject({ state: 'complete', done: 7, of: 7, failed: 0 })
  expect(report.verdict.confirmed.length).toBe(2)
  expect(report.verdict.sentence).toMatch(/^(no winner: configuration|configuration) \d/)
  for (const { config, searched } of report.verdict.confirmed)
    expect(searched).toBe(report.ranking.find((one) => one.config === config)!.score)
  expect(report.disk.removed_runs).toBe(2 + 2)
  expect(report.disk.removed_bytes).toBeGreaterThan(1000)
  expect(readdirSync(join(place('confirm'), 'runs')).length).toBe(3)
  for (const run of report.runs.filter(({ removed }) => removed))
    expect(existsSync(join(place('confirm'), 'evaluation', run.id, 'training_history.json'))).toBe(true)
  expect(report.importance).toEqual([])
  expect(report.importance_note).toMatch(/^not estimated: 3 configurations/)
  for (const file of [page, json, table]) expect(readFileSync(file, 'utf8')).toContain(report.verdict.sentence)
  expect(readdirSync(plots)).toEqual(expect.arrayContaining(['best_so_far.png', 'confirmed.svg', 'by_lr.csv']))
  const again = await experimentReport({ of: place('confirm') })
  expect({ ...again.report, created_at: '' }).toEqual({ ...report, created_at: '' })
})

it('a run whose folder was removed by hand is not reported as kept', async () => {
  const { report } = await experimentReport({ of: place('confirm') })
  const kept = report.runs.filter(({ removed }) => !removed)
  expect(kept.length).toBe(3)
  rmSync(join(place('confirm'), 'runs', kept[0]!.id), { recursive: true })
  const { runs } = await experimentStatus({ of: place('confirm') })
  expect(runs.filter(({ removed }) => !removed).map(({ id }) => id)).toEqual(kept.slice(1).map(({ id }) => id))
})

it('a plan with another meaning is refused in a used folder, while a larger budget continues', async () => {
  const out = place('found')
  const more = (...lines: string[]) => ({ plan: two('found', ...lines), out })
  await expect(ran(more('seed: 5', 'confirm: {top: 0}'))).rejects.toThrow(
    /expected the plan that the experiment in .* was started with \(seed: 0 before, 5 now\)/,
  )
  await expect(ran({ ...more('confirm: {top: 0}'), runs: 1 })).rejects.toThrow(
    /expected at least 2, as before, for "budget\.runs"/,
  )
  const other = await vectorFile('other', { seed: 9 })
  await expect(
    ran({
      plan: planFile(place('plans'), 'found', [
        `data: ${other}`,
        'method: random',
        'models: [mlp]',
        TINY,
        'search: {lr: [0.001, 0.01]}',
        'budget: {runs: 2}',
        'confirm: {top: 0}',
      ]),
      out,
    }),
  ).rejects.toThrow(/data_hash/)
  const wider = await ran({ ...more('confirm: {top: 0}'), runs: 5 })
  expect(wider.report).toMatchObject({ done: 2, of: 2, state: 'complete' })
  expect(wider.events.find(({ type }) => type === 'warning')).toMatchObject({
    message: expect.stringMatching(/no more than 2 different configurations/),
  })
})

it('status reads a running experiment, and a second process cannot run it', async () => {
  const out = place('found')
  const lock = await lockRun(out)
  await expect(ran({ plan: two('found', 'confirm: {top: 0}'), out })).rejects.toMatchObject({ code: 'RUN_LOCKED' })
  expect(await experimentStatus({ of: out })).toMatchObject({ state: 'running', pid: process.pid, done: 2 })
  await lock.release()
  expect(await experimentStatus({ out })).toMatchObject({ state: 'complete', running: [] })
  appendFileSync(join(out, JOURNAL), '{"type":"run","id":"half')
  expect((await experimentStatus({ of: out })).done).toBe(2)
  const { events } = await ran({ plan: two('found', 'confirm: {top: 0}'), out, runs: 5 })
  expect(events.find(({ type }) => type === 'warning')).toMatchObject({
    message: expect.stringMatching(/half-written and was cut off/),
  })
  await expect(experimentStatus({ of: place('plans') })).rejects.toMatchObject({ code: 'RUN_MISSING' })
})

it('an error that every run would have stops the experiment and is no failure of a run', async () => {
  const few = await vectorFile('broken', { change: (v) => v.fill(0, 16, 32) })
  const path = planFile(place('plans'), 'broken', [
    `data: ${few}`,
    'models: [mlp]',
    TINY,
    'search: {lr: [0.001, 0.01]}',
    'budget: {runs: 2}',
  ])
  await expect(ran({ plan: path, out: place('broken') })).rejects.toMatchObject({ code: 'DATA_ZERO' })
  expect(entriesOf(place('broken')).some(({ type }) => type === 'run')).toBe(false)
})
