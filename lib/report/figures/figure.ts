import type { EChartsOption } from 'echarts'
import { GRID, INK, MUTED } from '../../page/palette.js'
import { decimal } from '../../show.js'
import { extremes } from '../../statistics/extremes.js'
import { short } from '../numbers.js'
import { textWidth as widthOf, wrapped } from './text-width.js'

/** Data of a figure: rows under column titles with units. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** A figure laid out for a width. Units: px. */
export interface Drawing {
  readonly width: number
  readonly height: number
  readonly option: EChartsOption
}

/** Lines of a figure for the page, which shows the values under the pointer. */
export interface Hover {
  readonly x: string
  /** Plot in the drawing of a width. */
  readonly plot: (width: number) => { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  readonly xs: Range
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [x: number, shown: string])[] }[]
}

/** A figure that is not drawn yet. */
export interface Figure {
  /** File name without extension. */
  readonly name: string
  readonly title: string
  /** Provenance: windows, articles, seed, interval. */
  readonly note: string
  readonly data: Table
  /** Tooltips of the marks, by series and index. */
  readonly tips: readonly (readonly string[])[]
  readonly hover?: Hover
  /** Lays the figure out for a width. */
  readonly draw: (width: number) => Drawing
}

/** Options of every figure. */
export interface Caption {
  readonly name: string
  readonly title: string
  readonly note?: string
}

/** A quantity along an axis. */
export interface Axis {
  readonly title: string
  /** Shown after the title; none for a dimensionless quantity. */
  readonly unit?: string
  readonly log?: boolean
  /** Steps are whole numbers. */
  readonly whole?: boolean
  /** Format of a value. */
  readonly show?: (value: number) => string
  /** Format of the ticks; as few decimals as their steps need unless given. */
  readonly tick?: (value: number) => string
  /** Least range of the axis, whatever the data. */
  readonly range?: readonly [number, number]
  /** Values that may have a tick, instead of round steps. */
  readonly ticks?: readonly number[]
}

/** Widths of the two drawings of a figure: of its file and of the page, and of a narrow page. Units: px. */
export const WIDTHS = { wide: 620, narrow: 360 } as const
/** Font of the PNG files; the page takes the next one where it is missing. */
export const FONT = 'DejaVu Sans Condensed'
export const FONTS = `${FONT}, Verdana, sans-serif`
export const SIZE = { title: 16, note: 12, text: 12.5 } as const

export const axisTitle = ({ title, unit }: Axis): string => (unit === undefined ? title : `${title} (${unit})`)
export const show = (axis: Axis, value: number): string => axis.show?.(value) ?? String(Number(value.toPrecision(4)))

/** Estimates the width of a text of a figure. Units: px. */
export const textWidth = (text: string, size: number = SIZE.text): number => widthOf(text, size)

/** Returns ends and step of an axis on round numbers; a value within a millionth of a step beyond an end counts as on it (a cosine may exceed 1 by round-off). */
export function ticks(low: number, high: number, count = 6, whole = false): { min: number; max: number; interval: number } {
  const span = high > low ? high - low : Math.abs(high) || 1
  const raw = whole ? Math.max(1, span / count) : span / count
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = (whole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]).map((m) => m * power).find((s) => s >= raw * 0.999)!
  const clean = (x: number) => Number(x.toPrecision(12))
  return {
    min: clean(Math.floor(low / step + 1e-6) * step),
    max: clean(Math.ceil(high / step - 1e-6) * step + (high > low ? 0 : step)),
    interval: clean(step),
  }
}

/** Range of an axis; in powers of ten for a logarithmic axis. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly interval: number
  readonly log: boolean
}
/** Returns the position of a value along an axis, from 0 to 1. */
export const part = (value: number, { min, max, log }: Range): number => ((log ? Math.log10(value) : value) - min) / (max - min)
/** Returns a value on the scale of an axis: its logarithm for a logarithmic axis. */
export const along = (value: number, { log }: Range): number => (log ? Math.log10(value) : value)

/** Returns the range of an axis that covers values and its least range. */
export function scale(axis: Axis, values: readonly number[], count?: number): Range {
  const all = [...values, ...(axis.range ?? [])]
  const { least: low, most: high } = extremes(all)
  if (axis.log === true) {
    const ends = { min: Math.log10(low) - 0.2, max: Math.log10(high) + 0.2 }
    const known = (axis.ticks ?? []).map(Math.log10)
    const [before, after] = [known.findLast((at) => at <= ends.min + 0.2), known.find((at) => at >= ends.max - 0.2)]
    return { min: Math.min(ends.min, before ?? ends.min), max: Math.max(ends.max, after ?? ends.max), interval: 1, log: true }
  }
  return { ...ticks(low, high, count, axis.whole), log: false }
}

