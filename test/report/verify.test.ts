import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { judgeTiers } from '../../lib/evaluate/tiers.js'
import { sha256 } from '../../lib/files/hash.js'
import { sealedText } from '../../lib/files/sealed.js'
import { type Report, report, verify } from '../../lib/index.js'
import { differences } from '../../lib/report/differences.js'
import { contradictions } from '../../lib/report/files-beside.js'
import { place } from '../train/runs.js'
import { at, evaluation, json, makeReport, models, write } from './material.js'

let made: Report
let page: string
beforeAll(async () => {
  ;({ made, page } = await makeReport())
}, 600_000)

describe('verify', () => {
  const check = (name: string, options = {}) => verify({ report: at(name), ...options })
  it('verify accepts a fresh report from any working directory', async () => {
    for (const name of ['report.json', 'report.html']) expect(await check(name)).toMatchObject({ ok: true, problems: [] })
  })
  it('verify finds every changed number in the JSON and names its place', async () => {
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
      (text: string) => text.replace(/(class="n" data-key="[^"]*">\.00)(\d)/, (_, a, b) => `${a}${(Number(b) + 1) % 10}`),
    ],
    [
      'a hash in a model card',
      (text: string) => text.replace(/(SHA-256 <code>)(.)/, (_, a, b) => `${a}${b === '0' ? '1' : '0'}`),
    ],
    ['a bar in a figure', (text: string) => text.replace(/(data-tip="[^"]*: )\./, '$11.')],
    ['the length of a bar', (text: string) => text.replace(/<path d="M(\d+) (\d+)l/, '<path d="M$1 $2l1')],
    ['a number inside the JSON', (text: string) => text.replace(/("parameters": )(\d)/, '$19$2')],
    ['a word', (text: string) => text.replace('expected 70 %', 'expected 30 %')],
  ])('verify finds %s that was changed in the page', async (_, change) => {
    const changed = change(page)
    expect(changed).not.toBe(page)
    write('x.html', changed)
    const { ok, problems } = await check('x.html')
    expect(ok).toBe(false)
    expect(problems[0]!.place).not.toBe('')
  })
  it('verify with recompute finds figures that were forged before the report', async () => {
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
    const sentences = json(at('sentences.json'))
    const [row] = [sentences.runs[0].windows[3].nearest.row]
    sentences.runs[0].windows[3].nearest.row = row + 1
    writeFileSync(join(out, 'sentences.json'), sealedText(sentences))
    await report({ runs: models, out })
    const changed = await verify({ report: join(out, 'report.json'), recompute: true })
    expect(changed.problems).toContainEqual({
      place: 'sentences.json, lstm_baseline.windows[3].nearest.row',
      report: row + 1,
      files: row,
    })
    const honest = await verify({ report: at('report.json'), recompute: true })
    expect(honest.problems).toEqual([])
  })
  it.each([
    ['validation_results.json', (text: string) => text.replace(/("mean": )(-?)0\./, '$1$20.1')],
    ['error_analysis.json', (text: string) => text.replace('"chance": 1', '"chance": 0.5')],
    ['sentences.json', (text: string) => text.replace(/("row": )(\d)/, '$19$2')],
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
    'verify finds a change of %s',
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
  it.each([
    ['another figure', async () => readFileSync(at('comparison_plots/loss_comparison.png'))],
    ['half of it', async (png: Buffer) => png.subarray(0, png.length / 2)],
    ['one other bit', async (png: Buffer) => Buffer.from(png.map((byte, i) => (i === png.length - 20 ? byte ^ 1 : byte)))],
  ])('finds %s in the place of a PNG', async (_, change) => {
    const name = 'comparison_plots/cosine_comparison.png'
    const png = readFileSync(at(name))
    writeFileSync(at(name), await change(png))
    const { ok, problems } = await check('report.json')
    writeFileSync(at(name), png)
    expect([ok, problems.map(({ place }) => place)]).toEqual([false, [name]])
  })
  it('verify finds contradictory figures in a file with a renewed digest', async () => {
    const run = made.runs.find(({ run }) => run === 'lstm_baseline')!
    const e = run.validation!
    const keys = (validation: object) =>
      contradictions({ ...run, validation: validation as typeof e }).map(({ place }) => place.split('.').slice(2).join('.'))
    expect(keys(e)).toEqual([])
    expect(keys({ ...e, cosine: { ...e.cosine, mean: e.cosine.mean + 1e-4 } })).toEqual(['skill.value', 'mse_unit', 'tiers'])
    expect(keys({ ...e, skill: { ...e.skill, value: 0.1 } })).toEqual(['skill.value'])
    expect(keys({ ...e, mse_unit: e.mse_unit / 2 })).toEqual(['mse_unit'])
  })
  it('verify names the commit that made a report where texts differ from those of this commit', async () => {
    const commit = '0123456789abcdef0123456789abcdef01234567'
    write('x.json', `${JSON.stringify({ ...made, written_by: { ...made.written_by, commit } }, null, 2)}\n`)
    const { problems } = await check('x.json')
    expect(problems.length).toBeGreaterThan(0)
    for (const { place } of problems) expect(place).toMatch(/ \(it was made by lvm-torch \d+\.\d+\.\d+, commit 0123456789ab\)$/)
  })
  it('verify refuses a file that is not a report', async () => {
    write('x.json', '{}')
    write('x.html', '<!doctype html><p>nothing')
    for (const name of ['x.json', 'x.html']) await expect(check(name)).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  })
  it.each([
    { version: 1, runs: [null], matrix: [] },
    { version: 1, runs: [], matrix: [] },
    {
      version: 1,
      runs: [{ run: 5 }],
      matrix: [],
      command_line: [],
      created_at: '',
      runs_folder: '',
      written_by: { lvm_torch: '' },
    },
  ])('refuses the report %j, which lacks what every report has', async (report) => {
    write('x.json', report)
    await expect(check('x.json')).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  })
  it('verify reports a missing report, or a folder in its place', async () => {
    const missing = { code: 'FILE_MISSING', message: expect.stringMatching(/nowhere\.json: there is no such file/) }
    await expect(check('nowhere.json')).rejects.toMatchObject(missing)
    const folder = {
      code: 'DATA_FORMAT',
      message: expect.stringMatching(/it is a folder; name its report\.html or report\.json$/),
    }
    await expect(check('.')).rejects.toMatchObject(folder)
  })
})
