import { INK, legible, MUTED, SHADES, shade } from '../../page/palette.js'
import { type Axis, axisTitle, below, type Caption, type Figure, figure, named, SIZE, show, textWidth, ticks } from './figure.js'
import { belowAxis, written } from './labels.js'
import { key } from './scatter-plot.js'
import { shortened } from './text-width.js'

type HeatMap = Caption & {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** Values by row and column; null for an empty cell. */
  readonly values: readonly (readonly (number | null)[])[]
  readonly value: Axis
  readonly rowTitle?: string
  readonly columnTitle?: string
}

/** Returns a heat map, darker for larger values, with the value in each cell that has room for it. */
export function heatMap(o: HeatMap): Figure {
  const cells = o.values.flatMap((row, i) => row.flatMap((value, j) => (value === null ? [] : [{ i, j, value }])))
  return figure(
    o,
    {
      columns: [o.rowTitle ?? 'row', o.columnTitle ?? 'column', axisTitle(o.value)],
      rows: o.values.flatMap((row, i) => row.map((value, j) => [o.rows[i]!, o.columns[j]!, value])),
    },
    [cells.map(({ i, j, value }) => `${o.rows[i]!} · ${o.columns[j]!}: ${show(o.value, value)}`)],
    (width) => layout(o, cells, width),
  )
}

/** Longest name under a column; a drawing without room for it numbers the columns. Units: px. */
const LONGEST = 150

function layout(o: HeatMap, cells: readonly { readonly i: number; readonly j: number; readonly value: number }[], width: number) {
  const known = cells.map(({ value }) => value)
  const range = o.value.range ? { min: o.value.range[0], max: o.value.range[1] } : ticks(0, Math.max(...known, 0))
  const square = o.columns.length > 8
  const rowTitle = o.rowTitle === undefined ? [] : [written(`${o.rowTitle} ↓`, 12, below(o, width) + 4, { fill: MUTED })]
  const top = below(o, width) + (rowTitle.length > 0 ? 18 : 0)
  const left = Math.min(width * 0.36, Math.max(...o.rows.map((name) => textWidth(name)))) + 24
  const scaled = width > 500
  const plotWidth = width - left - (scaled ? 84 : 14)
  const cell = plotWidth / o.columns.length
  const longest = Math.min(LONGEST, Math.max(...o.columns.map((name) => textWidth(name))))
  const slanted = longest > cell - 6
  const row = square ? Math.max(20, Math.min(cell, 40)) : 30
  const height = o.rows.length * row
  const size = cell >= 34 ? SIZE.text : 11
  const roomy = cells.length <= 400 && cell >= Math.max(...known.map((value) => textWidth(show(o.value, value), size)))
  const fill = (value: number) => shade(SHADES, (value - range.min) / (range.max - range.min))
  const figures = (roomy ? cells : []).map(({ i, j, value }) =>
    written(show(o.value, value), left + (j + 0.5) * cell, top + (i + 0.5) * row, {
      align: 'center',
      fill: legible(fill(value)),
      halo: false,
      size,
    }),
  )
  const plot = { x: left, y: top, width: plotWidth, height }
  const under = slanted ? longest * 0.71 + 22 : 26
  const title = o.columnTitle === undefined ? undefined : belowAxis(o.columnTitle, plot, width, under)
  return {
    height: top + height + (title?.height ?? under + 8),
    option: {
      grid: { left, top, width: plotWidth, height },
      xAxis: {
        ...named(o.columns.map((name) => shortened(name, slanted ? LONGEST : cell, SIZE.text))),
        axisLabel: { color: INK, fontSize: SIZE.text, interval: 0, rotate: slanted ? 45 : 0 },
      },
      yAxis: { ...named(o.rows.map((name) => shortened(name, left - 20, SIZE.text))), inverse: true },
      series: [
        {
          type: 'custom' as const,
          data: cells.map(({ i, j, value }) => [j, i, value]),
          renderItem: ({ dataIndex }: { dataIndex: number }) => {
            const { i, j, value } = cells[dataIndex]!
            const shape = { x: left + j * cell + 0.5, y: top + i * row + 0.5, width: cell - 1, height: row - 1 }
            return { type: 'rect' as const, shape, style: { fill: fill(value) } }
          },
        },
      ],
      graphic: {
        elements: [
          ...figures,
          ...(scaled ? key(o.value, range, width - 70, top - 4, SHADES) : []),
          ...rowTitle,
          ...(title?.elements ?? []),
        ],
      },
    },
  }
}
