import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  INFERENCE_BENCHMARKS,
  type RunEntry,
  readDocument,
  VALIDATION_RESULTS,
  writeReports,
} from '../../lib/evaluate/results-file.js'
import { renderTable, skillSentence, verdictText } from '../../lib/evaluate/results-table.js'
import { judgeTiers } from '../../lib/evaluate/tiers.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lvm-report-'))
})
afterAll(() => rm(folder, { recursive: true }))

const baseline = (cosine: number) => ({ cosine, cosine_centred: cosine - 0.03, mse_raw: 0.00098, mse_unit: 0.00122, params: {} })
const entry = (o: Partial<RunEntry> = {}): RunEntry => ({
  run: 'lstm_baseline',
  model: 'lstm',
  rows: 'val',
  split: { mode: 'articles', leaky: false, seed: 0 },
  selected_on: true,
  weights_sha256: 'def',
  data: { path: 'wiki.npy', hash: 'abc', space: null },
  output: 'raw',
  parameters: 5_120_768,
  n: 2416,
  articles: 28,
  mse_raw: 0.000975,
  mse_unit: 0.0013,
  cosine: { mean: 0.5015, sd: 0.1, median: 0.51, p10: 0.35, ci95: [0.49, 0.513] },
  cosine_centred: 0.47,
  output_norm: { mean: 0.5, sd: 0.1 },
  baselines: { mean_vector: baseline(0.217), copy_last: baseline(0.435), context_mean: baseline(0.5222), ridge: baseline(0.518) },
  skill: { value: -0.0207, ci95: [-0.025, -0.016], against: 'context_mean' },
  ci95_note: null,
  train_seconds: 600,
  latency: {
    device: 'cpu',
    threads: 2,
    load_ms: 100,
    batches: [{ batch: 1, p50_ms: 1.5, p95_ms: 2, p99_ms: 2.5, samples_per_second: 640, calls: 900 }],
    peak_memory_bytes: 8e8,
  },
  size: { weights_bytes: 20_483_072, file_bytes: 61_000_000 },
  tiers: judgeTiers({ val_loss: 0.000975, val_cosine: 0.5015, train_seconds: 600, weights_bytes: 20_483_072 }),
  libtorch: '2.13.0',
  ...o,
})

describe('writeReports', () => {
  it('writeReports replaces the entry of a run that is evaluated again and keeps all others', async () => {
    await writeReports(folder, [entry(), entry({ run: 'gru_stacked', model: 'gru' })])
    await writeReports(folder, [entry({ n: 99 })])
    const { version, runs } = await readDocument<RunEntry>(folder, VALIDATION_RESULTS)
    expect([version, runs.map((r) => [r.run, r.n])]).toEqual([
      1,
      [
        ['lstm_baseline', 99],
        ['gru_stacked', 2416],
      ],
    ])
    const benchmarks = await readDocument<Record<string, unknown>>(folder, INFERENCE_BENCHMARKS)
    expect(Object.keys(benchmarks.runs[0]!)).toEqual([
      'run',
      'model',
      'device',
      'threads',
      'load_ms',
      'batches',
      'peak_memory_bytes',
    ])
  })
  it('writeReports keeps an earlier benchmark when latency was skipped', async () => {
    await writeReports(folder, [entry({ latency: null })])
    expect((await readDocument(folder, INFERENCE_BENCHMARKS)).runs).toHaveLength(2)
  })
  it('writeReports loses no entry when many write at once, and leaves no other file', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `run_${i}`)
    await Promise.all(names.map((run) => writeReports(folder, [entry({ run, latency: null })])))
    const { runs } = await readDocument<RunEntry>(folder, VALIDATION_RESULTS)
    expect(runs.map(({ run }) => run)).toEqual(expect.arrayContaining(names))
    expect((await readdir(folder)).sort()).toEqual([INFERENCE_BENCHMARKS, VALIDATION_RESULTS])
  })
  it.each(['{"runs": [', '[]', '{"version": 2, "runs": []}'])(
    'writeReports does not overwrite a file that it cannot read: %s',
    async (text) => {
      await writeFile(join(folder, VALIDATION_RESULTS), text)
      await expect(writeReports(folder, [entry()])).rejects.toMatchObject({ code: 'DATA_FORMAT' })
      expect(await readFile(join(folder, VALIDATION_RESULTS), 'utf8')).toBe(text)
    },
  )
})

