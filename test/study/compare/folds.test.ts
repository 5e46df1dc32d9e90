import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFolds } from '../../../lib/checkpoint/fold-runs.js'
import { evaluate } from '../../../lib/evaluate/evaluate-runs.js'
import { compare } from '../../../lib/study/compare/compare.js'
import { trainOn, wander, writeCorpus } from '../retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-folds-'))
const out = join(folder, 'reports')
const runs = join(folder, 'runs')
let data = ''
const named = (name: string) => join(runs, name)
const versus = (names: string[], more: Record<string, unknown> = {}) =>
  compare({ runs: names, folds: true, out, threads: 1, ...more } as Parameters<typeof compare>[0])
beforeAll(async () => {
  mkdirSync(runs)
  data = writeCorpus(folder, 'corpus', wander(1).subarray(0, 24 * 8 * 16))
  const small = { batchSize: 8 }
  for (const fold of ['1/2', '2/2']) {
    const name = fold.replace('/', 'of')
    await trainOn(data, runs, `a-fold${name}`, { ...small, fold })
    for (const seed of [1, 2])
      await trainOn(data, runs, `b-fold${name}-seed${seed}`, { ...small, fold, seed, splitSeed: 0, maxSteps: 30, lr: 0.01 })
  }
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('folds in a comparison', () => {
  it('compare pools the rows that each fold held out, with baselines of the training articles of that fold', async () => {
    const { comparison, table } = await versus([named('a'), 'ridge'])
    const [one] = comparison.comparisons
    expect(one).toMatchObject({ rows: 'folds', selected_on: false, trained_on: 0, n: 120, articles: 24 })
    expect(one!.folds).toEqual([
      { articles: 12, windows: 60 },
      { articles: 12, windows: 60 },
    ])
    const each = await evaluate({ runs: ['a-fold1of2', 'a-fold2of2'].map(named), out, latency: 0, threads: 1 })
    expect(each.results.runs.map(({ rows }) => rows)).toEqual(['test', 'test']) // a fold is judged on its own part
    const mean = (of: (run: (typeof each.results.runs)[number]) => number) =>
      each.results.runs.reduce((sum, run) => sum + of(run) / 2, 0)
    expect(one!.contestants[0]!.cosine).toBeCloseTo(
      mean(({ cosine }) => cosine.mean),
      7,
    )
    expect(one!.contestants[1]!.cosine).toBeCloseTo(
      mean(({ baselines }) => baselines.ridge!.cosine),
      7,
    )
    expect(one!.pairs[0]!.cosine!.ci95).not.toBeNull() // 24 articles; each fold alone has too few
    expect(table).toContain('120 windows of 24 articles · held out over 2 folds')
    expect(one!.seeds_note).toMatch(/^one training seed of each run/)
    expect(JSON.parse(readFileSync(join(out, 'comparison.json'), 'utf8')).comparisons[0].rows).toBe('folds')
  })
  it('compare takes the seeds of the folds into the interval, and says which run has only one', async () => {
    const { comparison } = await versus([named('a'), named('b')])
    const [one] = comparison.comparisons
    expect(one!.contestants[1]).toMatchObject({
      trainings: [1, 2].map((s) => [1, 2].map((f) => named(`b-fold${f}of2-seed${s}`))),
    })
    expect(one!.seeds_note).toMatch(/^one training seed of .*a-2folds/)
    const only = await versus([named('a'), named('b-fold1of2-seed2')])
    expect(only.comparison.comparisons[0]!.contestants[1]!.trainings).toHaveLength(1)
  })
  it('folds are found by their name or that of one of them', async () => {
    const [a] = await findFolds('compare', named('a'))
    expect((await findFolds('compare', named('a-fold2of2')))[0]!.runs).toEqual(a!.runs)
    expect((await findFolds('compare', named('b'))).map(({ seed }) => seed)).toEqual([1, 2])
  })
})

describe('training seeds in a comparison', () => {
  it('compare joins runs that differ only in their seed, where there is something else to compare them with', async () => {
    const trained = { batchSize: 8, splitSeed: 0, maxSteps: 30, lr: 0.01 }
    const [one, two] = [
      await trainOn(data, runs, 's_seed1', { ...trained, seed: 1 }),
      await trainOn(data, runs, 's_seed2', { ...trained, seed: 2 }),
    ]
    const other = await trainOn(data, runs, 'other', { ...trained, seed: 1, lr: 0.02 })
    const of = async (names: string[]) => (await versus(names, { folds: false })).comparison.comparisons[0]!
    const joined = await of([one, 'context_mean', two])
    expect(joined.contestants.map(({ name }) => name)).toEqual([named('s (2 seeds)'), 'context_mean'])
    expect(joined.contestants[0]!.trainings).toEqual([[one], [two]])
    expect(joined.seeds_note).toBe('the intervals cover articles and training seeds: both are resampled')
    const single = await of([one, two])
    expect(single.contestants.map(({ name }) => name)).toEqual([one, two])
    const mean = (single.contestants[0]!.cosine! + single.contestants[1]!.cosine!) / 2
    expect(joined.contestants[0]!.cosine).toBeCloseTo(mean, 12)
    expect((await of([one, other])).contestants).toHaveLength(2)
    expect((await of([one, other])).seeds_note).toMatch(/^one training seed of each run/)
    expect((await of([one, two, other])).seeds_note).toMatch(/^one training seed of .*other: /)
    expect(joined.folds).toBeNull()
  })
})

describe('compare refuses', () => {
  it('compare refuses missing folds by name, and folds of other data or rows', async () => {
    await expect(versus([named('c'), 'ridge'])).rejects.toThrow(/folds such as c-fold1of5 in .* but there are none/)
    const away = join(folder, 'away')
    renameSync(named('a-fold2of2'), away)
    await expect(versus([named('a'), 'ridge'])).rejects.toThrow(/2 finished folds of a but a-fold2of2 is missing/)
    await expect(versus([named('a'), 'ridge'])).rejects.toMatchObject({
      code: 'RUN_MISSING',
      hint: expect.stringMatching(/sweep|train/),
    })
    cpSync(named('a-fold1of2'), named('a-fold2of2'), { recursive: true })
    await expect(versus([named('a'), 'ridge'])).rejects.toThrow(/a run of fold 2 of 2 in .*a-fold2of2/)
    rmSync(named('a-fold2of2'), { recursive: true })
    renameSync(away, named('a-fold2of2'))
    await expect(versus([named('a'), 'ridge'], { rows: 'val' })).rejects.toThrow(/"rows"/)
    await expect(versus([named('a'), 'ridge'], { data })).rejects.toThrow(/"data"/)
    await expect(versus(['ridge', 'copy_last'])).rejects.toThrow(/at least one run/)
  })
  it('compare refuses folds that were trained with other options', async () => {
    await trainOn(data, runs, 'd-fold1of2', { batchSize: 8, fold: '1/2' })
    await trainOn(data, runs, 'd-fold2of2', { batchSize: 8, fold: '2/2', lr: 0.1 })
    await expect(versus([named('d'), 'ridge'])).rejects.toThrow(/trained alike but "learning_rate" is 0.0005 in .* and 0.1 in/)
    await trainOn(data, runs, 'a-fold1of3', { batchSize: 8, fold: '1/3' })
    await expect(versus([named('a'), 'ridge'])).rejects.toThrow(/one number of folds of a/)
    rmSync(named('a-fold1of3'), { recursive: true })
  })
})
