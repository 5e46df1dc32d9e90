import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { colour, GREY } from '../../lib/page/palette.js'
import { comparisonFigures } from '../../lib/report/figures/comparison-figures.js'
import { drawSvg } from '../../lib/report/figures/draw-figure.js'
import { drawPng } from '../../lib/report/figures/draw-png.js'
import { bars, boxes, lines, scatter } from '../../lib/report/figures/index.js'
import { charactersOf, fontFinder } from '../../lib/report/figures/png-fonts.js'
import { shortened, textWidth, wrapped } from '../../lib/report/figures/text-width.js'
import { runFigures, trainingFigures } from '../../lib/report/figures/training-figures.js'
import { glyphsText } from '../../lib/report/figures/write-figures.js'
import { short } from '../../lib/report/numbers.js'
import type { ReportedRun } from '../../lib/report/reported-runs.js'
import { RATES } from '../../lib/train/tested-rates.js'

const COSINE = { title: 'Mean cosine' }
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!)
const sizes = (svg: string) => [...svg.matchAll(/font-size:([\d.]+)px/g)].map(([, size]) => Number(size))

const history = (losses: readonly number[], cosine = 0.3) =>
  losses.map((val_loss, epoch) => ({ epoch, val_loss, train_loss: val_loss, val_cosine: cosine, train_cosine: cosine, lr: 1e-3, grad_norm: epoch === 0 ? null : val_loss })) // biome-ignore format: rows
const reported = (run: string, losses: readonly number[], more: object = {}) =>
  ({
    run,
    history: history(losses),
    steps: [],
    lr_test: null,
    best_epoch: 1,
    config: {},
    validation: null,
    cpu_share: null,
    ...more,
  }) as unknown as ReportedRun
const colours = new Map([['a', 0], ['b', 1], ['c', 2]]) // biome-ignore format: pairs

describe('figures for the width they are shown at', () => {
  const figures = [
    lines({ name: 'l', title: 'Lines of a long title that does not fit into one line of a narrow page', note: 'a note '.repeat(20), x: { title: 'Epoch', whole: true }, y: COSINE, lines: [{ name: 'a_long_name_of_a_run', points: [[0, 0.1], [1, 0.2]] }], references: [{ name: 'ridge', value: 0.15 }] }),
    bars({ name: 'b', title: 'Bars', value: COSINE, bars: [{ name: 'a_very_long_name_of_a_run_with_a_suffix', value: 0.5 }] }),
    scatter({ name: 's', title: 'Scatter', x: { title: 'Parameters', log: true }, y: COSINE, points: [{ x: 1e5, y: 0.4, name: 'a' }, { x: 2e5, y: 0.5 }], references: [{ name: 'ridge', value: 0.45 }] }),
  ] // biome-ignore format: figures
  it('all text of a narrow drawing has at least 11 pixels where the drawing is shown at 360 pixels', async () => {
    for (const figure of figures) {
      const svg = await drawSvg(figure, 'narrow')
      expect(svg).toContain('viewBox="0 0 360 ')
      expect(Math.min(...sizes(svg)), figure.name).toBeGreaterThanOrEqual(11)
    }
  })
  it('no line of title, note or axis is wider than the drawing', async () => {
    for (const figure of figures) {
      const long = texts(await drawSvg(figure, 'narrow')).filter((text) => textWidth(text, 12) > 348)
      expect(long, figure.name).toEqual([])
    }
  })
  it('a text is broken between words, cut with …, and wide where its letters are wide', () => {
    expect(wrapped('one two three', 50, 12)).toEqual(['one two', 'three'])
    expect(wrapped('x'.repeat(20), 60, 12).join('')).toBe('x'.repeat(20))
    expect(shortened('a_very_long_name', 60, 12)).toMatch(/^a_.*…$/)
    expect(textWidth('漢字', 10)).toBeGreaterThan(20)
  })
})

