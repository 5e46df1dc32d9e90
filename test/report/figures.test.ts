import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { shade } from '../../lib/page/palette.js'
import { records } from '../../lib/report/figures/csv-records.js'
import { csv, drawSvg } from '../../lib/report/figures/draw-figure.js'
import { drawPng } from '../../lib/report/figures/draw-png.js'
import { tick, ticks, WIDTHS } from '../../lib/report/figures/figure.js'
import { bars, binned, boxes, drawFigures, heatMap, histogram, lines, scatter } from '../../lib/report/figures/index.js'
import { besidePoints, spread } from '../../lib/report/figures/labels.js'

const COSINE = { title: 'Mean cosine', show: (x: number) => x.toFixed(3) }
const figures = () => [
  bars({
    name: 'bars',
    title: 'Bars <b>&',
    note: 'n 3',
    value: COSINE,
    bars: [
      { name: 'lstm', value: 0.54, ci95: [0.52, 0.56] },
      { name: 'a "quoted", name', value: 0.5 },
    ],
    references: [{ name: 'ridge', value: 0.529 }],
  }),
  lines({
    name: 'lines',
    title: 'Lines',
    x: { title: 'Epoch', whole: true },
    y: { title: 'Loss', log: true, show: String },
    lines: [{ name: 'a', points: [[0, 1], [1, 0.1]], band: [[0, 0.9, 1.1], [1, 0.05, 0.2]], mark: [1, 0.1] }], // biome-ignore format: points
    references: [{ name: 'ridge', value: 0.3 }],
  }),
  scatter({
    name: 'scatter',
    title: 'Scatter',
    x: { title: 'Parameters', log: true },
    y: COSINE,
    colour: { title: 'error' },
    points: [
      { x: 1e6, y: 0.5, name: 'a', value: 0 },
      { x: 1e8, y: 0.6, name: 'b', value: 1, ci95: [0.5, 0.7] },
    ],
  }),
  heatMap({
    name: 'heat',
    title: 'Heat',
    rows: ['a', 'b'],
    columns: ['x', 'y'],
    values: [[0, 1], [null, 0.5]], // biome-ignore format: a matrix
    value: { title: 'share' },
  }),
  histogram({ name: 'histogram', title: 'Histogram', x: { title: 'error' }, what: 'windows', bins: binned([1, 2, 2, 3, 9]) }),
  boxes({
    name: 'boxes',
    title: 'Boxes',
    x: { title: 'length' },
    y: COSINE,
    boxes: [{ name: 'all', low: 0, q1: 0.2, median: 0.3, q3: 0.4, high: 0.9, n: 7 }],
  }),
]
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

it('a figure has the same bytes, whatever was drawn before', async () => {
  const first = await drawFigures(figures())
  await drawSvg(figures()[2]!)
  const second = await drawFigures(figures().reverse())
  for (const { name, svg } of first) expect(second.find((d) => d.name === name)!.svg).toBe(svg)
  expect(sha(await drawPng(first[0]!.svg))).toBe(sha(await drawPng(second.at(-1)!.svg)))
})

it('a figure has the same bytes as on other machines', async () => {
  const [bar] = await drawFigures(figures())
  expect(sha(Buffer.from(bar!.svg))).toMatchInlineSnapshot(`"44d0e95fe875504e63e765e99d89ab8f633964cf1202d1a4673321e44fee7468"`)
  expect(sha(await drawPng(bar!.svg))).toMatchInlineSnapshot(`"b24761c77f42ff2ced4be6ac159dfbdae7197bae339353c96b6cf244f2d5fc68"`)
})

it('a figure is written as SVG, PNG of twice the size, and CSV', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-figures-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [bar] = figures()
  await drawFigures([bar!], folder)
  expect(readdirSync(folder).sort()).toEqual(['bars.csv', 'bars.png', 'bars.svg'])
  const png = readFileSync(join(folder, 'bars.png'))
  const { width, height } = bar!.draw(WIDTHS.wide)
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2 * width, 2 * Math.ceil(height)])
  expect(readFileSync(join(folder, 'bars.csv'), 'utf8')).toBe(
    'name,Mean cosine,ci95 low,ci95 high\nlstm,0.54,0.52,0.56\n"a ""quoted"", name",0.5,,\nridge,0.529,,\n',
  )
  const svg = readFileSync(join(folder, 'bars.svg'), 'utf8')
  expect(svg).toContain('Bars &lt;b&gt;&amp;')
  expect(svg).not.toContain('<b>')
})

