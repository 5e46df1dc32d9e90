import { colour, FILL, GREY, INK, PAPER } from '../../page/palette.js'
import { NONE } from '../../show.js'
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
  textWidth,
} from './figure.js'
import { belowAxis, spread, stroke, written } from './labels.js'
import { shortened } from './text-width.js'

export interface Bar {
  readonly name: string
  readonly value: number
  readonly ci95?: readonly [number, number] | null
  /** Bars of a group share a colour. */
  readonly group?: number
  /** Whether it is a baseline, whose bar is grey. */
  readonly baseline?: boolean
}
/** Reference line of a figure. */
export interface Reference {
  readonly name: string
  readonly value: number
}
type Bars = Caption & { readonly value: Axis; readonly bars: readonly Bar[]; readonly references?: readonly Reference[] }

const ROW = 28
/** Distance between lines of reference labels above the plot. Units: px. */
const RAISED = 30
/** A bar is cut that is this many times as long as the median, and as the longest of the others. */
const FAR = { median: 8, others: 3 }

/** Returns the length at which bars are cut, so that one run does not flatten all others. */
function limitOf(bars: readonly Bar[]): number {
  const sizes = bars.map(({ value }) => Math.abs(value)).sort((a, b) => a - b)
  const median = sizes[(sizes.length - 1) >> 1] ?? 0
  const first = sizes.findIndex((size, i) => i > 0 && size > FAR.median * median && size > FAR.others * sizes[i - 1]!)
  return first > 0 && sizes[first - 1]! > 0 ? 1.25 * sizes[first - 1]! : Number.POSITIVE_INFINITY
}

/** Returns a chart of horizontal bars with whiskers for 95 % intervals and reference lines; far longer bars are cut, which the note says. */
export function bars(o: Bars): Figure {
  const limit = limitOf(o.bars)
  const cut = o.bars.filter(({ value }) => Math.abs(value) > limit)
  const said = cut.length === 0 ? o : { ...o, note: [o.note, `cut, because far longer than the others: ${cut.map(({ name }) => name).join(', ')}`].filter(Boolean).join(' · ') } // biome-ignore format: a line
  return figure(
    said,
    {
      columns: ['name', axisTitle(o.value), 'ci95 low', 'ci95 high'],
      rows: [
        ...o.bars.map(({ name, value, ci95 }) => [name, value, ci95?.[0] ?? null, ci95?.[1] ?? null]),
        ...(o.references ?? []).map(({ name, value }) => [name, value, null, null]),
      ],
    },
    [
      o.bars.map(({ name, value, ci95 }) => {
        const interval = ci95 ? ` (95 %: ${show(o.value, ci95[0])} … ${show(o.value, ci95[1])})` : ''
        return `${name}: ${show(o.value, value)}${interval}`
      }),
    ],
    (width) => layout(said, limit, width),
  )
}

function layout(o: Bars, limit: number, width: number) {
  const under = below(o, width)
  const references = o.references ?? []
  const within = (x: number) => Math.max(-limit, Math.min(limit, x))
  const isCut = ({ value }: Bar) => Math.abs(value) > limit
  const whole = o.bars.filter((bar) => !isCut(bar))
  const all = [...whole.flatMap(({ value, ci95 }) => [value, ...(ci95 ?? [])]), ...o.bars.map(({ value }) => within(value))]
  const labels = o.bars.map(({ value }) => show(o.value, value))
  const right = Math.max(...labels.map((text) => textWidth(text))) + 26
  const left = Math.min(width * 0.36, Math.max(...o.bars.map(({ name }) => textWidth(name)))) + 22
  const range = scale(
    { range: [0, 0], ...o.value },
    [...all, ...references.map(({ value }) => value)],
    (width - left - right) / 70,
  )
  const lines = references.map(({ name, value }) => `${name} ${show(o.value, value)}`)
  const raised = lines.length === 0 ? 0 : RAISED
  const plot = { x: left, y: under + raised, width: width - left - right, height: o.bars.length * ROW }
  const at = (value: number) => plot.x + ((value - range.min) / (range.max - range.min)) * plot.width
  const middle = (i: number) => plot.y + (i + 0.5) * ROW
  const centres = spread(
    references.map(({ value }, i) => ({ at: at(value), size: textWidth(lines[i]!, SIZE.note) + 14 })),
    12,
    width - 12,
  )
  const marks = references.flatMap(({ value }, i) => [
    stroke([[centres[i]!, under + 8], [at(value), plot.y - 6], [at(value), plot.y + plot.height]], { colour: INK, dash: [4, 3] }), // biome-ignore format: a line
    written(lines[i]!, centres[i]!, under, { align: 'center', fill: INK, size: SIZE.note }),
  ])
  const whiskers = o.bars.flatMap((bar, i) => {
    if (!bar.ci95 || isCut(bar)) return []
    const [low, high] = [at(bar.ci95[0]), at(bar.ci95[1])]
    const y = middle(i)
    const end = (x: number) => stroke([[x, y - 5], [x, y + 5]], { colour: INK, width: 1.5 }) // biome-ignore format: a line
    return [stroke([[low, y], [high, y]], { colour: INK, width: 1.5 }), end(low), end(high)] // biome-ignore format: a line
  })
  const gaps = o.bars.flatMap((bar, i) => (isCut(bar) ? gap(at(within(bar.value)) - Math.sign(bar.value) * 16, middle(i)) : []))
  const values = labels.map((text, i) => written(text === '' ? NONE : text, width - 14, middle(i), { align: 'right' }))
  const title = belowAxis(drawnTitle(o.value, range), plot, width)
  return {
    height: plot.y + plot.height + title.height,
    option: {
      grid: { left: plot.x, top: plot.y, width: plot.width, height: plot.height },
      xAxis: drawn(o.value, range),
      yAxis: { ...named(o.bars.map(({ name }) => shortened(name, left - 20, SIZE.text))), inverse: true },
      series: [
        {
          type: 'bar' as const,
          barWidth: 18,
          data: o.bars.map(({ value, group, baseline }) => ({
            value: within(value),
            itemStyle: { color: baseline === true ? GREY : group === undefined ? FILL : colour(group) },
          })),
        },
      ],
      graphic: { elements: [...marks, ...whiskers, ...gaps, ...values, ...title.elements] },
    },
  }
}

/** Draws the gap in a bar that is cut. */
const gap = (x: number, y: number) =>
  [0, 5].map((by) => stroke([[x + by - 3, y + 11], [x + by + 3, y - 11]], { colour: PAPER, width: 2.5 })) // biome-ignore format: a line