describe('axes', () => {
  it('an axis that cuts zero or is logarithmic says so', async () => {
    const box = { name: 'all', low: 0.42, q1: 0.5, median: 0.6, q3: 0.7, high: 0.9, n: 7 }
    const cut = texts(await drawSvg(boxes({ name: 'x', title: 'Boxes', x: { title: 'length' }, y: COSINE, boxes: [box] })))
    expect(cut).toContain('Mean cosine, axis from .4')
    const whole = texts(await drawSvg(boxes({ name: 'x', title: 'Boxes', x: { title: 'length' }, y: COSINE, boxes: [{ ...box, low: 0 }] }))) // biome-ignore format: a line
    expect(whole).toContain('Mean cosine')
    const log = lines({ name: 'l', title: 'L', x: { title: 'Epoch', whole: true }, y: { title: 'Loss', log: true }, lines: [{ name: 'a', points: [[0, 1], [1, 0.1]] }] }) // biome-ignore format: a line
    expect(texts(await drawSvg(log))).toContain('Loss, log scale')
  })
  it('numbers have no zero before the point, and large ones are grouped', () => {
    expect([0.0005, -0.25, 17_500, 3, 2.1e8, 0].map((x) => short(x))).toEqual(['.0005', '−.25', '17,500', '3', '2.1e+8', '0'])
  })
  it.each([
    [
      [1.2, 8],
      ['1 s', '2 s', '5 s', '10 s'],
    ],
    [
      [20, 400],
      ['10 s', '30 s', '1 min', '2 min', '5 min', '10 min'],
    ],
    [
      [700, 30_000],
      ['10 min', '30 min', '1 h', '2 h', '5 h', '10 h'],
    ],
  ])('a time axis from %j seconds has ticks in steps of times', async (seconds, ticks) => {
    const entry = (train_seconds: number, i: number) =>
      reported('abc'[i]!, [1, 0.5], {
        validation: { run: 'abc'[i]!, rows: 'val', n: 9, articles: 3, data: { path: 'a', hash: 'a' }, trained_on: 0, ci95_note: null, baselines: {}, cosine: { mean: 0.3, ci95: null }, mse_raw: 0.1, mse_unit: 0.1, parameters: 1000, train_seconds },
      }) // biome-ignore format: an entry
    const figure = comparisonFigures(seconds.map(entry), colours).find(({ name }) => name === 'time_vs_performance')!
    expect(texts(await drawSvg(figure)).filter((text) => / (s|min|h)$/.test(text))).toEqual(ticks)
  })
})

