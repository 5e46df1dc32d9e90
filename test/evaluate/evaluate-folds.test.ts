import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readHistory } from '../../lib/checkpoint/run-documents.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { report } from '../../lib/report/report.js'
import { verify } from '../../lib/report/verify-report.js'
import { retrieve } from '../../lib/study/retrieval/retrieve.js'
import { trainOn, wander, writeCorpus } from '../study/retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-evaluate-folds-'))
const [runs, out] = [join(folder, 'runs'), join(folder, 'out')]
const named = (name: string) => join(runs, name)
const both = ['a-fold1of2', 'a-fold2of2'].map(named)
let data = ''
beforeAll(async () => {
  mkdirSync(runs)
  data = writeCorpus(folder, 'corpus', wander(2).subarray(0, 24 * 8 * 16))
  for (const fold of ['1/2', '2/2'])
    await trainOn(data, runs, `a-fold${fold.replace('/', 'of')}`, { fold, batchSize: 8, epochs: 3, maxSteps: 18, lr: 0.02 })
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('evaluate pools the folds: every article once, figures over all windows, intervals over all articles', async () => {
  const { results, table } = await evaluate({ runs: [named('a')], folds: true, out, latency: 0, threads: 1 })
  const [entry] = results.runs
  const each = (await evaluate({ runs: both, out: join(folder, 'each'), latency: 0, threads: 1 })).results.runs
  expect(entry).toMatchObject({ run: named('a-2folds'), rows: 'folds', selected_on: false, trained_on: 0, n: 120, articles: 24 })
  const mean = (of: (run: (typeof each)[number]) => number) => (of(each[0]!) + of(each[1]!)) / 2
  expect(entry!.cosine.mean).toBeCloseTo(
    mean(({ cosine }) => cosine.mean),
    12,
  )
  expect(entry!.cosine_centred).toBeCloseTo(
    mean((run) => run.cosine_centred!),
    12,
  )
  expect(entry!.mse_raw).toBeCloseTo(
    mean((run) => run.mse_raw!),
    12,
  )
  for (const [name, figures] of Object.entries(entry!.baselines))
    expect(figures.cosine).toBeCloseTo(
      mean(({ baselines }) => baselines[name as 'ridge']!.cosine),
      12,
    )
  expect(each.every(({ cosine }) => cosine.ci95 === null)).toBe(true)
  expect(entry!.cosine.ci95).not.toBeNull()
  expect(entry!.folds!.runs).toMatchObject(both.map((run) => ({ run, articles: 12, n: 60 })))
  expect(table).toContain('held out over 2 folds')
  const written = JSON.parse(readFileSync(join(out, 'validation_results.json'), 'utf8')).runs
  expect(written.map(({ run }: { run: string }) => run)).toEqual([named('a-2folds')])
})

it('evaluate says what selection on the judged rows would have added, from histories that nothing was chosen by', async () => {
  const { results, table } = await evaluate({ runs: [named('a')], folds: true, out, latency: 0, threads: 1 })
  const { measure, chosen, best, added } = results.runs[0]!.folds!.selection!
  const histories = await Promise.all(both.map(readHistory))
  const over = (of: (rows: (typeof histories)[number]) => number) => (of(histories[0]!) + of(histories[1]!)) / 2
  const rows = ({ history }: (typeof histories)[number]) => history.filter(({ epoch }) => epoch > 0)
  expect(measure).toBe('cosine')
  expect(chosen).toBeCloseTo(results.runs[0]!.cosine.mean, 6) // the stored weights are those of the chosen epoch
  expect(chosen).toBeCloseTo(
    over((h) => rows(h).find(({ epoch }) => epoch === h.best_epoch)!.test_cosine!),
    12,
  )
  expect(best).toBeCloseTo(
    over((h) => Math.max(...rows(h).map(({ test_cosine }) => test_cosine!))),
    12,
  )
  expect(added).toBeCloseTo(best - chosen, 12)
  expect(added).toBeGreaterThanOrEqual(0)
  expect(table).toContain('chosen on the judged rows they would have added +')
})

it('retrieve pools the folds, with a verdict over all articles', async () => {
  const { results } = await retrieve({ runs: [named('a')], folds: true, out, threads: 1, failures: 3 })
  const [entry] = results.runs
  const each = (await retrieve({ runs: both, out: join(folder, 'each'), threads: 1, failures: 3 })).results.runs
  expect(entry).toMatchObject({
    run: named('a-2folds'),
    rows: 'folds',
    selected_on: false,
    n: 120,
    articles: 24,
    status: 'valid',
  })
  const mean = (of: (run: (typeof each)[number]) => number) => (of(each[0]!) + of(each[1]!)) / 2
  for (const pool of ['with_context', 'without_context'] as const) {
    expect(entry!.scores![pool].top10.value).toBeCloseTo(
      mean(({ scores }) => scores![pool].top10.value),
      12,
    )
    for (const [name, query] of Object.entries(entry!.baselines!))
      expect(query.scores[pool].mrr.value).toBeCloseTo(
        mean(({ baselines }) => baselines![name as 'ridge']!.scores[pool].mrr.value),
        12,
      )
  }
  expect(Object.keys(entry!.baselines!)).toEqual(expect.arrayContaining(['mean_vector', 'ridge', 'whitened_mean']))
  expect(entry!.verdict!.ci95).not.toBeNull()
  expect(entry!.failures!.map(({ rank }) => rank)).toEqual(
    each
      .flatMap(({ failures }) => failures!.map(({ rank }) => rank))
      .sort((a, b) => b - a)
      .slice(0, 3),
  )
  expect(entry!.failed).toBe(each[0]!.failed! + each[1]!.failed!)
})

it('the report has one row for the folds of a run, with the pooled figures', async () => {
  const made = await report({ runs, out })
  expect(made.report.folds).toMatchObject([
    { rows: 'folds', articles: 24, folds: { runs: [{ run: 'a-fold1of2' }, { run: 'a-fold2of2' }] } },
  ])
  const row = made.report.matrix.find(({ model }) => model === 'lstm')!
  expect(row.val_cosine!.value).toBe(made.report.folds[0]!.cosine.mean)
  expect(row.notes.join('; ')).toContain('pooled over 2 folds: every one of 24 articles held out once')
  for (const file of [made.page, made.table]) expect(readFileSync(file, 'utf8')).toContain('Over folds')
  const { runs: found } = made.report.documents['retrieval_results.json'] as { runs: { rows: string }[] }
  expect(found.map(({ rows }) => rows)).toEqual(['folds'])
  const checked = await verify({ report: made.json, recompute: true })
  expect(checked.problems).toEqual([])
  expect(checked.ok).toBe(true)
  // another training of a fold makes the pooled entries stale
  await trainOn(data, runs, 'a-fold2of2', { fold: '2/2', batchSize: 8, overwrite: true })
  const again = await report({ runs, out })
  expect(again.report.folds).toEqual([])
  expect(again.report.files['retrieval_results.json']!.stale).toEqual([named('a-2folds')])
})

it.each([
  [{ rows: 'val' }, /"rows"/],
  [{ data: 'other.npy' }, /"data"/],
  [{ decoder: 'folder' }, /"decoder"/],
])('evaluate --folds refuses %j', async (more, said) => {
  await expect(evaluate({ runs: [named('a')], folds: true, out, ...more } as Parameters<typeof evaluate>[0])).rejects.toThrow(
    said,
  )
})
