import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { showRun } from '../../lib/index.js'
import { planFile } from '../experiment/killed-experiment.js'
import { cli, hasPython, onTerminal, textOf, until } from '../experiment/terminal.js'
import { place, vectorFile } from '../train/runs.js'

let data: string
const tiny = ['--preset', 'tiny', '--threads', '1']
beforeAll(async () => {
  data = await vectorFile('terminal')
  mkdirSync(place('work'))
})

it.skipIf(!hasPython)('a sweep goes on when its terminal closes', async () => {
  const folder = place('swept')
  const words = [
    'sweep',
    '--models',
    'lstm,mlp',
    '--data',
    data,
    ...tiny,
    '--epochs',
    '1',
    '--latency',
    '0',
    '--out',
    place('swept-models'),
  ]
  onTerminal(/lstm: training/, ...words, '--evaluation', folder)
  const log = await until(() => textOf(join(folder, 'sweep.log')))
  expect(log).toMatch(/lstm: training/)
  await until(() => textOf(join(folder, 'report.html')))
  expect(JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8')).cells.map(({ state }: { state: string }) => state)).toEqual(
    ['done', 'done'],
  )
})
it.skipIf(!hasPython)('train stops with a checkpoint when its terminal closes', async () => {
  onTerminal(
    / 2 +0\./,
    'train',
    'mlp',
    '--data',
    data,
    ...tiny,
    '--epochs',
    '100000',
    '--name',
    'hung-up',
    '--out',
    place('hung-models'),
  )
  const run = join(place('hung-models'), 'hung-up')
  await until(() => (existsSync(join(run, 'lock')) ? undefined : true))
  expect((await showRun(run)).state).toBe('interrupted')
})
it('an experiment goes on when the reader of its output leaves', async () => {
  const plan = planFile(place('work'), 'piped', [
    `data: ${data}`,
    'models: [mlp]',
    'fixed: {preset: tiny, epochs: 1, threads: 1}',
    'search: {lr: [1e-4, 1e-3]}',
    'budget: {runs: 2}',
    'confirm: {top: 0}',
  ])
  const out = place('piped')
  const child = spawn(process.execPath, [cli, 'experiment', plan, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => {
    child.stdout.destroy()
    child.stderr.destroy()
  })
  expect(await new Promise((done) => child.on('close', done))).toBe(0)
  expect(readFileSync(join(out, 'experiment.log'), 'utf8')).toMatch(/complete: 2 of 2/)
})
