import { createHash } from 'node:crypto'
import { type Html, html, json, raw } from '../../page/html.js'
import { STYLE } from '../../page/page-style.js'
import { SCRIPT } from './page-script.js'

export const DATA_START = '<script type="application/json" id="report-data">'
export const DATA_END = '</script>'

/** Content security policy: the page fetches nothing and runs no other script, whatever the corpus contains. */
const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** Returns a page as one self-contained file, with its data inside. */
export const standalonePage = (o: {
  readonly title: string
  readonly version: string
  readonly created_at: string
  readonly links: readonly (readonly [id: string, title: string])[]
  readonly main: Html
  readonly footer: Html
  readonly data: unknown
}): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="generator" content="lvm-torch ${o.version}">
<title>${o.title}</title><style>${raw(STYLE)}</style></head>
<body><header><h1>${o.title}</h1>
<p class="muted">${o.created_at.slice(0, 16).replace('T', ' ')} UTC · lvm-torch ${o.version}</p>
<nav aria-label="sections"><ul>${o.links.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
<main>
${o.main}</main>
${o.footer}
${raw(DATA_START)}${json(o.data)}${raw(DATA_END)}
<script>${raw(SCRIPT)}</script></body></html>
`.html
