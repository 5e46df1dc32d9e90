import { colour, INK, MUTED, PAPER, SEQUENCE, shade } from '../../page/palette.js'
import {
  type Axis,
  along,
  axisTitle,
  below,
  type Caption,
  drawn,
  drawnTitle,
  type Figure,
  figure,
  part,
  SIZE,
  scale,
  show,
  textWidth,
  tickWidth,
} from './figure.js'
import { aboveAxis, belowAxis, besidePoints, spread, stroke, written } from './labels.js'

export interface Point {
  readonly x: number
  readonly y: number
  /** Label beside the point. */
  readonly name?: string
  /** Points of a group share colour and shape. */
  readonly group?: number
  /** Colour of a run, in place of that of the group. */
  readonly run?: number
  readonly hollow?: boolean
  /** Value on the colour scale, if the figure has one. */
  readonly value?: number
  /** 95 % interval of y. */
  readonly ci95?: readonly [number, number] | null
  /** Tooltip; name and figures unless given. */
  readonly tip?: string
}

const HEIGHT = 320
const SHAPES = ['circle', 'diamond', 'triangle', 'rect'] as const

type Scatter = Caption & {
  readonly x: Axis
  readonly y: Axis
  readonly points: readonly Point[]
  readonly groups?: readonly string[]
  /** Quantity of the colour scale. */
  readonly colour?: Axis
  readonly references?: readonly { readonly name: string; readonly value: number }[]
  /** Axes without numbers, for projections in which only neighbourhoods have a meaning. */
  readonly bare?: boolean
  readonly line?: readonly (readonly [number, number])[]
  /** Pairs of points, by index, that are joined by lines. */
  readonly pairs?: readonly (readonly [number, number])[]
}

/** Returns a scatter plot with optional names, whiskers, colour scale, group names and reference lines. */
export function scatter(o: Scatter): Figure {
  const references = o.references ?? []
  return figure(
    o,
    {
      columns: ['name', axisTitle(o.x), axisTitle(o.y), 'group', ...(o.colour ? [axisTitle(o.colour)] : [])],
      rows: [
        ...o.points.map((p) => [
          p.name ?? p.tip ?? null,
          p.x,
          p.y,
          o.groups?.[p.group ?? 0] ?? null,
          ...(o.colour ? [p.value ?? null] : []),
        ]),
        ...references.map(({ name, value }) => [name, null, value, null, ...(o.colour ? [null] : [])]),
      ],
    },
    [o.points.map((p) => p.tip ?? `${p.name ?? ''}: ${axisTitle(o.x)} ${show(o.x, p.x)}, ${axisTitle(o.y)} ${show(o.y, p.y)}`)],
    (width) => layout(o, width),
  )
}

/** Draws the names of groups above the plot. */
function legend(o: Scatter, groups: readonly string[], x: number, y: number) {
  const widths = groups.map((name) => textWidth(name) + 34)
  return groups.flatMap((name, i) => {
    const from = x + widths.slice(0, i).reduce((a, b) => a + b, 0)
    const dot = { type: 'circle' as const, silent: true, shape: { cx: from + 6, cy: y, r: 5 }, style: { fill: colour(i) } }
    return [o.colour ? written(i === 0 ? '●' : '◆', from, y, { fill: MUTED }) : dot, written(name, from + 16, y)]
  })
}

