import { extremes } from '../../statistics/extremes.js'
import {
  type Axis,
  along,
  axisTitle,
  below,
  type Caption,
  drawn,
  type Figure,
  figure,
  part,
  scale,
  show,
  textWidth,
  tickWidth,
  WIDTH,
} from './figure.js'
import { spread, stroke, written } from './labels.js'
import { colour, INK, MUTED } from './palette.js'

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Lower and upper edge of a band at each x. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[]
  readonly dashed?: boolean
  /** Lines of a group share a colour; each line has its own unless given. */
  readonly group?: number
  /** Omits the name at the end of the line, if colour and note identify it. */
  readonly quiet?: boolean
  /** Point to mark with a ring, such as the best epoch. */
  readonly mark?: readonly [x: number, y: number]
}

const HEIGHT = 330
const LABEL = 16

const finite = ({ points, band }: Line): number[] => [
  ...points.map(([, y]) => y),
  ...(band ?? []).flatMap(([, low, high]) => [low, high]),
]

/** Returns a line chart with names at the line ends, bands for intervals and dashed reference lines. */
export function lines(
  o: Caption & {
    readonly x: Axis
    readonly y: Axis
    readonly lines: readonly Line[]
    readonly references?: readonly { readonly name: string; readonly value: number }[]
  },
): Figure {
  const under = below(o)
  const references = o.references ?? []
  const shown = o.lines.filter(({ points }) => points.length > 0)
  const ats = shown.flatMap(({ points }) => points.map(([at]) => at))
  const whole = scale(o.x, ats, 8)
  const last = extremes(ats).most
  const x = whole.log || last <= whole.min ? whole : { ...whole, max: last } // names are placed at the line ends
  const y = scale(o.y, [...shown.flatMap(finite), ...references.map(({ value }) => value)])
  const labelled = shown.filter(({ quiet }) => quiet !== true)
  const captions = [...labelled.map(({ name }) => name), ...references.map(({ name, value }) => `${name} ${show(o.y, value)}`)]
  const right = Math.min(250, Math.max(...captions.map((text) => textWidth(text)))) + 34
  const height = Math.max(HEIGHT, captions.length * LABEL)
  const left = tickWidth(o.y, y) + 46
  const plot = { x: left, y: under, tickWidth, width: WIDTH - left - right, height }
  const xAt = (value: number) => plot.x + part(value, x) * plot.width
  const yAt = (value: number) => plot.y + (1 - part(value, y)) * plot.height
  const ends = [
    ...labelled.map(({ points }) => ({ x: xAt(points.at(-1)![0]), y: yAt(points.at(-1)![1]) })),
    ...references.map(({ value }) => ({ x: plot.x + plot.width, y: yAt(value) })),
  ]
  const centres = spread(
    ends.map((end) => ({ at: end.y, size: LABEL })),
    plot.y - LABEL / 2,
    plot.y + height + LABEL / 2,
  )
  const edge = plot.x + plot.width
  const own = (line: Line) => colour(line.group ?? shown.indexOf(line))
  const labels = captions.flatMap((text, i) => [
    stroke([[ends[i]!.x + 2, ends[i]!.y], [edge + 4, ends[i]!.y], [edge + 18, centres[i]!]], { colour: i < labelled.length ? own(labelled[i]!) : MUTED }), // biome-ignore format: a line
    written(text, edge + 22, centres[i]!, { fill: i < labelled.length ? INK : MUTED }),
  ])
  const baselines = references.map(({ value }) => stroke([[plot.x, yAt(value)], [edge, yAt(value)]], { dash: [4, 3] })) // biome-ignore format: a line
  const bands = shown.flatMap((line) => (line.band ? [{ band: line.band, colour: own(line) }] : []))
  const polygons = bands.map(({ band, colour: fill }) => ({
    type: 'polygon' as const,
    silent: true,
    z: 0,
    shape: {
      points: [...band.map(([at, low]) => [xAt(at), yAt(low)]), ...band.toReversed().map(([at, , high]) => [xAt(at), yAt(high)])],
    },
    style: { fill, opacity: 0.15 },
  }))
  return figure(
    o,
    under + height + 58,
    {
      grid: { left: plot.x, top: plot.y, width: plot.width, height },
      xAxis: drawn(o.x, x, 32),
      yAxis: drawn(o.y, y, left - 24),
      series: shown.map((line) => ({
        type: 'line',
        data: line.points.map(([at, value]) => [along(at, x), along(value, y)]),
        symbol: 'circle',
        symbolSize: line.points.length > 60 ? 0 : 4,
        showSymbol: true,
        itemStyle: { color: own(line) },
        lineStyle: { color: own(line), width: 2, type: line.dashed === true ? [5, 4] : 'solid' },
      })),
      graphic: {
        elements: [
          ...polygons,
          ...baselines,
          ...labels,
          ...shown.flatMap((line) => (line.mark ? [ring(xAt(line.mark[0]), yAt(line.mark[1]), own(line))] : [])),
        ],
      },
    },
    {
      columns: ['line', axisTitle(o.x), axisTitle(o.y), ...(bands.length > 0 ? ['ci95 low', 'ci95 high'] : [])],
      rows: [
        ...shown.flatMap(({ name, points, band }) =>
          points.map(([at, value], i) => [
            name,
            at,
            value,
            ...(bands.length > 0 ? [band?.[i]?.[1] ?? null, band?.[i]?.[2] ?? null] : []),
          ]),
        ),
        ...references.map(({ name, value }) => [name, null, value, ...(bands.length > 0 ? [null, null] : [])]),
      ],
    },
    shown.map(({ name, points }) =>
      points.map(([at, value]) => `${name}, ${axisTitle(o.x)} ${show(o.x, at)}: ${show(o.y, value)}`),
    ),
  )
}

/** Draws a ring around a point. */
const ring = (cx: number, cy: number, colour: string) => ({
  type: 'circle' as const,
  silent: true,
  z: 95,
  shape: { cx, cy, r: 6 },
  style: { stroke: colour, lineWidth: 2, fill: 'none' },
})
