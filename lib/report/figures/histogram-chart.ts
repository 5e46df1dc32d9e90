import type { CustomSeriesRenderItemAPI } from 'echarts'
import { colour, FILL, INK } from '../../page/palette.js'
import { count } from '../../show.js'
import {
  type Axis,
  axisTitle,
  below,
  type Caption,
  drawn,
  drawnTitle,
  type Figure,
  figure,
  SIZE,
  scale,
  show,
  textWidth,
  ticks,
  tickWidth,
} from './figure.js'
import { aboveAxis, belowAxis, spread, stroke, written } from './labels.js'

/** Counts between edges. Shapes: counts [n], edges [n + 1]. */
export interface Bins {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
}

const MOST = 60
const HEIGHT = 260

/** Counts values in at most 60 bins with round edges. Source: Freedman & Diaconis 1981 (width 2 IQR n^(−1/3)). */
export function binned(values: readonly number[]): Bins {
  const sorted = Float64Array.from(values).sort()
  const at = (p: number) => sorted[Math.round(p * (sorted.length - 1))]!
  const [low, high] = [at(0), at(1)]
  const width = 2 * (at(0.75) - at(0.25)) * sorted.length ** (-1 / 3)
  const { min, max, interval } = ticks(low, high, Math.max(5, Math.min(MOST, width > 0 ? Math.ceil((high - low) / width) : 10)))
  const bins = Math.round((max - min) / interval)
  const counts = new Array<number>(bins).fill(0)
  for (const value of sorted) counts[Math.min(bins - 1, Math.floor((value - min) / interval + 1e-9))]! += 1
  return { edges: Array.from({ length: bins + 1 }, (_, i) => Number((min + i * interval).toPrecision(12))), counts }
}

/** Returns a histogram with reference lines. */
export function histogram(
  o: Caption & {
    readonly x: Axis
    readonly bins: Bins
    /** Name of the counted items, in the plural. */
    readonly what: string
    /** Colour of the run that the values are of. */
    readonly run?: number
    readonly references?: readonly { readonly name: string; readonly value: number }[]
  },
): Figure {
  const { edges, counts } = o.bins
  const references = o.references ?? []
  const y: Axis = { title: o.what, whole: true, tick: count }
  const ys = scale(y, [0, ...counts])
  const draw = (width: number) => {
    const under = below(o, width)
    const left = tickWidth(y, ys) + 28
    const xs = scale(o.x, [edges[0]!, edges.at(-1)!], (width - left) / 80)
    const above = aboveAxis(o.what, under, width)
    const top = under + above.height + (references.length > 0 ? 34 : 0)
    const plot = { x: left, y: top, width: width - left - 24, height: HEIGHT }
    const at = (value: number) => left + ((value - xs.min) / (xs.max - xs.min)) * plot.width
    const up = (value: number) => top + (1 - (value - ys.min) / (ys.max - ys.min)) * HEIGHT
    const captions = references.map(({ name, value }) => `${name} ${show(o.x, value)}`)
    const centres = spread(
      references.map(({ value }, i) => ({ at: at(value), size: textWidth(captions[i]!, SIZE.note) + 14 })),
      12,
      width - 12,
    )
    const title = belowAxis(drawnTitle(o.x, xs), plot, width)
    return {
      height: top + HEIGHT + title.height,
      option: {
        grid: { left, top, width: plot.width, height: HEIGHT },
        xAxis: drawn(o.x, xs),
        yAxis: drawn(y, ys),
        series: [
          {
            type: 'custom' as const,
            data: counts.map((n, i) => [edges[i]!, edges[i + 1]!, n]),
            renderItem: (_: unknown, api: CustomSeriesRenderItemAPI) => {
              const [from, to, n] = [api.value(0), api.value(1), api.value(2)] as [number, number, number]
              const shape = { x: at(from) + 0.5, y: up(n), width: Math.max(0.5, at(to) - at(from) - 1), height: up(0) - up(n) }
              return { type: 'rect' as const, shape, style: { fill: o.run === undefined ? FILL : colour(o.run) } }
            },
          },
        ],
        graphic: {
          elements: [
            ...references.flatMap(({ value }, i) => [
              stroke([[centres[i]!, top - 16], [at(value), top - 4], [at(value), top + HEIGHT]], { colour: INK, dash: [4, 3] }), // biome-ignore format: a line
              written(captions[i]!, centres[i]!, top - 24, { align: 'center', size: SIZE.note }),
            ]),
            ...above.elements,
            ...title.elements,
          ],
        },
      },
    }
  }
  return figure(
    o,
    {
      columns: [`${axisTitle(o.x)} from`, 'to', o.what],
      rows: [...counts.map((n, i) => [edges[i]!, edges[i + 1]!, n]), ...references.map(({ name, value }) => [value, name, null])],
    },
    [counts.map((n, i) => `${show(o.x, edges[i]!)} to ${show(o.x, edges[i + 1]!)}: ${count(n)} ${o.what}`)],
    draw,
  )
}
