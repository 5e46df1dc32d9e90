import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { appendFile, cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../lib/data/file.js'
import { sealedText } from '../../lib/evaluate/sealed.js'
import { judgeTiers } from '../../lib/evaluate/tiers.js'
import { lockRun } from '../../lib/files/lock.js'
import { markdown, type Report, report, verify } from '../../lib/index.js'
import { contradictions } from '../../lib/report/beside.js'
import { differences } from '../../lib/report/differences.js'
import { escaped } from '../../lib/report/html/html.js'
import { embedded } from '../../lib/report/html/page.js'
import { xmlText } from '../../lib/shown-text.js'
import { place } from '../train/runs.js'
import { at, evaluation, json, makeRuns, models, write } from './material.js'

let made: Report
let page: string
beforeAll(async () => {
  await makeRuns()
  made = (await report({ runs: models, out: evaluation })).report
  page = readFileSync(at('report.html'), 'utf8')
}, 600_000)

describe('the report', () => {
  it('has every row of the matrix, with its figures and where they are from', () => {
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
  it('leads from each number to weights, split and data by their SHA-256', async () => {
    for (const run of made.runs) {
      const { lineage } = run
      const folder = join(models, run.run)
      expect(lineage!.weights_sha256).toBe(await sha256(join(folder, 'best_model.pt')))
      expect(lineage!.split_sha256).toBe(await sha256(join(folder, 'split.json')))
      expect(run.validation!.weights_sha256).toBe(lineage!.weights_sha256)
      expect(lineage!.data!.hash).toBe(run.validation!.data.hash)
    }
  })
  it('gives mean and sd over seeds of runs that differ in nothing else', () => {
    expect(made.seeds).toHaveLength(1)
    const values = ['lstm_baseline', 'seeded'].map((name) => made.runs.find(({ run }) => run === name)!.val_cosine!.value)
    const [a, b] = values as [number, number]
    expect(made.seeds[0]!.seeds).toEqual([0, 7])
    expect(made.seeds[0]!.val_cosine.mean).toBeCloseTo((a + b) / 2, 12)
    expect(made.seeds[0]!.val_cosine.sd).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12)
  })
  it('marks what is leaky, and compares only what was judged alike', () => {
    expect(made.matrix.at(-1)!.notes).toContain('leaky')
    expect(made.matrix.at(-1)!.notes[0]).toMatch(/^on report\.npy, split by windows, seed 0, \d+ validation windows$/)
    expect(made.matrix[0]!.notes[1]).toMatch(/split by articles/)
    expect(markdown(made)).toContain('Rows rest on 2 different data files or splits')
    expect(page).toContain('<span class="tag bad">leaky</span>')
    expect(existsSync(at('comparison_plots/cosine_comparison_2.png'))).toBe(true)
  })
  it('writes the table of the specification', () => {
    const lines = markdown(made).split('\n')
    expect(lines[2]).toBe(
      '| # | Architecture | Target Params | Status | Val Loss | Val Cosine | Train Time | Model File | Success Score | Notes |',
    )
    expect(lines[4]).toMatch(
      /^\| 1 \| \*\*LSTM Baseline\*\* \| 5\.1M \(run: 4\.6k\) \| ⚠ OTHER SIZE \| \d\.\d{6} \| −?\d+\.\d\d % \| /,
    )
    expect(lines[6]).toMatch(/❌ FAILED .* SIGKILL: killed \|$/)
    expect(lines.slice(2, 18).every((line) => line.split(/(?<!\\)\|/).length === 12)).toBe(true)
    expect(readFileSync(at('report.md'), 'utf8')).toBe(markdown(made))
  })
  it('draws the figures that the specification names', () => {
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
  it('draws baselines beside the cosine of a run, but not of runs that were judged on other windows', () => {
    const csv = (name: string) => readFileSync(at(`comparison_plots/${name}.csv`), 'utf8')
    expect(csv('lstm_baseline_cosine')).toContain('context mean')
    expect(csv('cosine_curves')).not.toContain('context mean')
  })
  it('leaves out a run that is being made, before it was saved for the first time', async () => {
    const making = join(models, 'making')
    await mkdir(making)
    const lock = await lockRun(making)
    const { report: now } = await report({ runs: models, out: place('meanwhile') })
    expect(now.runs.map(({ run }) => run)).toEqual(made.runs.map(({ run }) => run))
    await lock.release()
    rmSync(making, { recursive: true })
  })
  it('does not lend a run the figures of other weights', async () => {
    const folder = place('stale')
    await mkdir(folder)
    const document = json(at('validation_results.json'))
    document.runs[0].weights_sha256 = '0'.repeat(64)
    delete document.digest // as earlier versions wrote it
    writeFileSync(join(folder, 'validation_results.json'), JSON.stringify(document))
    const { report: stale } = await report({ runs: models, out: folder })
    const run = stale.runs.find(({ run }) => run === 'lstm_baseline')!
    expect(run.validation).toBeNull()
    expect(run.validation_note).toMatch(/other weights/)
    expect(run.val_cosine).toMatchObject({ file: 'training_history.json', key: `history[${run.best_epoch}].val_cosine` })
  })
  it('leaves out what other documents say of other weights, and says so', () => {
    expect(made.documents['retrieval_results.json']).toEqual({ version: 1, runs: [] })
    expect(made.files['retrieval_results.json']).toMatchObject({ stale: ['mlp'] })
    expect(page).toContain('retrieval_results.json speaks of other weights')
  })
  it('says what is wrong with a damaged run', async () => {
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
  it('refuses a document that is none', async () => {
    const out = place('broken')
    await mkdir(out)
    writeFileSync(join(out, 'validation_results.json'), '[1]')
    await expect(report({ runs: models, out })).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  })
})

describe('the page', () => {
  it('lets no text of a corpus become markup', () => {
    expect(page).not.toMatch(/<script>alert|<img src=x|<b>&</)
    expect(page).not.toContain('\u0000')
    expect(page).toContain('&lt;/script&gt;&lt;script&gt;alert(1)')
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page).toContain('run--odd-b-2J-')
    expect(page).toBe(xmlText(page))
  })
  it('asks for nothing from outside', () => {
    const addresses = [...page.matchAll(/(?:src|href|action|srcset)="([^"]*)"|url\(([^)]*)\)/g)].map((m) => m[1] ?? m[2]!)
    expect(addresses.filter((address) => !/^(#|data:)/.test(address))).toEqual([])
    expect(page).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;/)
  })
  it('holds the whole report', () => {
    expect(JSON.parse(embedded(page)!)).toEqual(JSON.parse(JSON.stringify(made)))
    expect(Buffer.byteLength(page)).toBeLessThan(3e6)
  })
  it('escapes every character that could end a text', () => {
    expect(escaped(`<>&"'\u0007\ud83d\ude00\udc00`)).toBe('&lt;&gt;&amp;&quot;&#39;\ufffd\u{1f600}\ufffd')
  })
})

describe('verify', () => {
  const check = (name: string, options = {}) => verify({ report: at(name), ...options })
  it('agrees with what was just made, from wherever it is called', async () => {
    for (const name of ['report.json', 'report.html']) expect(await check(name)).toMatchObject({ ok: true, problems: [] })
  })
  it('finds any number that was changed in the JSON, and says where', async () => {
    const places: [string, number][] = []
    const walk = (value: unknown, path: string): void => {
      if (typeof value === 'number') places.push([path, value])
      else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value))
          walk(inner, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`)
    }
    walk(made, '')
    expect(places.length).toBeGreaterThan(300)
    const changed = JSON.parse(JSON.stringify(made), (_, value) =>
      typeof value === 'number' && value !== 1 ? value + 1e-9 + Math.abs(value) * 1e-12 : value,
    )
    const { problems } = differences(changed, made, '', 0)
    expect(problems.length).toBe(places.filter(([, value]) => value !== 1).length)
    const [path, value] = places.find(([path]) => path.endsWith('skill.value'))!
    write('x.json', readFileSync(at('report.json'), 'utf8').replace(`"value": ${value}`, `"value": ${value + 0.01}`))
    const { ok, problems: found } = await check('x.json')
    expect(ok).toBe(false)
    expect(found[0]).toMatchObject({ report: value + 0.01, files: value })
    expect(path.endsWith(found[0]!.place.split('.').slice(-2).join('.'))).toBe(true)
  })
  it.each([
    [
      'a figure in a table',
      (text: string) => text.replace(/(class="n" data-key="[^"]*">0\.00)(\d)/, (_, a, b) => `${a}${(Number(b) + 1) % 10}`),
    ],
    [
      'a hash in a model card',
      (text: string) => text.replace(/(SHA-256 <code>)(.)/, (_, a, b) => `${a}${b === '0' ? '1' : '0'}`),
    ],
    ['a bar in a figure', (text: string) => text.replace(/(data-tip="[^"]*: )0/, '$11')],
    ['the length of a bar', (text: string) => text.replace(/<path d="M(\d+) (\d+)l/, '<path d="M$1 $2l1')],
    ['a number inside the JSON', (text: string) => text.replace(/("parameters": )(\d)/, '$19$2')],
    ['a word', (text: string) => text.replace('expected 70 %', 'expected 30 %')],
  ])('finds %s that was changed in the page', async (_, change) => {
    const changed = change(page)
    expect(changed).not.toBe(page)
    write('x.html', changed)
    const { ok, problems } = await check('x.html')
    expect(ok).toBe(false)
    expect(problems[0]!.place).not.toBe('')
  })
  it('computes the figures again, and so finds what was forged before the report was made', async () => {
    const out = place('forged')
    await mkdir(out)
    const document = json(at('validation_results.json'))
    document.runs = document.runs.slice(0, 1)
    const entry = document.runs[0]
    entry.cosine.mean += 0.001
    entry.skill.value += 0.001
    entry.mse_unit -= 0.002 / made.runs[0]!.dim!
    entry.tiers = judgeTiers({
      val_loss: entry.mse_raw,
      val_cosine: entry.cosine.mean,
      train_seconds: entry.train_seconds,
      weights_bytes: entry.size.weights_bytes,
    })
    delete document.digest
    writeFileSync(join(out, 'validation_results.json'), JSON.stringify(document))
    await report({ runs: models, out })
    expect(await verify({ report: join(out, 'report.json') })).toMatchObject({ ok: true, unsealed: ['validation_results.json'] })
    const { ok, problems, recomputed } = await verify({ report: join(out, 'report.json'), recompute: true })
    expect([ok, recomputed]).toEqual([false, ['lstm_baseline']])
    expect(problems.map(({ place }) => place.replace(/^runs\[\d\]\./, ''))).toEqual(
      expect.arrayContaining(['validation.cosine.mean', 'validation.skill.value']),
    )
    const honest = await verify({ report: at('report.json'), recompute: true })
    expect(honest.problems).toEqual([])
  })
  it.each([
    ['validation_results.json', (text: string) => text.replace(/("mean": )(-?)0\./, '$1$20.1')],
    ['error_analysis.json', (text: string) => text.replace('"chance": 1', '"chance": 0.5')],
    ['analysis/none.csv', () => 'row,cosine,mse\n1,0.9,0.01\n'],
  ])('finds that %s was changed after it was written, and nothing is made of it', async (name, change) => {
    const out = place('resealed')
    await cp(evaluation, out, { recursive: true })
    await mkdir(join(out, 'analysis'), { recursive: true })
    writeFileSync(join(out, 'analysis/none.csv'), 'row,cosine,mse\n1,0.1,0.01\n')
    const analysis = json(join(out, 'error_analysis.json'))
    analysis.runs[0].csv_sha256 = await sha256(join(out, 'analysis/none.csv'))
    writeFileSync(join(out, 'error_analysis.json'), sealedText(analysis))
    await report({ runs: models, out })
    const path = join(out, name)
    const changed = change(readFileSync(path, 'utf8'))
    expect(changed).not.toBe(readFileSync(path, 'utf8'))
    writeFileSync(path, changed)
    const { ok, problems } = await verify({ report: join(out, 'report.json') })
    expect([ok, problems[0]!.place]).toEqual([false, path])
    await expect(report({ runs: models, out })).rejects.toMatchObject({ code: 'DATA_FORMAT' })
    rmSync(out, { recursive: true })
  })
  it.each(['report.md', 'comparison_plots/cosine_comparison.csv', 'comparison_plots/loss_curves.svg'])(
    'finds a change of %s',
    async (name) => {
      const text = readFileSync(at(name), 'utf8')
      write(
        name,
        text.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)),
      )
      const { ok, problems } = await check('report.json')
      write(name, text)
      expect([ok, problems[0]!.place]).toEqual([false, expect.stringContaining(`${name}, line `)])
    },
  )
  it.each([
    ['report.html', 'report.json'],
    ['report.json', 'report.html'],
  ])('finds a change of the other form: of %s, in %s', async (name, other) => {
    const text = readFileSync(at(other), 'utf8')
    write(other, text.replace(/0\.\d\d\d/, '0.123'))
    const { ok, problems } = await check(name)
    write(other, text)
    expect([ok, problems[0]!.place]).toEqual([false, expect.stringContaining(`${other}, line `)])
  })
  it('finds figures that do not follow from each other, in a file that was sealed again', async () => {
    const run = made.runs.find(({ run }) => run === 'lstm_baseline')!
    const e = run.validation!
    const keys = (validation: object) =>
      contradictions({ ...run, validation: validation as typeof e }).map(({ place }) => place.split('.').slice(2).join('.'))
    expect(keys(e)).toEqual([])
    expect(keys({ ...e, cosine: { ...e.cosine, mean: e.cosine.mean + 1e-4 } })).toEqual(['skill.value', 'mse_unit', 'tiers'])
    expect(keys({ ...e, skill: { ...e.skill, value: 0.1 } })).toEqual(['skill.value'])
    expect(keys({ ...e, mse_unit: e.mse_unit / 2 })).toEqual(['mse_unit'])
  })
  it('refuses what is no report', async () => {
    write('x.json', '{}')
    write('x.html', '<!doctype html><p>nothing')
    for (const name of ['x.json', 'x.html']) await expect(check(name)).rejects.toMatchObject({ code: 'DATA_FORMAT' })
    rmSync(at('x.json'))
    await expect(check('x.json')).rejects.toThrow(/no such file/)
  })
})
