import { asset } from '../../packages/assets.js'
import { PAPER } from '../../page/palette.js'
import { csvCell, xmlText } from '../../show.js'
import type { Figure, Table } from './figure.js'
import { FONT, WIDTHS } from './figure.js'
import { fontFinder } from './png-fonts.js'

/** Pixels of the PNG per pixel of the figure, for sharp pictures on dense screens. */
const ZOOM = 2

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

async function charts() {
  const { init, use, ...parts } = await import('../../packages/echarts.js')
  use(Object.values(parts))
  return init
}
let loaded: ReturnType<typeof charts> | undefined

/** Draws a figure as SVG for a width; the same data gives the same text on every machine. */
export async function drawSvg(figure: Figure, size: keyof typeof WIDTHS = 'wide'): Promise<string> {
  loaded ??= charts()
  const { width, height, option } = figure.draw(WIDTHS[size])
  const chart = (await loaded)(null, null, { renderer: 'svg', ssr: true, width, height: Math.ceil(height) })
  let text: string
  try {
    chart.setOption({ ...option, backgroundColor: PAPER })
    text = chart.renderToSVGString()
  } finally {
    chart.dispose() // its timer would keep the process alive
  }
  const id = size === 'wide' ? figure.name : `${figure.name}-${size}`
  return xmlText(text)
    .replace(/ class="zr\d+-cls-\d+"|<style(?:.|\n)*?<\/style>\n?/g, '') // hover styles, numbered by how many figures were drawn before
    .replace(/zr\d+-/g, `${id}-`)
    .replace(/<svg /, `<svg role="img" aria-label="${escaped(xmlText(figure.title))}" `)
}

async function rasteriser() {
  const { initWasm, Resvg } = await import('../../packages/resvg.js')
  const font = (style: string) => asset(`DejaVuSansCondensed${style}.ttf`)
  await initWasm(await asset('index_bg.wasm'))
  const bundled = await Promise.all([font(''), font('-Bold')])
  const { need } = fontFinder(bundled)
  const open = (svg: string, fonts: readonly Buffer[]) =>
    new Resvg(svg, {
      fitTo: { mode: 'zoom', value: ZOOM },
      font: { fontBuffers: [...bundled, ...fonts], defaultFontFamily: FONT, sansSerifFamily: FONT },
    })
  return { need, open }
}
let drawing: ReturnType<typeof rasteriser> | undefined

/** Finds the fonts of the system that a PNG needs beside the bundled one, and the characters that no font has. */
export async function foreignFonts(svg: string) {
  drawing ??= rasteriser()
  return (await drawing).need(svg)
}

/** PNGs of SVGs that need no font of the system, oldest first: `verify` and a second report draw most figures again. */
const drawn = new Map<string, Uint8Array>()
/** About 4 MB. */
const MOST_DRAWN = 64

/** Renders an SVG as PNG with the bundled font, so that the bytes are the same on every machine, unless `foreignFonts` finds others. */
export async function drawPng(svg: string): Promise<Uint8Array> {
  drawing ??= rasteriser()
  const { need, open } = await drawing
  const { fonts } = await need(svg)
  const before = fonts.length === 0 && drawn.get(svg)
  if (before) return before
  const image = open(svg, fonts)
  const pixels = image.render() // after a failure neither can be freed, and trying would hide the error
  const bytes = pixels.asPng()
  pixels.free()
  image.free()
  if (fonts.length === 0) drawn.set(svg, bytes)
  if (drawn.size > MOST_DRAWN) drawn.delete(drawn.keys().next().value!)
  return bytes
}

/** Returns the data of a figure as CSV. Source: RFC 4180, with line feeds. */
export const csv = ({ columns, rows }: Table): string =>
  `${[columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\n')}\n`
