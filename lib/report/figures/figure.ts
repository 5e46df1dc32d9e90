import type { EChartsOption } from 'echarts'
import { fixed } from '../../show.js'
import { extremes } from '../../statistics/extremes.js'
import { GRID, INK, MUTED } from './palette.js'

/** Data of a figure: rows under column titles with units. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** A figure that is not drawn yet. */
export interface Figure {
  /** File name without extension. */
  readonly name: string
  readonly title: string
  /** Provenance: windows, articles, seed, interval. */
  readonly note: string
  readonly width: number
  readonly height: number
  readonly option: EChartsOption
  readonly data: Table
  /** Tooltips of the marks, by series and index. */
  readonly tips: readonly (readonly string[])[]
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
  /** Format of the ticks; as few digits as they need unless given. */
  readonly tick?: (value: number) => string
  /** Least range of the axis, whatever the data. */
  readonly range?: readonly [number, number]
}

export const WIDTH = 800
export const FONT = 'DejaVu Sans Condensed'
export const SIZE = { title: 17, note: 12, text: 12.5 } as const

export const axisTitle = ({ title, unit }: Axis): string => (unit === undefined ? title : `${title} (${unit})`)
export const show = (axis: Axis, value: number): string => axis.show?.(value) ?? String(Number(value.toPrecision(4)))

/** Widths of characters as shares of the font size. */
const WIDE: readonly (readonly [RegExp, number])[] = [
  [/[ijlI.,:;'|!()[\]/ t f]/, 0.34],
  [/[mwMW@%—…]/, 0.86],
  [/[A-Z−+=<>≥≤]/, 0.64],
]
/** Estimates the width of a text, rather too large than too small. Units: px. */
export const textWidth = (text: string, size: number = SIZE.text): number =>
  size * [...text].reduce((sum, letter) => sum + (WIDE.find(([letters]) => letters.test(letter))?.[1] ?? 0.555), 0)

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
  if (axis.log === true) return { min: Math.log10(low) - 0.2, max: Math.log10(high) + 0.2, interval: 1, log: true }
  return { ...ticks(low, high, count, axis.whole), log: false }
}

/** Returns the decimals that the ticks of an axis need. */
const digits = (step: number) =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8].find((d) => Math.abs(step - Number(step.toFixed(d))) < step * 1e-6) ?? 8

/** Formats a tick of an axis. */
export const tick = (axis: Axis, { interval, log }: Range, value: number): string =>
  log ? show(axis, 10 ** value) : (axis.tick?.(value) ?? fixed(value, digits(interval)))

/** Returns the width of the widest tick label. Units: px. */
export const tickWidth = (axis: Axis, range: Range): number =>
  Math.max(textWidth(tick(axis, range, range.min)), textWidth(tick(axis, range, range.max)))

/** Returns the ticks of a logarithmic axis: 1, 2 and 5 times each power of ten. */
const steps = ({ min, max, log }: Range) =>
  log
    ? {
        customValues: Array.from({ length: Math.ceil(max) - Math.floor(min) }, (_, i) => Math.floor(min) + i)
          .flatMap((power) => [1, 2, 5].map((m) => power + Math.log10(m)))
          .filter((at) => at >= min && at <= max),
      }
    : {}

/** Returns the ECharts options of a numeric axis; `gap` is the room for its labels. */
export const drawn = (axis: Axis, range: Range, gap: number) => ({
  type: 'value' as const,
  min: range.min,
  max: range.max,
  interval: range.interval,
  name: axisTitle(axis),
  nameLocation: 'middle' as const,
  nameGap: gap,
  nameTextStyle: { color: MUTED, fontSize: SIZE.text },
  axisLine: { show: true, onZero: false, lineStyle: { color: MUTED } },
  axisTick: { show: true, lineStyle: { color: MUTED }, ...steps(range) },
  axisLabel: {
    color: INK,
    fontSize: SIZE.text,
    hideOverlap: true,
    formatter: (value: number) => tick(axis, range, value),
    ...steps(range),
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

/** Returns the top of the plot below the title and the lines of the note. Units: px. */
export const below = ({ note = '' }: Caption): number =>
  58 + 16 * Math.max(1, Math.ceil(textWidth(note, SIZE.note) / (WIDTH - 24)))

/** Adds a title and a note above a drawing. */
export function figure(
  { name, title, note = '' }: Caption,
  height: number,
  option: EChartsOption,
  data: Table,
  tips: Figure['tips'] = [],
): Figure {
  return {
    name,
    title,
    note,
    width: WIDTH,
    height,
    data,
    tips,
    option: {
      animation: false,
      textStyle: { fontFamily: FONT, color: INK, fontSize: SIZE.text },
      title: {
        text: title,
        subtext: note,
        left: 12,
        top: 8,
        itemGap: 6,
        textStyle: { color: INK, fontSize: SIZE.title, fontWeight: 'bold', fontFamily: FONT },
        subtextStyle: { color: MUTED, fontSize: SIZE.note, fontFamily: FONT, width: WIDTH - 24, overflow: 'break' },
      },
      ...option,
    },
  }
}
