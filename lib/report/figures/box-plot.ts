import { count } from '../../show.js'
import {
  type Axis,
  axisTitle,
  below,
  type Caption,
  drawn,
  type Figure,
  figure,
  named,
  SIZE,
  scale,
  show,
  tickWidth,
  WIDTH,
} from './figure.js'
import { COLOURS, INK, MUTED } from './palette.js'

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

const HEIGHT = 330

/** Returns a box plot: middle half, median and whiskers of each group. */
export function boxes(o: Caption & { readonly x: Axis; readonly y: Axis; readonly boxes: readonly Box[] }): Figure {
  const under = below(o)
  const range = scale(
    o.y,
    o.boxes.flatMap(({ low, high }) => [low, high]),
  )
  const left = tickWidth(o.y, range) + 46
  return figure(
    o,
    under + HEIGHT + 76,
    {
      grid: { left, top: under, width: WIDTH - left - 30, height: HEIGHT },
      xAxis: {
        ...named(o.boxes.map(({ name, n }) => `${name}\nn ${count(n)}`)),
        axisLabel: { color: INK, fontSize: SIZE.text, interval: 0, lineHeight: 16 },
        name: axisTitle(o.x),
        nameLocation: 'middle',
        nameGap: 46,
        nameTextStyle: { color: MUTED, fontSize: SIZE.text },
      },
      yAxis: drawn(o.y, range, left - 24),
      series: [
        {
          type: 'boxplot',
          boxWidth: [12, 46],
          itemStyle: { color: '#cfe2ef', borderColor: COLOURS[0], borderWidth: 1.5 },
          data: o.boxes.map(({ low, q1, median, q3, high }) => [low, q1, median, q3, high]),
        },
      ],
    },
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
  )
}
