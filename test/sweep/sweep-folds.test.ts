import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type SweepEvent, type SweepOptions, sweep } from '../../lib/index.js'
import { askedCells, optionsOf } from '../../lib/sweep/sweep-plan.js'
import { place, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('sweep-folds', { articles: 24 })
})
const options = (name: string, more: Partial<SweepOptions> = {}): SweepOptions => ({
  data,
  models: 'gru',
  preset: 'tiny',
  epochs: 2,
  threads: 1,
  latency: 0,
  folds: 2,
  out: place(`${name}-models`),
  evaluation: place(`${name}-evaluation`),
  ...more,
})
const read = (name: string, file: string) => JSON.parse(readFileSync(join(place(`${name}-evaluation`), file), 'utf8'))

it.skipIf(process.platform === 'win32')(
  'a sweep trains every fold, goes on after a kill, and evaluates all of them together',
  async () => {
    let killed = 0
    const tell = (told: SweepEvent) => {
      if (killed > 0 || told.type !== 'training' || told.event.type !== 'start' || !told.run.includes('-fold1of2')) return
      killed = Number(execFileSync('pgrep', ['-P', String(process.pid), '-f', ' train gru '], { encoding: 'utf8' }))
      process.kill(killed, 'SIGKILL')
    }
    await sweep(options('folds'), { tell })
    const states = () =>
      read('folds', 'sweep.json').cells.map((cell: Record<string, string>) => `${cell.run} ${cell.fold} ${cell.state}`)
    expect(states()).toEqual(['gru_stacked-fold1of2 1/2 failed', 'gru_stacked-fold2of2 2/2 done'])
    expect(read('folds', 'validation_results.json').runs).toHaveLength(1)

    const { report } = await sweep(options('folds'))
    expect(states()).toEqual(['gru_stacked-fold1of2 1/2 done', 'gru_stacked-fold2of2 2/2 done'])
    const pooled = read('folds', 'validation_results.json').runs.filter(({ rows }: { rows: string }) => rows === 'folds')
    expect(pooled).toMatchObject([{ run: join(place('folds-models'), 'gru_stacked-2folds'), articles: 24 }])
    expect(report.folds).toHaveLength(1)
  },
  180_000,
)

it('the cells of a sweep are models × seeds × folds, whose seeds share their split', () => {
  const o = { models: 'lstm,gru', folds: 2, seeds: 2 } as Parameters<typeof askedCells>[0]
  const cells = askedCells(o, {})
  expect(cells.map(({ run }) => run).slice(0, 5)).toEqual([
    'lstm_baseline-fold1of2-seed1',
    'lstm_baseline-fold2of2-seed1',
    'lstm_baseline-fold1of2-seed2',
    'lstm_baseline-fold2of2-seed2',
    'gru_stacked-fold1of2-seed1',
  ])
  expect(optionsOf({ lr: 0.1 }, cells[2]!)).toEqual({ lr: 0.1, seed: 2, splitSeed: 1, fold: '1/2' })
  expect(optionsOf({ seed: 7, splitSeed: 3 }, askedCells(o, { seed: 7 })[2]!)).toEqual({ seed: 8, splitSeed: 3, fold: '1/2' })
  const seeds = askedCells({ ...o, folds: undefined }, {})
  expect(seeds.map(({ run }) => run).slice(0, 2)).toEqual(['lstm_baseline_seed1', 'lstm_baseline_seed2'])
  const plain = askedCells({ ...o, folds: undefined, seeds: 1 }, {})
  expect(plain.map(({ run }) => run)).toEqual(['lstm_baseline', 'gru_stacked'])
  expect(optionsOf({ seed: 7 }, plain[0]!)).toEqual({ seed: 7 })
})

it.each([
  [{ test: 0.1 }, /0 with "folds".* for "test"/],
  [{ split: 'windows' }, /articles with "folds".* for "split"/],
  [{ fold: '1/2' }, /no value with "folds".* for "fold"/],
  [{ folds: 1 }, /"folds"/],
] as const)('a sweep of folds refuses %j before it begins', async (more, said) => {
  await expect(sweep(options('wrong', more as Partial<SweepOptions>))).rejects.toThrow(said)
  expect(existsSync(place('wrong-models'))).toBe(false)
})
