import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { appendFile, cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../lib/files/hash.js'
import { lockRun } from '../../lib/files/lock.js'
import { sealedText } from '../../lib/files/sealed.js'
import { evaluate, markdown, type Report, report } from '../../lib/index.js'
import { runFigures } from '../../lib/report/figures/training-figures.js'
import { place, trained } from '../train/runs.js'
import { at, evaluation, json, makeReport, models } from './material.js'

let made: Report
let page: string
beforeAll(async () => {
  ;({ made, page } = await makeReport())
}, 600_000)

describe('the report', () => {
  it('the report has every row of the matrix, with figures and their sources', () => {
    expect(made.matrix.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, null])
    const [lstm, , transformer, distilgpt2] = made.matrix
    const [entry] = json(at('validation_results.json')).runs
    expect(lstm).toMatchObject({
      status: 'other size',
      preset: 'tiny',
      parameters: made.runs.find(({ run }) => run === 'lstm_baseline')!.parameters,
      success: null,
      run: 'lstm_baseline',
      val_loss: { value: entry.mse_raw, file: 'validation_results.json' },
      val_cosine: { value: entry.cosine.mean },
      expected_score: 0.7,
      model_file: '../models/lstm_baseline/best_model.pt',
    })
    expect(transformer).toMatchObject({ status: 'failed', why: 'SIGKILL: killed', val_loss: null })
    expect(distilgpt2).toMatchObject({ status: 'not trained', run: null })
  })
  it('the report traces each number to weights, split and data by SHA-256', async () => {
    for (const run of made.runs) {
      const { lineage } = run
      const folder = join(models, run.run)
      expect(lineage!.weights_sha256).toBe(await sha256(join(folder, 'best_model.pt')))
      expect(lineage!.split_sha256).toBe(await sha256(join(folder, 'split.json')))
      expect(run.validation!.weights_sha256).toBe(lineage!.weights_sha256)
      expect(lineage!.data!.hash).toBe(run.validation!.data.hash)
    }
  })
  it('the report gives mean and sd over runs that differ only in their seed', () => {
    expect(made.seeds).toHaveLength(1)
    const values = ['lstm_baseline', 'seeded'].map((name) => made.runs.find(({ run }) => run === name)!.val_cosine!.value)
    const [a, b] = values as [number, number]
    expect(made.seeds[0]!.seeds).toEqual([0, 7])
    expect(made.seeds[0]!.val_cosine.mean).toBeCloseTo((a + b) / 2, 12)
    expect(made.seeds[0]!.val_cosine.sd).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12)
  })
  it('the report marks leaky runs and compares only runs on the same windows', () => {
    expect(made.matrix.at(-1)!.notes).toContain('leaky')
    expect(made.matrix.at(-1)!.notes[0]).toMatch(/^on report\.npy, split by windows, seed 0, \d+ validation windows$/)
    expect(made.matrix[0]!.notes[1]).toMatch(/split by articles/)
    expect(markdown(made)).toContain('Rows rest on 2 different data files or splits')
    expect(page).toContain('<span class="tag bad">leaky</span>')
    expect(existsSync(at('comparison_plots/cosine_comparison_2.png'))).toBe(true)
  })
  it('the report writes the table of the specification', () => {
    const lines = markdown(made).split('\n')
    expect(lines[2]).toBe(
      '| # | Architecture | Target Params | Status | Val Loss | Val Cosine | Train Time | Model File | Success Score | Notes |',
    )
    expect(lines[4]).toMatch(
      /^\| 1 \| \*\*LSTM Baseline\*\* \| 5\.1M \(run: 4\.6k\) \| ⚠ OTHER SIZE \(preset tiny\) \| \d\.\d{6} \| −?\d+\.\d\d % \| /,
    )
    expect(lines[6]).toMatch(/❌ FAILED .* SIGKILL: killed \|$/)
    expect(lines.slice(2, 18).every((line) => line.split(/(?<!\\)\|/).length === 12)).toBe(true)
    expect(readFileSync(at('report.md'), 'utf8')).toBe(markdown(made))
  })
  it('the report draws the figures of the specification', () => {
    const names = [
      'loss_comparison',
      'cosine_comparison',
      'params_vs_performance',
      'time_vs_performance',
      'loss_curves',
      'cosine_curves',
      'learning_rate',
      'gradient_norm',
    ]
    for (const name of names)
      for (const end of ['png', 'svg', 'csv']) expect(existsSync(at(`comparison_plots/${name}.${end}`)), name).toBe(true)
  })
  it('the report draws baselines beside the cosine of a run, but not for runs on different windows', () => {
    const csv = (name: string) => readFileSync(at(`comparison_plots/${name}.csv`), 'utf8')
    expect(csv('lstm_baseline_cosine')).toContain('context mean')
    expect(csv('cosine_curves')).not.toContain('context mean')
  })
  it('the report leaves out a run before its first checkpoint', async () => {
    const making = join(models, 'making')
    await mkdir(making)
    const lock = await lockRun(making)
    const { report: now } = await report({ runs: models, out: place('meanwhile') })
    expect(now.runs.map(({ run }) => run)).toEqual(made.runs.map(({ run }) => run))
    await lock.release()
    rmSync(making, { recursive: true })
  })
  it('the report does not show figures of other weights for a run', async () => {
    const folder = place('stale')
    await mkdir(folder)
    const document = json(at('validation_results.json'))
    document.runs[0].weights_sha256 = '0'.repeat(64)
    delete document.digest // a file of an earlier version
    writeFileSync(join(folder, 'validation_results.json'), JSON.stringify(document))
    const { report: stale } = await report({ runs: models, out: folder })
    const run = stale.runs.find(({ run }) => run === 'lstm_baseline')!
    expect(run.validation).toBeNull()
    expect(run.validation_note).toMatch(/other weights/)
    expect(run.val_cosine).toMatchObject({ file: 'training_history.json', key: `history[${run.best_epoch}].val_cosine` })
  })
  it('the report leaves out entries about other weights and notes it', () => {
    expect(made.documents['retrieval_results.json']).toEqual({ version: 1, runs: [] })
    expect(made.files['retrieval_results.json']).toMatchObject({ stale: ['mlp'] })
    expect(page).toContain('retrieval_results.json is about other weights')
  })
  it('the report explains what is wrong with a damaged run', async () => {
    const [runs, out] = [place('damaged'), place('damaged-evaluation')]
    await cp(join(models, 'seeded'), join(runs, 'lstm_baseline'), { recursive: true })
    for (const generation of ['000002', '000003']) {
      const path = join(runs, 'lstm_baseline', 'generations', generation, 'config.json')
      if (existsSync(path)) await appendFile(path, ' ')
    }
    const { report: damaged } = await report({ runs, out })
    expect(damaged.matrix[0]).toMatchObject({ status: 'damaged', val_loss: null })
    expect(damaged.matrix[0]!.why).toMatch(/^BAD_CHECKPOINT: /)
  })
  it('the report mentions epoch selection only for a run with a best epoch', async () => {
    const [runs, out] = [place('no-epoch'), place('no-epoch-evaluation')]
    const data = made.runs[0]!.lineage!.data!.path
    await trained({ data, model: 'mlp', preset: 'tiny', epochs: 0, threads: 1, out: runs, name: 'untrained', maxWindows: 300 })
    const { results } = await evaluate({ runs: [join(runs, 'untrained')], out, latency: 0 })
    expect(results.runs[0]).toMatchObject({ rows: 'val', selected_on: false })
    const { matrix } = (await report({ runs, out })).report
    expect(matrix.at(-1)).toMatchObject({ status: 'untrained', success: null, val_cosine: { file: 'validation_results.json' } })
    expect(made.runs[0]!.validation!.selected_on).toBe(true)
  })
  it('the report draws runs with similar special names into different files', () => {
    const [run] = made.runs
    const names = ['a b', 'a_b', 'a?b', 'a/b', '中', '文'].flatMap((run2) =>
      runFigures({ ...run!, run: run2 }, 0).map(({ name }) => name),
    )
    expect(names.length).toBe(24)
    expect(new Set(names).size).toBe(24)
    expect(names).toContain('a_b_loss')
  })
  it.each([
    ['without the column mse', 'row,cosine\n1,0.5\n'],
    ['with a word for a number', 'row,cosine,mse\n1,0.5,small\n'],
    ['with an empty cell', 'row,cosine,mse\n1,0.5,\n'],
    ['with a word for a place in the plane', 'row,cosine,mse,x\n1,0.5,0.1,left\n'],
  ])('the report refuses a table of windows %s', async (_, text) => {
    const out = place('table')
    await cp(evaluation, out, { recursive: true })
    await mkdir(join(out, 'analysis'), { recursive: true })
    writeFileSync(join(out, 'analysis/none.csv'), text)
    const refused = { code: 'DATA_FORMAT', message: expect.stringMatching(/^analysis\/none\.csv: .* column "(mse|x)"/) }
    await expect(report({ runs: models, out })).rejects.toMatchObject(refused)
    rmSync(out, { recursive: true })
  })
  it.each([
    'arrow.json',
    'ceiling.json',
    'audit.json',
    'comparison.json',
    'diagnostics.json',
    'error_analysis.json',
    'sweep.json',
    'validation_results.json',
  ])('the report refuses an incomplete %s without a digest, and reports one with a digest as a bug', async (name) => {
    const out = place('parts')
    await mkdir(out)
    const [list, of] = name === 'sweep.json' ? ['cells', 'cells'] : ['runs', 'runs']
    const document = {
      version: 1,
      [list]: [
        of === 'cells'
          ? null
          : {
              run: 'lstm_baseline',
              weights_sha256: made.runs.find(({ run }) => run === 'lstm_baseline')!.lineage!.weights_sha256,
            },
      ],
    }
    writeFileSync(join(out, name), JSON.stringify(document))
    await expect(report({ runs: models, out })).rejects.toMatchObject({
      code: 'DATA_FORMAT',
      message: expect.stringContaining(name),
    })
    writeFileSync(join(out, name), sealedText(document))
    await expect(report({ runs: models, out })).rejects.toMatchObject({ code: 'INTERNAL' })
    rmSync(out, { recursive: true })
  })
  it('the report refuses a document with a wrong format', async () => {
    const out = place('broken')
    await mkdir(out)
    writeFileSync(join(out, 'validation_results.json'), '[1]')
    await expect(report({ runs: models, out })).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  })
})
