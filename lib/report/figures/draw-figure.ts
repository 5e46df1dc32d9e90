import { readFile } from 'node:fs/promises'
import { assetPath } from '../../packages/assets.js'
import { csvCell, xmlText } from '../../show.js'
import type { Figure, Table } from './figure.js'
import { FONT } from './figure.js'
import { PAPER } from './palette.js'

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

/** Draws a figure as SVG; the same data gives the same text on every machine. */
export async function drawSvg(figure: Figure): Promise<string> {
  loaded ??= charts()
  const chart = (await loaded)(null, null, { renderer: 'svg', ssr: true, width: figure.width, height: figure.height })
  chart.setOption({ ...figure.option, backgroundColor: PAPER })
  const text = chart.renderToSVGString()
  chart.dispose()
  return xmlText(text)
    .replace(/ class="zr\d+-cls-\d+"|<style(?:.|\n)*?<\/style>\n?/g, '') // hover styles, numbered by how many figures were drawn before
    .replace(/zr\d+-/g, `${figure.name}-`)
    .replace(/<svg /, `<svg role="img" aria-label="${escaped(xmlText(figure.title))}" `)
}

async function rasteriser() {
  const { initWasm, Resvg } = await import('../../packages/resvg.js')
  const font = (style: string) => readFile(assetPath(`DejaVuSansCondensed${style}.ttf`))
  await initWasm(await readFile(assetPath('index_bg.wasm')))
  const fontBuffers = await Promise.all([font(''), font('-Bold')])
  return (svg: string) =>
    new Resvg(svg, {
      fitTo: { mode: 'zoom', value: ZOOM },
      font: { fontBuffers, defaultFontFamily: FONT, sansSerifFamily: FONT },
    })
}
let drawing: ReturnType<typeof rasteriser> | undefined

/** Renders an SVG as PNG with the bundled font; the bytes are the same on every machine. */
export async function drawPng(svg: string): Promise<Uint8Array> {
  drawing ??= rasteriser()
  const image = (await drawing)(svg)
  try {
    const pixels = image.render()
    try {
      return pixels.asPng()
    } finally {
      pixels.free()
    }
  } finally {
    image.free()
  }
}

/** Returns the data of a figure as CSV. Source: RFC 4180, with line feeds. */
export const csv = ({ columns, rows }: Table): string =>
  `${[columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\n')}\n`
