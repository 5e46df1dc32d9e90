import { PAPER } from '../../page/palette.js'
import { csvCell, xmlText } from '../../show.js'
import type { Figure, Table } from './figure.js'
import { WIDTHS } from './figure.js'

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

/** Returns the data of a figure as CSV. Source: RFC 4180, with line feeds. */
export const csv = ({ columns, rows }: Table): string =>
  `${[columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\n')}\n`