function layout(o: Scatter, width: number) {
  const { points } = o
  const narrow = width < 500
  const under = below(o, width)
  const references = o.references ?? []
  const x = scale(
    o.x,
    points.map((p) => p.x),
    width / 100,
  )
  const y = scale(o.y, [...points.flatMap((p) => [p.y, ...(p.ci95 ?? [])]), ...references.map(({ value }) => value)])
  const captions = references.map(({ name, value }) => `${name} ${show(o.y, value)}`)
  const many = points.length > 300
  const groups = o.groups ?? []
  const left = o.bare === true ? 20 : tickWidth(o.y, y) + 28
  const beside = captions.length > 0 && !narrow
  const right = o.colour ? 84 : beside ? Math.max(...captions.map((text) => textWidth(text))) + 30 : 20
  const keyRow = groups.length > 0 ? 20 : 0
  const dashed = narrow && captions.length > 0 ? aboveAxis(`dashes, from the top: ${captions.join(', ')}`, under + keyRow, width) : undefined // biome-ignore format: a line
  const above = o.bare === true ? { height: 8, elements: [] } : aboveAxis(drawnTitle(o.y, y), under + keyRow + (dashed?.height ?? 0), width) // biome-ignore format: a line
  const top = under + keyRow + (dashed?.height ?? 0) + above.height
  const plot = { x: left, y: top, width: width - left - right, height: o.bare === true ? (width - left - right) * 0.9 : HEIGHT }
  const xAt = (value: number) => plot.x + part(value, x) * plot.width
  const yAt = (value: number) => plot.y + (1 - part(value, y)) * plot.height
  const edge = plot.x + plot.width

  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]))
  const keyed = o.colour && scale(o.colour, values.length > 0 ? values : [0, 1])
  const fill = ({ value, group, run }: Point) =>
    keyed && value !== undefined ? shade(SEQUENCE, part(value, keyed)) : colour(run ?? group ?? 0)
  const named = points.flatMap((p) => (p.name === undefined ? [] : [{ x: xAt(p.x), y: yAt(p.y), name: p.name }]))
  const whiskers = points.flatMap(({ x: at, ci95 }) => {
    if (!ci95) return []
    const [low, high] = [yAt(ci95[0]), yAt(ci95[1])]
    const end = (to: number) => stroke([[xAt(at) - 4, to], [xAt(at) + 4, to]], { width: 1 }) // biome-ignore format: a line
    return [stroke([[xAt(at), low], [xAt(at), high]], { width: 1 }), end(low), end(high)] // biome-ignore format: a line
  })
  const centres = spread(
    references.map(({ value }) => ({ at: yAt(value), size: 16 })),
    plot.y - 8,
    plot.y + plot.height + 8,
  )
  const marks = references.flatMap(
    ({ value }, i) =>
    beside
      ? [
          stroke([[plot.x, yAt(value)], [edge, yAt(value)], [edge + 14, centres[i]!]], { dash: [4, 3] }), // biome-ignore format: a line
          written(captions[i]!, edge + 18, centres[i]!, { fill: MUTED }),
        ]
      : [stroke([[plot.x, yAt(value)], [edge, yAt(value)]], { dash: [4, 3] })], // biome-ignore format: a line
  )
  const pairs = (o.pairs ?? []).map(([a, b]) =>
    joined([xAt(points[a]!.x), yAt(points[a]!.y)], [xAt(points[b]!.x), yAt(points[b]!.y)]),
  )
  const title = belowAxis(o.bare === true ? '' : drawnTitle(o.x, x), plot, width, o.bare === true ? 0 : 24)
  return {
    height: top + plot.height + title.height,
    option: {
      grid: { left: plot.x, top: plot.y, width: plot.width, height: plot.height },
      xAxis: bareOr(o.bare, drawn(o.x, x)),
      yAxis: bareOr(o.bare, drawn(o.y, y)),
      series: [
        {
          type: 'scatter' as const,
          symbolSize: many ? 4 : o.pairs ? 7 : 9,
          data: points.map((p) => ({
            value: [along(p.x, x), along(p.y, y)],
            symbol: SHAPES[(p.group ?? 0) % SHAPES.length]!,
            itemStyle: p.hollow === true ? { color: PAPER, borderColor: fill(p), borderWidth: 2 } : { color: fill(p), opacity: many ? 0.65 : 1 }, // biome-ignore format: a line
          })),
        },
        ...(pairs.length > 0 ? [connected(pairs.join(''))] : []),
      ],
      graphic: {
        elements: [
          ...marks,
          ...whiskers,
          ...besidePoints(named, plot).flatMap((label) => [
            ...(label.far ? [stroke([label.from, label.to], { colour: INK, width: 0.75 })] : []),
            written(label.name, label.x, label.y),
          ]),
          ...legend(o, groups, 12, under + 4),
          ...(dashed?.elements ?? []),
          ...above.elements,
          ...title.elements,
          ...(o.line ? [stroke(o.line.map(([a, b]) => [xAt(a), yAt(b)] as const), { colour: INK, width: 2 })] : []),
          ...(keyed && o.colour ? key(o.colour, keyed, edge + 14, plot.y) : []),
        ],
      },
    },
  } // biome-ignore format: a layout
}

/** Draws lines between points as one path, below the points. */
const connected = (pathData: string) => ({
  type: 'custom' as const,
  z: 1,
  silent: true,
  data: [[0, 0]],
  renderItem: () => ({
    type: 'path' as const,
    shape: { pathData },
    style: { stroke: MUTED, lineWidth: 0.8, opacity: 0.6, fill: 'none' },
  }),
})

const rounded = (x: number) => Number(x.toFixed(1))
const joined = (from: readonly number[], to: readonly number[]) => `M${from.map(rounded).join(' ')}L${to.map(rounded).join(' ')}`

const bareOr = <T extends object>(bare: boolean | undefined, axis: T) =>
  bare === true ? { ...axis, axisLabel: { show: false }, axisTick: { show: false }, splitLine: { show: false } } : axis

/** Draws a colour scale with its end values. */
export function key(
  axis: Axis,
  { min, max }: { min: number; max: number },
  x: number,
  y: number,
  scale: readonly string[] = SEQUENCE,
) {
  const steps = 60
  const height = 150
  return [
    ...Array.from({ length: steps }, (_, i) => ({
      type: 'rect' as const,
      silent: true,
      shape: { x, y: y + 22 + ((steps - 1 - i) * height) / steps, width: 14, height: height / steps + 0.5 },
      style: { fill: shade(scale, i / (steps - 1)) },
    })),
    written(axisTitle(axis), x, y + 6, { fill: MUTED, size: SIZE.note }),
    written(show(axis, max), x + 19, y + 27, { size: SIZE.note }),
    written(show(axis, min), x + 19, y + 17 + height, { size: SIZE.note }),
  ]
}
