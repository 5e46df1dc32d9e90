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
  textWidth,
  WIDTH,
} from './figure.js'
import { spread, stroke, written } from './labels.js'
import { colour, FILL, INK } from './palette.js'

export interface Bar {
  readonly name: string
  readonly value: number
  readonly ci95?: readonly [number, number] | null
  /** Bars of a group share a colour. */
  readonly group?: number
}
/** Reference line of a figure. */
export interface Reference {
  readonly name: string
  readonly value: number
}

const ROW = 30
/** Distance of reference labels above the plot. Units: px. */
const RAISED = 30

/** Returns a chart of horizontal bars with whiskers for 95 % intervals and reference lines. */
export function bars(
  o: Caption & { readonly value: Axis; readonly bars: readonly Bar[]; readonly references?: readonly Reference[] },
): Figure {
  const under = below(o)
  const references = o.references ?? []
  const all = [...o.bars.flatMap(({ value, ci95 }) => [value, ...(ci95 ?? [])]), ...references.map(({ value }) => value)]
  const range = scale({ range: [0, 0], ...o.value }, all)
  const names = o.bars.map(({ name }) => name)
  const labels = o.bars.map(({ value }) => show(o.value, value))
  const left = Math.min(260, Math.max(...names.map((name) => textWidth(name)))) + 22
  const right = Math.max(...labels.map((text) => textWidth(text))) + 26
  const top = under + (references.length > 0 ? RAISED : 0)
  const plot = { x: left, y: top, width: WIDTH - left - right, height: o.bars.length * ROW }
  const at = (value: number) => plot.x + ((value - range.min) / (range.max - range.min)) * plot.width
  const middle = (i: number) => plot.y + (i + 0.5) * ROW

  const captions = references.map(({ name, value }) => `${name} ${show(o.value, value)}`)
  const centres = spread(
    references.map(({ value }, i) => ({ at: at(value), size: textWidth(captions[i]!, SIZE.note) + 14 })),
    12,
    WIDTH - 12,
  )
  const marks = references.flatMap(({ value }, i) => [
    stroke(
      [
        [centres[i]!, top - RAISED + 8],
        [at(value), top - 6],
        [at(value), top + plot.height],
      ],
      { colour: INK, dash: [4, 3] },
    ),
    written(captions[i]!, centres[i]!, top - RAISED, { align: 'center', fill: INK, size: SIZE.note }),
  ])
  const whiskers = o.bars.flatMap(({ ci95 }, i) => {
    if (!ci95) return []
    const [low, high] = [at(ci95[0]), at(ci95[1])]
    const y = middle(i)
    const end = (x: number) => stroke([[x, y - 5], [x, y + 5]], { colour: INK, width: 1.5 }) // biome-ignore format: a line
    return [stroke([[low, y], [high, y]], { colour: INK, width: 1.5 }), end(low), end(high)] // biome-ignore format: a line
  })
  const values = labels.map((text, i) => written(text, WIDTH - 18, middle(i), { align: 'right' }))
  return figure(
    o,
    top + plot.height + 58,
    {
      grid: { left: plot.x, top, width: plot.width, height: plot.height },
      xAxis: drawn(o.value, range, 32),
      yAxis: {
        ...named(names),
        inverse: true,
        axisLabel: { color: INK, fontSize: SIZE.text, width: left - 22, overflow: 'truncate' },
      },
      series: [
        {
          type: 'bar',
          barWidth: 18,
          data: o.bars.map(({ value, group }) => ({ value, itemStyle: { color: group === undefined ? FILL : colour(group) } })),
        },
      ],
      graphic: { elements: [...marks, ...whiskers, ...values] },
    },
    {
      columns: ['name', axisTitle(o.value), 'ci95 low', 'ci95 high'],
      rows: [
        ...o.bars.map(({ name, value, ci95 }) => [name, value, ci95?.[0] ?? null, ci95?.[1] ?? null]),
        ...references.map(({ name, value }) => [name, value, null, null]),
      ],
    },
    [
      o.bars.map(({ name, value, ci95 }) => {
        const interval = ci95 ? ` (95 %: ${show(o.value, ci95[0])} … ${show(o.value, ci95[1])})` : ''
        return `${name}: ${show(o.value, value)}${interval}`
      }),
    ],
  )
}
