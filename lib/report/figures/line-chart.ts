import { colour, INK, MUTED } from '../../page/palette.js'
import { extremes } from '../../statistics/extremes.js'
import {
  type Axis, along, axisTitle, below, type Caption, drawn, drawnTitle, type Figure, figure, part, type Range, SIZE, scale, show, textWidth, tick, tickWidth,
} from './figure.js' // biome-ignore format: names
import { aboveAxis, type Box, belowAxis, spread, stroke, written } from './labels.js'
import { shortened, wrapped } from './text-width.js'

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
  /** Leaves the line out of the range of the axis: it may leave the plot, which the note says. */
  readonly far?: boolean
}
type Lines = Caption & {
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  readonly references?: readonly { readonly name: string; readonly value: number }[]
}

const HEIGHT = 280
const LABEL = 16
/** A narrower drawing has a legend instead of names at the line ends. Units: px. */
const NARROW = 500
/** Most points of a line with a mark at each. */
const MARKED = 60

const finite = ({ points, band }: Line): number[] => [
  ...points.map(([, y]) => y),
  ...(band ?? []).flatMap(([, low, high]) => [low, high]),
]

/** The ranges of both axes. */
function rangesOf({ lines, references = [], ...o }: Lines): { x: Range; y: Range } {
  const ats = lines.flatMap(({ points }) => points.map(([at]) => at))
  const whole = scale(o.x, ats, 6)
  const last = extremes(ats).most
  const near = lines.filter(({ far }) => far !== true)
  const values = [...(near.length > 0 ? near : lines).flatMap(finite), ...references.map(({ value }) => value)]
  // Names are placed at the line ends.
  return { x: whole.log || last <= whole.min ? whole : { ...whole, max: last }, y: scale(o.y, values) }
}

/** Says which lines leave the plot, and how far. */
function outside(lines: readonly Line[], y: Axis, range: Range): string[] {
  const left = new Map<number | string, { readonly name: string; readonly top: number }>()
  for (const { group, name, points, far } of lines) {
    if (far !== true) continue
    const top = extremes(points.map(([, value]) => value)).most
    const before = left.get(group ?? name)
    if (along(top, range) > range.max)
      left.set(group ?? name, { name: before?.name ?? name, top: Math.max(top, before?.top ?? top) })
  }
  const texts = [...left.values()].map(({ name, top }) => `${name} (up to ${show(y, top)})`)
  return texts.length === 0 ? [] : [`above the plot: ${texts.join(', ')}`]
}

/** Returns a line chart with names at the line ends, bands for intervals and dashed reference lines. */
export function lines(given: Lines): Figure {
  const all = { ...given, lines: given.lines.filter(({ points }) => points.length > 0) }
  const ranges = rangesOf(all)
  const o = { ...all, note: [given.note ?? '', ...outside(all.lines, all.y, ranges.y)].filter(Boolean).join(' · ') }
  const references = o.references ?? []
  const banded = o.lines.some(({ band }) => band)
  return figure(
    o,
    {
      columns: ['line', axisTitle(o.x), axisTitle(o.y), ...(banded ? ['ci95 low', 'ci95 high'] : [])],
      rows: [
        ...o.lines.flatMap(({ name, points, band }) =>
          points.map(([at, value], i) => [name, at, value, ...(banded ? [band?.[i]?.[1] ?? null, band?.[i]?.[2] ?? null] : [])]),
        ),
        ...references.map(({ name, value }) => [name, null, value, ...(banded ? [null, null] : [])]),
      ],
    },
    o.lines.map(({ name, points }) =>
      points.map(([at, value]) => `${name}, ${axisTitle(o.x)} ${show(o.x, at)}: ${show(o.y, value)}`),
    ),
    (width) => layout(o, ranges, width),
    {
      x: axisTitle(o.x),
      xs: ranges.x,
      plot: (width) => placed(o, ranges, width).plot,
      lines: o.lines.map(({ name, points }) => ({ name, points: points.map(([at, value]) => [at, show(o.y, value)] as const) })),
    },
  )
}

const own = (o: Lines, line: Line) => colour(line.group ?? o.lines.indexOf(line))
const captionsOf = ({ y, references = [] }: Lines) => references.map(({ name, value }) => `${name} ${show(y, value)}`)

/** Places the plot, and what stands above it. */
function placed(o: Lines, { y }: { y: Range }, width: number) {
  const labelled = o.lines.filter(({ quiet }) => quiet !== true)
  const names = [...labelled.map(({ name }) => name), ...captionsOf(o)]
  const narrow = width < NARROW
  const key = narrow ? legend(o, labelled, below(o, width), width) : { height: 0, elements: [] }
  const above = aboveAxis(drawnTitle(o.y, y), below(o, width) + key.height, width)
  const left = tickWidth(o.y, y) + 28
  const right = narrow ? 16 : Math.min(width * 0.32, Math.max(...names.map((text) => textWidth(text)))) + 34
  const height = narrow ? HEIGHT : Math.max(HEIGHT, names.length * LABEL)
  const plot: Box = { x: left, y: below(o, width) + key.height + above.height, width: width - left - right, height }
  return { plot, right, narrow, labelled, over: [...key.elements, ...above.elements] }
}