describe('skillSentence', () => {
  const said = (value: number, ci95: [number, number] | null) =>
    skillSentence({ run: 'x', skill: { value, ci95, against: 'context_mean' } })
  it('skillSentence says whether run or baseline is better', () => {
    expect(said(0.0132, [0.01, 0.016])).toBe('x: better than every baseline, by .0132 over context mean (95 %: +.0100 … +.0160)')
    expect(said(-0.0207, [-0.025, -0.016])).toMatch(
      /^x: worse than context mean, by \.0207 .*: the baseline is the better predictor here/,
    )
    expect(said(0.001, [-0.002, 0.004])).toMatch(/^x: not told apart from context mean: \+\.0010/)
    expect(said(0.02, null)).toMatch(/above the best baseline, context mean, by \.0200; too few articles/)
    for (const value of [0, 0.00004, -0.00004])
      expect(said(value, null)).toMatch(/^x: equal to the best baseline, context mean, in the digits shown; too few/)
    expect(said(-0.00005, null)).toMatch(/below the best baseline, context mean, by \.0001;/)
  })
})

describe('verdictText', () => {
  it('verdictText names the criteria that keep a run from a tier', () => {
    const { minimum, stretch } = judgeTiers({ val_loss: 0.00055, val_cosine: 0.76, train_seconds: null, weights_bytes: 1 })
    expect([verdictText(minimum), verdictText(stretch)]).toEqual(['unknown (training time)', 'no (loss, cosine)'])
    expect(verdictText({ ...minimum, pass: true })).toBe('yes')
  })
})

describe('renderTable', () => {
  it('renderTable aligns runs on the same windows above one set of baselines', () => {
    const lines = renderTable([entry(), entry({ run: 'gru_stacked', cosine: { ...entry().cosine, mean: -0.1 } })]).split('\n')
    expect(lines[0]).toBe('2,416 windows of 28 articles · val rows of wiki.npy')
    const rows = lines.slice(2, 9)
    expect(rows.map((l) => l.split(/ {2,}/).filter(Boolean)[0])).toEqual([
      'cosine',
      'lstm_baseline',
      'gru_stacked',
      'mean vector',
      'copy last',
      'context mean',
      'ridge',
    ])
    const end = rows[0]!.indexOf('cosine') + 'cosine'.length
    for (const row of rows.slice(1)) expect(row.slice(0, end)).toMatch(/\.\d{4}$/)
    expect(rows[2]).toContain('−.1000')
  })
  it.each([
    [{ shortest: 5, longest: 5 }, '2,416 windows of 28 articles, 5 vectors before each target · val rows of wiki.npy'],
    [{ shortest: 5, longest: 613 }, '2,416 windows of 28 articles, 5 to 613 vectors before each target · val rows of wiki.npy'],
    [{ shortest: 1, longest: 1 }, '2,416 windows of 28 articles, 1 vector before each target · val rows of wiki.npy'],
  ])('the title of windows with contexts of %o tells how many vectors they have', (contexts, title) =>
    expect(renderTable([entry({ contexts })]).split('\n')[0]).toBe(title),
  )
  it('renderTable gives runs on other windows their own section', () => {
    expect(renderTable([entry(), entry({ run: 'other', n: 7 })]).match(/windows of/g)).toHaveLength(2)
  })
  it('renderTable warns of leaky splits, selection on the rows, missing intervals and missing training rows', () => {
    const table = renderTable([
      entry({
        split: { mode: 'windows', leaky: true, seed: 0 },
        ci95_note: '5 articles are too few for an interval (20 at least)',
        baselines: { copy_last: baseline(0.4) },
        mse_raw: null,
      }),
    ])
    for (const mark of [/leaky: /, /selected on: /, /no interval: 5 articles/, /no training rows/]) expect(table).toMatch(mark)
    expect(renderTable([entry({ selected_on: false })])).not.toMatch(/leaky|selected on|no interval|no training/)
  })
})
