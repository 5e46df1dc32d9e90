import { NONE } from '../../show.js'
import { csv } from '../figures/draw-figure.js'
import { GRID, INK, MUTED, PAPER } from '../figures/palette.js'
import type { Drawn } from '../figures/write-figures.js'
import { escaped, type Html, html, raw } from './html.js'

/** Content of a cell: a text, or a text with its sort key. */
export type TableCell = string | Html | { readonly text: string | Html; readonly key: string | number | null }
export interface Column<Row> {
  readonly title: string
  readonly numeric?: boolean
  readonly wide?: boolean
  readonly read: (row: Row) => TableCell
}

const cellOf = (cell: TableCell) => (typeof cell === 'object' && 'text' in cell ? cell : { text: cell, key: undefined })

/** Returns a table that can be sorted by each column. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], caption?: string): Html {
  const kind = (c: Column<Row>) => (c.numeric === true ? raw(' class="n"') : c.wide === true ? raw(' class="wrap"') : '')
  const head = columns.map((c) => html`<th scope="col"${kind(c)}><button type="button">${c.title}</button></th>`)
  const body = rows.map((row) => {
    const cells = columns.map((c) => {
      const { text, key } = cellOf(c.read(row))
      return html`<td${kind(c)}${key === undefined ? '' : html` data-key="${key ?? ''}"`}>${text}</td>`
    })
    return html`<tr>${cells}</tr>\n`
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

/** Embeds a figure in the page, with colours for light and dark, tooltips and the data below. */
export function shown(drawn: Drawn): Html {
  const picture =
    drawn.png !== null
      ? html`<img alt="${drawn.title}" width="${drawn.width}" height="${drawn.height}" src="data:image/png;base64,${Buffer.from(drawn.png).toString('base64')}">`
      : raw(inline(drawn))
  return html`<figure id="figure-${drawn.name}">${picture}<details><summary>data</summary>${dataTable(drawn)}</details></figure>\n`
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

const COLOURS: readonly (readonly [string, string])[] = [
  [INK, 'var(--ink)'],
  [MUTED, 'var(--muted)'],
  [GRID, 'var(--grid)'],
  [PAPER, 'var(--paper)'],
]

function inline({ svg, tips }: Drawn): string {
  const themed = COLOURS.reduce((text, [colour, variable]) => text.replaceAll(`"${colour}"`, `"${variable}"`), svg)
  return themed.replace(/ ecmeta_series_index="(\d+)" ecmeta_data_index="(\d+)" ecmeta_ssr_type="chart"/g, (_, series, index) => {
    const tip = tips[Number(series)]?.[Number(index)]
    return tip === undefined ? '' : ` data-tip="${escaped(tip)}"`
  })
}