/** Returns the decimals that the ticks of an axis need. */
const digits = (step: number) =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8].find((d) => Math.abs(step - Number(step.toFixed(d))) < step * 1e-6) ?? 8

/** Formats a tick of an axis; ticks in equal steps have equally many decimals. */
export function tick(axis: Axis, { interval, log }: Range, value: number): string {
  if (log) return (axis.tick ?? axis.show ?? short)(Number((10 ** value).toPrecision(9)))
  if (axis.tick) return axis.tick(value)
  if (value === 0) return '0'
  return interval >= 1e-6 && interval < 1 ? decimal(value, '', digits(interval)) : short(value)
}

/** Returns the width of the widest tick label. Units: px. */
export const tickWidth = (axis: Axis, range: Range): number =>
  Math.max(textWidth(tick(axis, range, range.min)), textWidth(tick(axis, range, range.max)))

/** Returns the ticks of a logarithmic axis: powers of ten, with 2 and 5 times each on a short one, unless the axis has its own. */
const steps = ({ ticks }: Axis, { min, max, log }: Range) =>
  log
    ? {
        customValues: (
          ticks?.map(Math.log10) ??
          Array.from({ length: Math.ceil(max) - Math.floor(min) }, (_, i) => Math.floor(min) + i).flatMap((power) =>
            (max - min > 3 ? [1] : [1, 2, 5]).map((m) => power + Math.log10(m)),
          )
        ).filter((at) => at >= min - 1e-9 && at <= max + 1e-9),
      }
    : {}

/** Returns the title of an axis as it is drawn; it says so where the axis is logarithmic or cuts zero. */
export function drawnTitle(axis: Axis, range: Range): string {
  if (range.log) return `${axisTitle(axis)}, log scale`
  const cut = axis.whole !== true && (range.min > 0 || range.max < 0)
  return cut ? `${axisTitle(axis)}, axis from ${tick(axis, range, range.min)}` : axisTitle(axis)
}

/** Returns the ECharts options of a numeric axis, whose title is drawn apart. */
export const drawn = (axis: Axis, range: Range) => ({
  type: 'value' as const,
  min: range.min,
  max: range.max,
  interval: range.interval,
  axisLine: { show: true, onZero: false, lineStyle: { color: MUTED } },
  axisTick: { show: true, lineStyle: { color: MUTED }, ...steps(axis, range) },
  axisLabel: {
    color: INK,
    fontSize: SIZE.text,
    hideOverlap: true,
    formatter: (value: number) => tick(axis, range, value),
    ...steps(axis, range),
  },
  splitLine: { show: !range.log, lineStyle: { color: GRID } },
  minorTick: { show: false },
})

/** Returns the ECharts options of an axis of names. */
export const named = (names: readonly string[]) => ({
  type: 'category' as const,
  data: [...names],
  axisLine: { show: true, lineStyle: { color: MUTED } },
  axisTick: { show: false },
  axisLabel: { color: INK, fontSize: SIZE.text, interval: 0 },
})

const ROOM = 24
const headed = ({ title }: Caption, width: number) => wrapped(title, (width - ROOM) / 1.06, SIZE.title)
const noted = ({ note = '' }: Caption, width: number) => (note === '' ? [] : wrapped(note, width - ROOM, SIZE.note))

/** Returns the top of the plot below the lines of title and note. Units: px. */
export const below = (caption: Caption, width: number): number =>
  24 + 21 * headed(caption, width).length + 16 * noted(caption, width).length

/** Adds a title and a note above a drawing. */
export const figure = (
  caption: Caption,
  data: Table,
  tips: Figure['tips'],
  draw: (width: number) => Omit<Drawing, 'width'>,
  hover?: Hover,
): Figure => ({
  name: caption.name,
  title: caption.title,
  note: caption.note ?? '',
  data,
  tips,
  ...(hover && { hover }),
  draw: (width) => {
    const { height, option } = draw(width)
    const title = {
      text: headed(caption, width).join('\n'),
      subtext: noted(caption, width).join('\n'),
      left: 12,
      top: 10,
      padding: 0,
      itemGap: 4,
      textStyle: { color: INK, fontSize: SIZE.title, lineHeight: 21, fontWeight: 'bold' as const, fontFamily: FONTS },
      subtextStyle: { color: MUTED, fontSize: SIZE.note, lineHeight: 16, fontFamily: FONTS },
    }
    const textStyle = { fontFamily: FONTS, color: INK, fontSize: SIZE.text }
    return { width, height, option: { animation: false, textStyle, title, ...option } }
  },
})
