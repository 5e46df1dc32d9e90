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
  SIZE,
  scale,
  show,
  textWidth,
  tickWidth,
  WIDTH,
} from './figure.js'
import { besidePoints, spread, stroke, written } from './labels.js'
import { colour, INK, MUTED, SEQUENCE, shade } from './palette.js'

export interface Point {
  readonly x: number
  readonly y: number
  /** Label beside the point. */
  readonly name?: string
  /** Points of a group share colour and shape. */
  readonly group?: number
  /** Value on the colour scale, if the figure has one. */
  readonly value?: number
  /** 95 % interval of y. */
  readonly ci95?: readonly [number, number] | null
  /** Tooltip; name and figures unless given. */
  readonly tip?: string
}

const HEIGHT = 380
const SHAPES = ['circle', 'diamond', 'triangle', 'rect'] as const

/** Returns a scatter plot with optional names, whiskers, colour scale, group names and reference lines. */
export function scatter(
  o: Caption & {
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
  },
): Figure {
  const under = below(o)
  const { points } = o
  const references = o.references ?? []
  const x = scale(
    o.x,
    points.map((p) => p.x),
  )
  const y = scale(o.y, [...points.flatMap((p) => [p.y, ...(p.ci95 ?? [])]), ...references.map(({ value }) => value)])
  const captions = references.map(({ name, value }) => `${name} ${show(o.y, value)}`)
  const many = points.length > 300
  const groups = o.groups ?? []
  const left = o.bare === true ? 34 : tickWidth(o.y, y) + 46
  const right = o.colour ? 100 : Math.max(10, ...captions.map((text) => textWidth(text))) + 30
  const top = under + (groups.length > 0 ? 20 : 0)
  const plot = { x: left, y: top, width: WIDTH - left - right, height: o.bare === true ? 520 : HEIGHT }
  const xAt = (value: number) => plot.x + part(value, x) * plot.width
  const yAt = (value: number) => plot.y + (1 - part(value, y)) * plot.height
  const edge = plot.x + plot.width

  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]))
  const keyed = o.colour && scale(o.colour, values.length > 0 ? values : [0, 1])
  const fill = ({ value, group }: Point) =>
    keyed && value !== undefined ? shade(SEQUENCE, part(value, keyed)) : colour(group ?? 0)
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
  const marks = references.flatMap(({ value }, i) => [
    stroke([[plot.x, yAt(value)], [edge, yAt(value)], [edge + 14, centres[i]!]], { dash: [4, 3] }), // biome-ignore format: a line
    written(captions[i]!, edge + 18, centres[i]!, { fill: MUTED }),
  ])
  const widths = groups.map((name) => textWidth(name) + 34)
  const legend = groups.flatMap((name, i) => {
    const from = plot.x + widths.slice(0, i).reduce((a, b) => a + b, 0)
    const dot = {
      type: 'circle' as const,
      silent: true,
      shape: { cx: from + 6, cy: under, r: 5 },
      style: { fill: o.colour ? MUTED : colour(i) },
    }
    return [o.colour ? written(i === 0 ? '●' : '◆', from, under, { fill: MUTED }) : dot, written(name, from + 16, under)]
  })
  return figure(
    o,
    top + plot.height + 58,
    {
      grid: { left: plot.x, top: plot.y, width: plot.width, height: plot.height },
      xAxis: bareOr(o.bare, drawn(o.x, x, 32)),
      yAxis: bareOr(o.bare, drawn(o.y, y, left - 24)),
      series: [
        {
          type: 'scatter',
          symbolSize: many ? 4 : 9,
          data: points.map((p) => ({
            value: [along(p.x, x), along(p.y, y)],
            symbol: SHAPES[(p.group ?? 0) % SHAPES.length]!,
            itemStyle: { color: fill(p), opacity: many ? 0.65 : 1 },
          })),
        },
      ],
      graphic: {
        elements: [
          ...marks,
          ...whiskers,
          ...besidePoints(named, plot).flatMap((label) => [
            ...(label.far ? [stroke([label.from, label.to], { colour: INK, width: 0.75 })] : []),
            written(label.name, label.x, label.y),
          ]),
          ...legend,
          ...(o.line
            ? [
                stroke(
                  o.line.map(([a, b]) => [xAt(a), yAt(b)] as const),
                  { colour: INK, width: 2 },
                ),
              ]
            : []),
          ...(keyed && o.colour ? key(o.colour, keyed, edge + 24, plot.y) : []),
        ],
      },
    },
    {
      columns: ['name', axisTitle(o.x), axisTitle(o.y), 'group', ...(o.colour ? [axisTitle(o.colour)] : [])],
      rows: [
        ...points.map((p) => [
          p.name ?? p.tip ?? null,
          p.x,
          p.y,
          groups[p.group ?? 0] ?? null,
          ...(o.colour ? [p.value ?? null] : []),
        ]),
        ...references.map(({ name, value }) => [name, null, value, null, ...(o.colour ? [null] : [])]),
      ],
    },
    [points.map((p) => p.tip ?? `${p.name ?? ''}: ${axisTitle(o.x)} ${show(o.x, p.x)}, ${axisTitle(o.y)} ${show(o.y, p.y)}`)],
  )
}

const bareOr = <T extends object>(bare: boolean | undefined, axis: T) =>
  bare === true
    ? { ...axis, nameGap: 10, axisLabel: { show: false }, axisTick: { show: false }, splitLine: { show: false } }
    : axis

/** Draws a colour scale with its end values. */
export function key(
  axis: Axis,
  { min, max }: { min: number; max: number },
  x: number,
  y: number,
  scale: readonly string[] = SEQUENCE,
) {
  const steps = 60
  const height = 180
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
