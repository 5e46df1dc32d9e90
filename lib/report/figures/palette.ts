/** Colours that stay apart with every common colour blindness; yellow is left out, it is faint on white. Source: Okabe & Ito 2008. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7a5195'] as const

/** From little to much, evenly in lightness; its yellow end is cut off, so that every step shows on white. Source: viridis (Smith & van der Walt 2015). */
export const SEQUENCE = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39'] as const

/** From white to dark, for cells with text in them. Source: ColorBrewer, Blues. */
export const SHADES = ['#f7fbff', '#deebf7', '#c6dbef', '#9ecae1', '#6baed6', '#4292c6', '#2171b5', '#08519c', '#08306b'] as const

/** Bars, light enough for whiskers and lines on them. */
export const FILL = '#7dbfe8'

/** What is written and drawn beside the data. The page replaces these by its own, light or dark. */
export const INK = '#1b1f24'
export const MUTED = '#5b6470'
export const GRID = '#d9dee4'
export const PAPER = '#ffffff'

/** The colour of the i-th of several things. */
export const colour = (i: number): string => COLOURS[i % COLOURS.length]!

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))

/** The colour at a share from 0 to 1 of a scale, between its neighbours by straight line. */
export function shade(scale: readonly string[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (scale.length - 1)
  const [low, high] = [channels(scale[Math.floor(at)]!), channels(scale[Math.ceil(at)]!)]
  const mixed = low.map((c, i) => Math.round(c + (high[i]! - c) * (at - Math.floor(at))))
  return `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`
}

/** Writing on a colour, whether the page is light or dark. */
const [DARK, LIGHT] = ['#101418', '#fdfdfe'] as const

/** Dark or light, whichever can be read on a colour. Source: WCAG 2.2, relative luminance. */
export function legible(background: string): string {
  const [r, g, b] = channels(background).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.3 ? DARK : LIGHT
}