/** Draws the names of lines and references above a narrow plot. */
function legend(o: Lines, labelled: readonly Line[], y: number, width: number) {
  let [x, row] = [12, 0]
  const elements = labelled.flatMap((line) => {
    const name = shortened(line.name, width - 60, SIZE.text)
    const room = textWidth(name) + 38
    if (x > 12 && x + room > width) [x, row] = [12, row + 1]
    const [from, at] = [x, y + 4 + row * LABEL]
    x += room
    return [
      stroke([[from, at], [from + 20, at]], { colour: own(o, line), width: 2.5, ...(line.dashed && { dash: [5, 4] }) }), // biome-ignore format: a line
      written(name, from + 25, at),
    ]
  })
  const dashed = captionsOf({ ...o, references: (o.references ?? []).toSorted((a, b) => b.value - a.value) })
  const texts = dashed.length === 0 ? [] : wrapped(`grey dashes, from the top: ${dashed.join(', ')}`, width - 24, SIZE.note)
  const from = y + 4 + (labelled.length > 0 ? row + 1 : 0) * LABEL
  return {
    height: from - y + texts.length * LABEL,
    elements: [...elements, ...texts.map((text, i) => written(text, 12, from + i * LABEL, { fill: MUTED, size: SIZE.note }))],
  }
}

function layout(o: Lines, ranges: { x: Range; y: Range }, width: number) {
  const { x, y } = ranges
  const { plot, right, narrow, labelled, over } = placed(o, ranges, width)
  const references = o.references ?? []
  const edge = plot.x + plot.width
  const xAt = (value: number) => plot.x + part(value, x) * plot.width
  const yAt = (value: number) => plot.y + (1 - Math.max(-0.03, Math.min(1.03, part(value, y)))) * plot.height
  const inside = (value: number) => part(value, y) <= 1 && part(value, y) >= 0
  const ends = [
    ...labelled.map(({ points }) => ({ x: xAt(points.at(-1)![0]), y: yAt(points.at(-1)![1]) })),
    ...references.map(({ value }) => ({ x: edge, y: yAt(value) })),
  ]
  const centres = spread(
    ends.map((end) => ({ at: end.y, size: LABEL })),
    plot.y - LABEL / 2,
    plot.y + plot.height + LABEL / 2,
  )
  const names = [...labelled.map(({ name }) => name), ...captionsOf(o)]
  const labels = narrow ? [] : names.flatMap((text, i) => {
    const { x: end, y: at } = ends[i]!
    const tone = i < labelled.length ? own(o, labelled[i]!) : MUTED
    return [
      ...(edge - end > 8 ? [stroke([[end + 4, at], [edge, at]], { colour: tone, dash: [1, 4] })] : []), // the line has ended before
      stroke([[edge + 2, at], [edge + 4, at], [edge + 18, centres[i]!]], { colour: tone }),
      written(shortened(text, right - 24, SIZE.text), edge + 22, centres[i]!, { fill: i < labelled.length ? INK : MUTED }),
    ]
  }) // biome-ignore format: a line
  const dashes = references.map(({ value }) => stroke([[plot.x, yAt(value)], [edge, yAt(value)]], { dash: [4, 3] })) // biome-ignore format: a line
  const bands = o.lines.flatMap((line) => (line.band ? [{ band: line.band, fill: own(o, line) }] : []))
  const polygons = bands.map(({ band, fill }) => ({
    type: 'polygon' as const,
    silent: true,
    z: 0,
    shape: {
      points: [...band.map(([at, low]) => [xAt(at), yAt(low)]), ...band.toReversed().map(([at, , high]) => [xAt(at), yAt(high)])],
    },
    style: { fill, opacity: 0.15 },
  }))
  const rings = o.lines.flatMap((line) =>
    line.mark && inside(line.mark[1]) ? [ring(xAt(line.mark[0]), yAt(line.mark[1]), own(o, line))] : [],
  )
  const title = belowAxis(drawnTitle(o.x, { ...x, min: 0 }), plot, width)
  const room = Math.max(...[x.min, x.max].map((value) => textWidth(tick(o.x, x, value)))) + 24
  return {
    height: plot.y + plot.height + title.height,
    option: {
      grid: { left: plot.x, top: plot.y, width: plot.width, height: plot.height },
      xAxis: narrow && !x.log ? { ...drawn(o.x, x), interval: Math.max(x.interval, scale(o.x, [x.min, x.max], plot.width / room).interval) } : drawn(o.x, x), // biome-ignore format: a line
      yAxis: drawn(o.y, y),
      series: o.lines.map((line) => ({
        type: 'line' as const,
        clip: true,
        // nothing of a line that is outside as a whole: the rasteriser cannot draw a clipped group without a pixel
        data: line.points.some(([, value]) => inside(value)) ? line.points.map(([at, value]) => [along(at, x), along(value, y)]) : [], // biome-ignore format: a line
        symbol: 'circle',
        symbolSize: line.points.length > MARKED ? 0 : 4,
        showSymbol: true,
        itemStyle: { color: own(o, line) },
        lineStyle: { color: own(o, line), width: 2, type: line.dashed === true ? [5, 4] : ('solid' as const) },
      })),
      graphic: { elements: [...polygons, ...dashes, ...labels, ...rings, ...over, ...title.elements] },
    },
  }
}

/** Draws a ring around a point. */
const ring = (cx: number, cy: number, colour: string) => ({
  type: 'circle' as const,
  silent: true,
  z: 95,
  shape: { cx, cy, r: 6 },
  style: { stroke: colour, lineWidth: 2, fill: 'none' },
})
