import {
  type Axis,
  axisTitle,
  below,
  type Caption,
  type Figure,
  figure,
  named,
  SIZE,
  show,
  textWidth,
  ticks,
  WIDTH,
} from './figure.js'
import { written } from './labels.js'
import { INK, legible, MUTED, SHADES, shade } from './palette.js'
import { key } from './scatter-plot.js'

/** Returns a heat map, darker for larger values, with the value in each cell that has room for it. */
export function heatMap(
  o: Caption & {
    readonly rows: readonly string[]
    readonly columns: readonly string[]
    /** Values by row and column; null for an empty cell. */
    readonly values: readonly (readonly (number | null)[])[]
    readonly value: Axis
    readonly rowTitle?: string
    readonly columnTitle?: string
  },
): Figure {
  const under = below(o)
  const known = o.values.flat().filter((value) => value !== null)
  const range = o.value.range ? { min: o.value.range[0], max: o.value.range[1] } : ticks(0, Math.max(...known, 0))
  const left = Math.min(240, Math.max(...o.rows.map((name) => textWidth(name)))) + (o.rowTitle === undefined ? 24 : 44)
  const square = o.columns.length > 8
  const longest = Math.max(...o.columns.map((name) => textWidth(name)))
  const plotWidth = WIDTH - left - 96
  const cell = plotWidth / o.columns.length
  const slanted = longest > cell - 6
  const bottom = (slanted ? Math.min(150, longest * 0.71) + 22 : 28) + (o.columnTitle === undefined ? 0 : 24)
  const row = square ? Math.max(22, Math.min(cell, 40)) : 34
  const height = o.rows.length * row
  const roomy =
    o.rows.length * o.columns.length <= 400 && cell >= Math.max(...known.map((value) => textWidth(show(o.value, value)))) + 4
  const cells = o.values.flatMap((row, i) => row.flatMap((value, j) => (value === null ? [] : [{ i, j, value }])))
  const fill = (value: number) => shade(SHADES, (value - range.min) / (range.max - range.min))
  const figures = (roomy ? cells : []).map(({ i, j, value }) =>
    written(show(o.value, value), left + (j + 0.5) * cell, under + (i + 0.5) * row, {
      align: 'center',
      fill: legible(fill(value)),
      halo: false,
    }),
  )
  return figure(
    o,
    under + height + bottom + 14,
    {
      grid: { left, top: under, width: plotWidth, height },
      xAxis: {
        ...named(o.columns),
        axisLabel: { color: INK, fontSize: SIZE.text, interval: 0, rotate: slanted ? 45 : 0, width: 200, overflow: 'truncate' },
        ...(o.columnTitle !== undefined && {
          name: o.columnTitle,
          nameLocation: 'middle',
          nameGap: bottom - 18,
          nameTextStyle: { color: MUTED, fontSize: SIZE.text },
        }),
      },
      yAxis: {
        ...named(o.rows),
        inverse: true,
        axisLabel: {
          color: INK,
          fontSize: SIZE.text,
          interval: 0,
          width: left - (o.rowTitle === undefined ? 24 : 44),
          overflow: 'truncate',
        },
      },
      series: [
        {
          type: 'custom',
          data: cells.map(({ i, j, value }) => [j, i, value]),
          renderItem: ({ dataIndex }) => {
            const { i, j, value } = cells[dataIndex]!
            const shape = { x: left + j * cell + 0.5, y: under + i * row + 0.5, width: cell - 1, height: row - 1 }
            return { type: 'rect', shape, style: { fill: fill(value) } }
          },
        },
      ],
      graphic: {
        elements: [
          ...figures,
          ...key(o.value, range, WIDTH - 78, under - 4, SHADES),
          ...(o.rowTitle === undefined
            ? []
            : [{ ...written(o.rowTitle, 16, under + height / 2, { align: 'center', fill: MUTED }), rotation: Math.PI / 2 }]),
        ],
      },
    },
    {
      columns: [o.rowTitle ?? 'row', o.columnTitle ?? 'column', axisTitle(o.value)],
      rows: o.values.flatMap((row, i) => row.map((value, j) => [o.rows[i]!, o.columns[j]!, value])),
    },
    [cells.map(({ i, j, value }) => `${o.rows[i]!} · ${o.columns[j]!}: ${show(o.value, value)}`)],
  )
}