it('a line chart accepts a single point and constant values', async () => {
  const one = lines({
    name: 'one',
    title: 'One',
    x: { title: 'Epoch', whole: true },
    y: COSINE,
    lines: [{ name: 'a', points: [[0, 0.5]] }],
  })
  const same = bars({ name: 'same', title: 'Same', value: COSINE, bars: [{ name: 'a', value: 0 }] })
  for (const { svg } of await drawFigures([one, same])) expect(svg).not.toMatch(/NaN|Infinity/)
})

it('a written CSV file is read back unchanged', () => {
  const data = { columns: ['a', 'b'], rows: [['x,"y"\nz', 1], [null, -2.5]] } // biome-ignore format: rows
  expect(records(csv(data))).toEqual([
    { a: 'x,"y"\nz', b: '1' },
    { a: '', b: '-2.5' },
  ])
})

it('labels do not overlap, stay inside, and keep their preferred position if possible', () => {
  expect(spread([{ at: 10, size: 4 }, { at: 50, size: 4 }], 0, 100)).toEqual([10, 50]) // biome-ignore format: a line
  const sizes = [30, 20, 25, 10, 15]
  const placed = spread(
    sizes.map((size, i) => ({ at: 95 + i, size })),
    0,
    120,
  )
  const edges = placed.map((at, i) => [at - sizes[i]! / 2, at + sizes[i]! / 2] as const)
  for (const [i, [low, high]] of edges.entries()) {
    expect(low).toBeGreaterThanOrEqual(-1e-9)
    expect(high).toBeLessThanOrEqual(120 + 1e-9)
    if (i > 0) expect(low).toBeGreaterThanOrEqual(edges[i - 1]![1] - 1e-9)
  }
  const plot = { x: 0, y: 0, width: 600, height: 400 }
  const names = besidePoints(
    Array.from({ length: 6 }, (_, i) => ({ x: 300 + i, y: 200, name: `model ${i}` })),
    plot,
  )
  expect(new Set(names.map(({ x, y }) => `${x} ${y}`)).size).toBe(6)
})

it.each([
  [0.0008, 0.0022, ['.0008', '.0010', '.0012', '.0014', '.0016', '.0018', '.0020', '.0022']],
  [0, 1.5, ['0', '.5', '1.0', '1.5']],
  [0, 20_000, ['0', '5,000', '10,000', '15,000', '20,000']],
  [0, 4e-7, ['0', '1.0e-7', '2.0e-7', '3.0e-7', '4.0e-7']],
])('the ticks of an axis from %d to %d have equally many decimals: %j', (low, high, shown) => {
  const range = { ...ticks(low, high, shown.length), log: false }
  const values = shown.map((_, i) => range.min + i * range.interval)
  expect(values.map((value) => tick({ title: 'Loss' }, range, value))).toEqual(shown)
})

it('axes have round ends that cover the data', () => {
  expect(ticks(0, 0.5418)).toEqual({ min: 0, max: 0.6, interval: 0.1 })
  expect(ticks(-0.3, 17)).toMatchObject({ min: -5, max: 20 })
  expect(ticks(0, 4, 8, true)).toEqual({ min: 0, max: 4, interval: 1 })
  for (const same of [0, 0.25, -3]) {
    const { min, max } = ticks(same, same)
    expect(min <= same && max > same).toBe(true)
  }
})

it('a histogram counts every value once', () => {
  const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i))
  const { edges, counts } = binned(values)
  expect(counts.reduce((a, b) => a + b, 0)).toBe(1000)
  expect(edges.length).toBe(counts.length + 1)
  expect(binned([2, 2, 2]).counts.reduce((a, b) => a + b, 0)).toBe(3)
})

it('a colour scale interpolates between its steps', () => {
  expect(shade(['#000000', '#ffffff'], 0.5)).toBe('#808080')
  expect(shade(['#000000', '#ffffff'], 7)).toBe('#ffffff')
})