describe('runs in figures', () => {
  it('bars are sorted with grey baselines among the runs, each run in its colour', async () => {
    const entry = (run: string, mean: number, cpu_share: number | null) =>
      reported(run, [1, 0.5], {
        cpu_share,
        validation: { run, rows: 'val', n: 9, articles: 3, data: { path: 'a', hash: 'a' }, trained_on: 0, ci95_note: null, baselines: { ridge: { cosine: 0.4, mse_raw: 0.2, mse_unit: 0.2 } }, cosine: { mean, ci95: null }, mse_raw: 1 - mean, mse_unit: 0.1, parameters: 1000, train_seconds: 9 },
      }) // biome-ignore format: an entry
    const figures = comparisonFigures([entry('a', 0.3, 0.2), entry('b', 0.5, 1)], colours)
    const named = (name: string) => figures.find((figure) => figure.name === name)!
    expect(named('cosine_comparison').data.rows.map(([name]) => name)).toEqual(['b', 'ridge', 'a'])
    expect(named('loss_comparison').data.rows.map(([name]) => name)).toEqual(['ridge', 'b', 'a'])
    const svg = await drawSvg(named('cosine_comparison'))
    const fills = [...svg.matchAll(/ fill="(#[0-9a-f]{6})"[^>]*ecmeta_data_index="(\d)"/g)].sort((x, y) => Number(x[2]) - Number(y[2])) // biome-ignore format: a line
    expect(fills.map(([, fill]) => fill)).toEqual([colour(1), GREY, colour(0)])
    expect(named('time_vs_performance').note).toContain('hollow: measured on a busy machine')
    const time = await drawSvg(named('time_vs_performance'))
    expect(time).toMatch(new RegExp(`stroke="${colour(0)}"`))
    expect(time).toMatch(new RegExp(`fill="${colour(1)}"`))
    expect(time).not.toMatch(new RegExp(`fill="${colour(0)}"`))
  })
  it('more runs than colours still have colours that the page can tell apart', () => {
    const all = Array.from({ length: 100 }, (_, i) => colour(i))
    expect(new Set(all).size).toBe(100)
  })
  it('a diverged run does not flatten the others, and the note says that it leaves the plot', async () => {
    const runs = [reported('a', [0.01, 0.005]), reported('b', [0.02, 0.008]), reported('c', [0.1, 500])]
    const [loss] = trainingFigures(runs, colours)
    expect(loss!.note).toContain('above the plot: c (up to 500)')
    expect(loss!.note).not.toMatch(/above the plot:.* [ab] /)
    const ticks = texts(await drawSvg(loss!))
    expect(ticks).toContain('.0200')
    for (const tick of ['1', '10', '100'])
      expect(ticks.filter((text) => text === tick).length).toBeLessThanOrEqual(tick === '1' ? 1 : 0) // 1 is an epoch
    const flat = bars({ name: 'x', title: 'X', note: 'n 3', value: { title: 'Loss' }, bars: [1, 1.2, 1.1, 400].map((value, i) => ({ name: `r${i}`, value })) }) // biome-ignore format: a line
    expect(flat.note).toBe('n 3 · cut, because far longer than the others: r3')
    expect(texts(await drawSvg(flat))).toContain('400')
    expect(bars({ name: 'x', title: 'X', value: { title: 'Loss' }, bars: [1, 2, 5, 13].map((value, i) => ({ name: `r${i}`, value })) }).note).toBe('') // biome-ignore format: a line
  })
  it.each([
    ['as a whole', [400, 500]],
    ['in part, by a million times', [0.01, 5e6]],
  ])('a line that leaves the plot %s can be drawn as PNG', async (_, losses) => {
    const runs = [reported('a', [0.01, 0.005]), reported('b', [0.02, 0.008]), reported('c', losses)]
    const png = await drawPng(await drawSvg(trainingFigures(runs, colours)[0]!))
    expect(Buffer.from(png).toString('latin1', 1, 4)).toBe('PNG')
  })
  it('a text that is no SVG is an error, and the next picture is drawn', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'
    const [wrong, right] = await Promise.allSettled([drawPng('<svg'), drawPng(svg)])
    expect([wrong!.status, right!.status]).toEqual(['rejected', 'fulfilled'])
  })
  it('a caption promises only what is drawn', () => {
    const [loss, cosine] = trainingFigures([reported('a', [0.2, 0.1])], colours)
    expect(loss!.note).toBe(
      'solid: validation rows, dashed: a sample of the training rows in eval mode · ring: best epoch · epoch 0: untrained',
    )
    const bare = { best_epoch: null, history: history([0.2, 0.1]).slice(1).map(({ train_loss: _, train_cosine: __, ...row }) => row) } // biome-ignore format: a line
    const runs = trainingFigures([reported('a', [], bare)], colours)
    expect(runs.find(({ name }) => name === 'loss_curves')!.note).toBe('')
    expect(cosine!.note).toBe(loss!.note)
    expect(runFigures(reported('a', [], bare), 0)[0]!.note).toBe('')
  })
  describe('the curve of --lr auto', () => {
    const curve = RATES.slice(0, 90).map((lr) => ({ lr, untrained: 2, trained: 2 * (1 - lr) }))
    const test = { lr: 0.0123, usual: 5e-4, lowest: 0.1, steepest: 0.01, curve, diverged: true }
    const drawn = (lr_test: object | null) =>
      runFigures(reported('a', [0.2, 0.1], { lr_test }), 0).find(({ name }) => name === 'a_learning_rate_test')
    it('has a ring at the chosen rate, on the curve, and the loss relative to the untrained model', async () => {
      const found = drawn(test)!
      expect(found.data.rows).toHaveLength(90)
      for (const [, lr, share] of found.data.rows.slice(0, 60)) expect(share).toBeCloseTo(1 - Number(lr), 2)
      expect(found.note).toMatch(/· ring: the rate that is used, 0.0123 · the last point is at 2.5e-1: .* was not finite$/)
      const svg = await drawSvg(found)
      expect(svg.match(/<circle|<ellipse|<path[^>]*A/g)).not.toBeNull()
      expect(texts(svg)).toEqual(expect.arrayContaining(['1e-6', '1e-2', 'Learning rate of the step, log scale']))
      expect(svg).not.toMatch(/NaN|Infinity/)
    })
    it('promises no ring outside the curve, and is left out without a test or without a step', () => {
      for (const lr of [0.9, 1e-7]) expect(drawn({ ...test, lr, diverged: false })!.note).not.toMatch(/ring:|finite/)
      expect(drawn({ ...test, lr: RATES[0] })!.note).toContain('ring:')
      for (const none of [null, { ...test, curve: [] }]) expect(drawn(none)).toBeUndefined()
    })
  })
  it('curves by step come from the steps of a run', () => {
    const steps = [10, 20, 30].map((step) => ({ step, loss: 1 / step, lr: 1e-3, grad_norm: null }))
    const figures = trainingFigures([reported('a', [0.2, 0.1], { steps })], colours)
    const found = figures.find(({ name }) => name === 'loss_by_step')!
    expect(found.data.rows).toEqual(steps.map(({ step, loss }) => ['a', step, loss]))
    expect(found.hover!.lines).toEqual([{ name: 'a', points: [[10, '.100000'], [20, '.050000'], [30, '.033333']] }]) // biome-ignore format: points
    expect(figures.some(({ name }) => name === 'gradient_norm_by_step')).toBe(false)
  })
  it('pairs of points are joined', async () => {
    const points = [{ x: 0, y: 0 }, { x: 1, y: 1 }, { x: 2, y: 0 }, { x: 2, y: 2 }] // biome-ignore format: points
    const svg = await drawSvg(scatter({ name: 's', title: 'S', x: { title: 'x' }, y: { title: 'y' }, points, pairs: [[0, 1], [2, 3]] })) // biome-ignore format: a line
    expect(svg.match(/<path d="(M[\d. ]+L[\d. ]+){2}"/g)).toHaveLength(1)
  })
})

