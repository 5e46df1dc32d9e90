import { colour, INK } from '../../page/palette.js'
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
  named,
  SIZE,
  scale,
  show,
  tickWidth,
} from './figure.js'
import { aboveAxis, belowAxis } from './labels.js'

/** Box of one group: ends of the whiskers, quartiles and median. */
export interface Box {
  readonly name: string
  readonly low: number
  readonly q1: number
  readonly median: number
  readonly q3: number
  readonly high: number
  readonly n: number
}

const HEIGHT = 280

/** Returns a box plot: middle half, median and whiskers of each group. */
export function boxes(
  o: Caption & {
    readonly x: Axis
    readonly y: Axis
    readonly boxes: readonly Box[] /** Colour of the run that the values are of. */
    readonly run?: number
  },
): Figure {
  const range = scale(
    o.y,
    o.boxes.flatMap(({ low, high }) => [low, high]),
  )
  const draw = (width: number) => {
    const under = below(o, width)
    const left = tickWidth(o.y, range) + 28
    const above = aboveAxis(drawnTitle(o.y, range), under, width)
    const plot = { x: left, y: under + above.height, width: width - left - 14, height: HEIGHT }
    const title = belowAxis(axisTitle(o.x), plot, width, 46)
    const crowded = plot.width / o.boxes.length < 70
    return {
      height: plot.y + HEIGHT + title.height,
      option: {
        grid: { left: plot.x, top: plot.y, width: plot.width, height: HEIGHT },
        xAxis: {
          ...named(o.boxes.map(({ name, n }) => `${crowded ? name.replace(' to ', '–') : name}\nn ${count(n)}`)),
          axisLabel: { color: INK, fontSize: crowded ? 11 : SIZE.text, interval: 0, lineHeight: 16 },
        },
        yAxis: drawn(o.y, range),
        series: [
          {
            type: 'boxplot' as const,
            boxWidth: [12, 46],
            itemStyle: { color: `${colour(o.run ?? 0)}33`, borderColor: colour(o.run ?? 0), borderWidth: 1.5 },
            data: o.boxes.map(({ low, q1, median, q3, high }) => [low, q1, median, q3, high]),
          },
        ],
        graphic: { elements: [...above.elements, ...title.elements] },
      },
    }
  }
  return figure(
    o,
    {
      columns: [axisTitle(o.x), 'n', 'low', 'first quartile', 'median', 'third quartile', 'high'],
      rows: o.boxes.map(({ name, n, low, q1, median, q3, high }) => [name, n, low, q1, median, q3, high]),
    },
    [
      o.boxes.map(
        ({ name, n, median, q1, q3 }) =>
          `${name}: median ${show(o.y, median)}, middle half ${show(o.y, q1)} … ${show(o.y, q3)}, n ${count(n)}`,
      ),
    ],
    draw,
  )
}
