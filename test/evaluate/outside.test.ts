import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import type { Model } from '../../lib/checkpoint/model.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import type { Outsider } from '../../lib/evaluate/outside/outsider.js'
import { predict } from '../../lib/evaluate/predict.js'
import type { RunEntry } from '../../lib/evaluate/results-file.js'
import { compare } from '../../lib/study/compare/compare.js'
import { retrieve } from '../../lib/study/retrieval/retrieve.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { refused } from '../files/fixture.js'
import { CONTEXT, DIM, trainOn, wander, writeCorpus } from '../study/retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-outside-'))
const out = join(folder, 'reports')
const at = (name: string) => join(folder, name)
const judge = (runs: readonly (string | Outsider)[], more: object = {}) =>
  evaluate({ runs, out, latency: 0, threads: 1, ...more })
let [data, run] = ['', '']
let model: Model
let own: RunEntry
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', wander(1))
  run = await trainOn(data, folder, 'run')
  await predict({ run, out: at('raw.npy'), raw: true, threads: 1 })
  await predict({ run, out: at('unit.npy'), threads: 1 })
  model = await load(run, { threads: 1 })
  own = (await judge([run])).results.runs[0]!
})
afterAll(() => {
  model.dispose()
  rmSync(folder, { recursive: true, force: true })
})
const byModel = async (contexts: Tensor) => model.predict(contexts, { raw: true })

/** The figures of two entries agree to 1e-9. */
function alike(mine: object, theirs: object): void {
  for (const [key, value] of Object.entries(mine)) {
    const other = (theirs as Record<string, unknown>)[key]
    if (typeof value === 'number') expect(other, key).toBeCloseTo(value, 9)
    else if (typeof value === 'object' && value !== null) alike(value, other as object)
    else expect(other, key).toEqual(value)
  }
}
const figures = ({
  n,
  articles,
  mse_raw,
  mse_unit,
  cosine,
  cosine_centred,
  output_norm,
  baselines,
  skill,
}: Partial<RunEntry>) => ({ n, articles, mse_raw, mse_unit, cosine, cosine_centred, output_norm, baselines, skill })

describe('predictors that are no runs', () => {
  it('the predictions and the function of a run have its own figures to 1e-9, in its table, and never a claim that they saw no such window', async () => {
    const { results, outside, table } = await judge([run, `guess=${at('raw.npy')}`, { name: 'mine', predict: byModel }])
    expect(results.runs).toHaveLength(1)
    const [guess, mine] = outside!.runs
    expect([guess!.run, guess!.kind, mine!.run, mine!.kind]).toEqual(['guess', 'file', 'mine', 'function'])
    for (const entry of [guess!, mine!]) alike(figures(own), figures(entry as never))
    expect([guess!.trained_on, mine!.trained_on]).toEqual([0, null]) // the file says so; nobody knows of a function
    expect(table).toMatch(/mine: a function; whether it was trained on these windows is not known/)
    expect(table).not.toMatch(/guess: a file .* not known/)
    expect(table.match(/windows of/g)).toHaveLength(1)
    expect(JSON.parse(readFileSync(join(out, 'outside_results.json'), 'utf8')).runs).toHaveLength(2)
  })
  it('unit predictions have the cosines of the run and no loss on raw vectors', async () => {
    const [guess] = (await judge([run, { predictions: at('unit.npy') }])).outside!.runs
    expect([guess!.run, guess!.output, guess!.mse_raw]).toEqual(['unit', 'unit', null])
    expect(guess!.cosine.mean).toBeCloseTo(own.cosine.mean, 7)
  })
  it('without a run a file is judged on its own rows, and a function on all rows of the data', async () => {
    const [guess] = (await judge([at('raw.npy')])).outside!.runs
    expect(guess!.cosine.mean).toBeCloseTo(own.cosine.mean, 9)
    expect(guess!.baselines.ridge).toBeUndefined()
    const last = async (contexts: Tensor) => contexts.op('aten::select.int', 1, -1)
    const [copy] = (await judge([{ name: 'last', predict: last, context: CONTEXT }], { data })).outside!.runs
    expect(copy!.cosine.mean).toBeCloseTo(copy!.baselines.copy_last!.cosine, 9)
    expect(copy!.rows).toBe('all')
  })
  it('compare finds no difference between a run and its own predictions, and says what is not known', async () => {
    const runs = [run, 'copy_last', `guess=${at('raw.npy')}`, { name: 'mine', predict: byModel }]
    const { comparison, table } = await compare({ runs, out, threads: 1 })
    const { contestants, pairs } = comparison.comparisons[0]!
    expect(contestants.map(({ kind }) => kind)).toEqual(['run', 'baseline', 'outside', 'outside'])
    const [first, , guess, mine] = contestants
    for (const one of [guess!, mine!])
      for (const key of ['cosine', 'cosine_centred', 'top10'] as const) expect(one[key], key).toBeCloseTo(first![key]!, 9)
    expect(first!.top10).not.toBeNull()
    expect(pairs.find(({ a, b }) => a === first!.name && b === 'guess')!.cosine!.difference).toBeCloseTo(0, 9)
    expect(table).toMatch(/mine: whether it was trained/)
    expect(table).not.toMatch(/guess: whether/)
    expect(await refused('BAD_OPTION', compare({ runs: runs.slice(1), out, threads: 1 }))).toContain('at least one run')
    expect(await refused('BAD_OPTION', compare({ runs, folds: true, out, threads: 1 }))).toContain('only runs with "folds"')
  })
  it('retrieve finds with the predictions of a run what the run finds', async () => {
    const runs = [run, { name: 'mine', predict: byModel }]
    const { results, table } = await retrieve({ runs, out, threads: 1 })
    const [first, mine] = results.runs
    alike({ scores: first!.scores, failed: first!.failed }, { scores: mine!.scores, failed: mine!.failed })
    expect([mine!.model, mine!.weights_sha256, mine!.trained_on]).toEqual(['function', null, null])
    expect(table).toMatch(/mine: whether it was trained/)
    expect(table.match(/windows of/g)).toHaveLength(1)
    expect(await refused('BAD_OPTION', retrieve({ runs, folds: true, out, threads: 1 }))).toContain('only runs with "folds"')
  })
  it('a function may return lists', async () => {
    const lists = async (contexts: Tensor) => {
      const flat = (await (await byModel(contexts)).data()) as Float32Array
      return Array.from({ length: flat.length / DIM }, (_, i) => Array.from(flat.subarray(i * DIM, (i + 1) * DIM)))
    }
    const [mine] = (await judge([run, { name: 'lists', predict: lists }])).outside!.runs
    expect(mine!.cosine.mean).toBeCloseTo(own.cosine.mean, 9)
  })
})