describe('fonts of PNG files', () => {
  const dejavu = readFileSync(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf'))
  it('the bundled font is enough for European text, and what it lacks is sought in the fonts of the system', async () => {
    const covers = charactersOf(dejavu)
    expect(['ä', 'Ω', 'Ж', '−', '…', '漢', '😀'].map((letter) => covers(letter.codePointAt(0)!))).toEqual([true, true, true, true, true, false, true]) // biome-ignore format: a line
    const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-fonts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'broken.ttf'), 'no font')
    mkdirSync(join(folder, 'sub'))
    const lacking = fontFinder([], [folder])
    expect(await lacking.need('abc')).toEqual({ fonts: [], missing: [] })
    expect(await lacking.need('Ω漢')).toEqual({ fonts: [], missing: ['Ω', '漢'] })
    writeFileSync(join(folder, 'sub', 'Sans.ttf'), dejavu)
    expect(await fontFinder([], [folder]).need('Ω漢')).toEqual({ fonts: [expect.any(Buffer)], missing: ['漢'] })
    expect(await fontFinder([dejavu], [folder]).need('Ω')).toEqual({ fonts: [], missing: [] })
  })
  it('letters that no font has are named', () => {
    expect(glyphsText(['漢', '字'])).toMatch(/^no font of this system has 漢 字: they are boxes in the PNG files/)
  })
})
