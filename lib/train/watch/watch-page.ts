import { createHash } from 'node:crypto'
import { type Html, html, raw } from '../../page/html.js'
import { STYLE } from '../../page/page-style.js'
import { RUNS_SCRIPT } from './runs-script.js'
import { WATCH_SCRIPT } from './watch-script.js'

/** A page, and its content security policy: it runs no other script, and asks only the server that it came from. */
export interface WatchPage {
  readonly html: string
  readonly policy: string
}

const OWN = `
h1 .tag{font-size:14px;font-weight:400;vertical-align:middle;white-space:normal;overflow-wrap:anywhere}
#about{overflow-wrap:anywhere}
progress{width:100%;height:8px;display:block;margin:10px 0;accent-color:var(--c0)}
#numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:8px}
#numbers .card{padding:8px 11px;font-size:13px}#numbers .value{font-size:18px;font-weight:600;font-variant-numeric:tabular-nums}
#error{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid currentColor;border-radius:8px;padding:10px 14px}
#charts{margin-top:18px}#charts figure{margin:0 0 14px}#charts figcaption{font-size:14px;margin-bottom:2px}#charts .dot{margin-left:8px}
#charts text{fill:var(--muted);font-size:12px;font-variant-numeric:tabular-nums}#charts .grid{stroke:var(--grid)}
#charts .line{fill:none;stroke-width:2;stroke-linejoin:round}#charts .ring{fill:none;stroke-width:2}
#charts svg{pointer-events:all;cursor:crosshair;touch-action:pan-y}
@media (max-width:640px){#numbers{grid-template-columns:1fr 1fr}}
`

/** A page with a script that fills it. */
export const pageOf = (title: string, body: Html, script: string): WatchPage => ({
  html: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${raw(STYLE + OWN)}</style></head>
<body>${body}
<script>${raw(script)}</script></body></html>
`.html,
  policy: `default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
})

/** The page that shows a training. */
export const TRAINING_PAGE = pageOf(
  'training',
  html`<header><h1><span id="name">training</span> <span id="state" class="tag" role="status">connecting</span></h1>
<p class="muted" id="about"></p></header>
<main><progress id="bar" max="1" value="0" aria-label="part of all epochs"></progress>
<div id="numbers"></div>
<p class="bad" id="error" role="alert" hidden></p>
<div id="warnings"></div>
<div class="pair" id="charts"></div>
<details hidden><summary>Table of the epochs</summary><div class="scroll" id="epochs"></div></details></main>
<footer>The figures are those of metrics.jsonl in the folder of the run. This page needs the process of the training, and stays readable after its end.</footer>`,
  WATCH_SCRIPT,
)

/** The page that shows many trainings. */
export const RUNS_PAGE = pageOf(
  'trainings',
  html`<header><h1><span id="name">trainings</span> <span id="state" class="tag" role="status">connecting</span></h1>
<p class="muted" id="about"></p></header>
<main><progress id="bar" max="1" value="0" aria-label="part of all runs"></progress>
<p class="bad" id="error" role="alert" hidden></p>
<div class="toggles" id="all" role="group" aria-label="runs that are shown"></div>
<div class="pair" id="charts"></div>
<div class="scroll" id="runs"></div></main>
<footer>The figures are those of metrics.jsonl in the folders of the runs. This page needs the process that trains them, and stays readable after its end.</footer>`,
  RUNS_SCRIPT,
)
