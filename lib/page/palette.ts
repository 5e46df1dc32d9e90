/**
 * Colours of runs: the first seven are distinguishable with every common colour blindness; yellow is left out because it is faint on white.
 *
 * Source: Okabe & Ito 2008, then Paul Tol's schemes «muted» and «medium contrast».
 */
export const COLOURS = [
  '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7a5195',
  '#44aa99', '#994455', '#997700', '#6699cc', '#882255', '#8a8d1f', '#ee99aa',
] as const // biome-ignore format: a palette

/** Sequential scale with even steps of lightness, without its yellow end, which is faint on white. Source: viridis (Smith & van der Walt 2015). */
export const SEQUENCE = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39'] as const

/** Sequential scale for cells with text. Source: ColorBrewer, Blues. */
export const SHADES = ['#f7fbff', '#deebf7', '#c6dbef', '#9ecae1', '#6baed6', '#4292c6', '#2171b5', '#08519c', '#08306b'] as const

/** Fill of bars, light enough for whiskers and lines on top. */
export const FILL = '#7dbfe8'

/** Fill of the bars of baselines. */
export const GREY = '#aab3bd'

/** Colours of text, axes and background. The page replaces them by its own for light and dark. */
export const INK = '#1b1f24'
export const MUTED = '#5b6470'
export const GRID = '#d9dee4'
export const PAPER = '#ffffff'

/** Returns the colour of the i-th group; repeated ones differ in their last bits, by which the page tells runs apart. */
export const colour = (i: number): string => {
  const code = Number.parseInt(COLOURS[i % COLOURS.length]!.slice(1), 16) ^ Math.floor(i / COLOURS.length)
  return `#${code.toString(16).padStart(6, '0')}`
}

/** Most runs with a colour of their own. */
const RUNS = 16 * COLOURS.length
/** Groups by their colour. */
export const GROUPS: ReadonlyMap<string, number> = new Map(Array.from({ length: RUNS }, (_, i) => [colour(i), i]))

/** Colours of runs by name: one for each, in every figure. */
export type RunColours = ReadonlyMap<string, number>

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))

/** Returns the colour at a share from 0 to 1 of a scale, by linear interpolation. */
export function shade(scale: readonly string[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (scale.length - 1)
  const [low, high] = [channels(scale[Math.floor(at)]!), channels(scale[Math.ceil(at)]!)]
  const mixed = low.map((c, i) => Math.round(c + (high[i]! - c) * (at - Math.floor(at))))
  return `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`
}

/** Text colours on a filled cell, for light and dark pages. */
const [DARK, LIGHT] = ['#101418', '#fdfdfe'] as const

/** Returns the dark or light text colour with the better contrast to a background. Source: WCAG 2.2, relative luminance. */
export function legible(background: string): string {
  const [r, g, b] = channels(background).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.3 ? DARK : LIGHT
}
