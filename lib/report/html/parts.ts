import { escaped, type Html, html, raw } from '../../page/html.js'
import { COLOURS, FILL, GREY, GRID, GROUPS, INK, MUTED, PAPER } from '../../page/palette.js'
import { NONE } from '../../show.js'
import { csv } from '../figures/draw-figure.js'
import { WIDTHS } from '../figures/figure.js'
import type { Drawn } from '../figures/write-figures.js'

/** Content of a cell: a text, or a text with its sort key. */
export type TableCell = string | Html | { readonly text: string | Html; readonly key: string | number | null }
export interface Column<Row> {
  readonly title: string
  readonly numeric?: boolean
  readonly wide?: boolean
  readonly read: (row: Row) => TableCell
}

const cellOf = (cell: TableCell) => (typeof cell === 'object' && 'text' in cell ? cell : { text: cell, key: undefined })

/** Returns a table that can be sorted by each column; `runOf` names the run of a row, which can be hidden. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  caption?: string,
  runOf?: (row: Row) => string,
): Html {
  const kind = (c: Column<Row>) => (c.numeric === true ? raw(' class="n"') : c.wide === true ? raw(' class="wrap"') : '')
  const head = columns.map((c) => html`<th scope="col"${kind(c)}><button type="button">${c.title}</button></th>`)
  const body = rows.map((row) => {
    const cells = columns.map((c) => {
      const { text, key } = cellOf(c.read(row))
      return html`<td${kind(c)}${key === undefined ? '' : html` data-key="${key ?? ''}"`}>${text}</td>`
    })
    return html`<tr${runOf && html` data-run="${runOf(row)}"`}>${cells}</tr>\n`
  })
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption ?? 'table'}"><table>${caption !== undefined && html`<caption class="muted" hidden>${caption}</caption>`}<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>\n`
}

/** Cell that sorts by its number. */
export const number = (value: number | null | undefined, show: (value: number) => string): TableCell =>
  value === null || value === undefined ? { text: NONE, key: null } : { text: show(value), key: value }

/** List of names and facts; unknown facts are left out. */
export const facts = (list: readonly (readonly [name: string, fact: string | Html | null | undefined | false])[]): Html =>
  html`<dl>${list.map(([name, fact]) => (fact === null || fact === undefined || fact === false ? '' : html`<dt>${name}</dt><dd>${fact}</dd>`))}</dl>\n`

export const code = (text: string): Html => html`<code>${text}</code>`

const ROWS = 200

/** Embeds a figure in the page: drawn for wide and for narrow pages, with colours for light and dark, values under the pointer and the data below. */
export function shown(drawn: Drawn): Html {
  const { width, height } = drawn.draw(WIDTHS.wide)
  const picture =
    drawn.png !== null
      ? html`<img alt="${drawn.title}" width="${width}" height="${height}" src="data:image/png;base64,${Buffer.from(drawn.png).toString('base64')}">`
      : raw(
          `<div class="wide">${inline(drawn, drawn.svg, 'wide')}</div><div class="narrow">${inline(drawn, drawn.narrow, 'narrow')}</div>`,
        )
  return html`<figure id="figure-${drawn.name}"${hoverData(drawn)}>${picture}<details><summary>data</summary>${dataTable(drawn)}</details></figure>\n`
}

/** Values of the lines for the script of the page: [name, [[x, text], …]]. */
function hoverData({ hover, png }: Drawn): Html | '' {
  if (hover === undefined || png !== null) return ''
  const { x, xs, lines } = hover
  const plots = Object.fromEntries(
    Object.entries(WIDTHS).map(([size, width]) => {
      const plot = hover.plot(width)
      return [size, [plot.x, plot.y, plot.width, plot.height].map((n) => Math.round(10 * n) / 10)]
    }),
  )
  const data = { x, range: [xs.min, xs.max, xs.log], plots, lines: lines.map(({ name, points }) => [name, points]) }
  return html` data-hover="${JSON.stringify(data)}"`
}

function dataTable({ data, name }: Drawn): Html {
  const { columns, rows } = data
  const text = csv(data)
  const link = html`<a download="${name}.csv" href="data:text/csv;charset=utf-8;base64,${Buffer.from(text).toString('base64')}">${name}.csv</a>`
  const head = columns.map((title) => html`<th scope="col">${title}</th>`)
  const body = rows
    .slice(0, ROWS)
    .map(
      (row) =>
        html`<tr>${row.map((cell) => html`<td>${cell === null ? '' : typeof cell === 'number' ? Number(cell.toPrecision(7)) : cell}</td>`)}</tr>\n`,
    )
  const more = rows.length > ROWS ? html`<p class="muted">the first ${ROWS} of ${rows.length} rows</p>` : ''
  return html`<div class="scroll" tabindex="0" role="region" aria-label="data of ${name}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>${more}<p>${rows.length <= 5000 && link}</p>`
}

const THEMED: Readonly<Record<string, string>> = {
  [INK]: 'var(--ink)',
  [MUTED]: 'var(--muted)',
  [GRID]: 'var(--grid)',
  [PAPER]: 'var(--paper)',
  [FILL]: 'var(--fill)',
  [GREY]: 'var(--grey)',
}

/** Replaces colours by those of the page; a mark of a group tells which, so that a run can be hidden. */
function themed(tag: string): string {
  let group: number | undefined
  const text = tag.replace(/ (fill|stroke)="(#[0-9a-f]{6})"/g, (whole, attribute, colour) => {
    const at = GROUPS.get(colour)
    if (at !== undefined) group = at
    const own = at === undefined ? THEMED[colour] : `var(--c${at % COLOURS.length})`
    return own === undefined ? whole : ` ${attribute}="${own}"`
  })
  return group === undefined ? text : text.replace(/^<[a-z]+/, (start) => `${start} data-c="${group}"`)
}

function inline({ tips }: Drawn, svg: string, size: keyof typeof WIDTHS): string {
  return svg
    .replace(/<[a-z][^>]*>/g, themed)
    .replace(/<svg /, `<svg data-size="${size}" `)
    .replace(/ ecmeta_series_index="(\d+)" ecmeta_data_index="(\d+)" ecmeta_ssr_type="chart"/g, (_, series, index) => {
      const tip = tips[Number(series)]?.[Number(index)]
      return tip === undefined ? '' : ` data-tip="${escaped(tip)}"`
    })
}
