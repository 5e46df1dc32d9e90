import { createHash } from 'node:crypto'
import type { Figures } from '../figures/all-figures.js'
import type { Report } from '../report-document.js'
import { type Html, html, json, raw } from './html.js'
import { dashboard, matrixSection, runsSection, tiersSection } from './overview-section.js'
import { SCRIPT } from './page-script.js'
import { STYLE } from './page-style.js'
import { shown } from './parts.js'
import { runSection } from './run-section.js'
import { evaluationSections, runExtras } from './study-sections.js'

const DATA_START = '<script type="application/json" id="report-data">'
const DATA_END = '</script>'

/** Returns the JSON of the report inside a page; undefined when there is none. */
export function embedded(page: string): string | undefined {
  const start = page.indexOf(DATA_START)
  const end = page.indexOf(DATA_END, start)
  return start < 0 || end < 0 ? undefined : page.slice(start + DATA_START.length, end)
}

/** Content security policy: the page fetches nothing and runs no other script, whatever the corpus contains. */
const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`

function about(report: Report): Html {
  const { written_by: by, created_at } = report
  return html`<footer><h2 id="about">How these numbers were made</h2>
<p>Made by lvm-torch ${by.lvm_torch}${by.commit && ` (commit ${by.commit.slice(0, 12)})`} on Node ${by.node} at ${created_at} with <code>${report.command_line.join(' ')}</code>, from the files of the runs and of the evaluation. The JSON inside this page contains every number, with the SHA-256 of the weights, split and data of each run; <code>lvm-torch verify FILE</code> reads those files again and reports every change.</p>
<p>95 % intervals are of means over windows, with whole articles resampled 10,000 times, studentised; below 20 articles there is none. Skill is the mean cosine less that of the best baseline on the same windows. Top-K counts a row exactly as similar as the target as standing before it.</p></footer>`
}

/** Returns the page as one self-contained file. */
export function page(report: Report, figures: Figures): string {
  const sections = evaluationSections(report, figures)
  const links = [
    ['dashboard', 'Dashboard'],
    ['matrix', 'Matrix'],
    ['tiers', 'Tiers'],
    ['comparison', 'Runs and baselines'],
    ['training', 'Training'],
    ...sections.map(({ id, title }) => [id, title] as const),
    ['runs', 'Every run'],
    ['about', 'How these numbers were made'],
  ] as const
  const body = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="generator" content="lvm-torch ${report.written_by.lvm_torch}">
<title>Next-vector predictors: training and evaluation matrix</title><style>${raw(STYLE)}</style></head>
<body><header><h1>Next-vector predictors: training and evaluation matrix</h1>
<p class="muted">${report.created_at.slice(0, 16).replace('T', ' ')} UTC · lvm-torch ${report.written_by.lvm_torch}</p>
<nav aria-label="sections"><ul>${links.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
<main>
${dashboard(report)}
${matrixSection(report)}
${tiersSection(report)}
${runsSection(report)}
<div class="pair">${figures.comparison.map(shown)}</div></section>
<section aria-labelledby="training"><h2 id="training">Training</h2><div class="pair">${figures.training.map(shown)}</div></section>
${sections.map(({ content }) => content)}
<section aria-labelledby="runs"><h2 id="runs">Every run</h2>
${report.runs.map((run) => runSection(run, figures.runs[run.run]?.curves ?? [], runExtras(report, run.run, figures)))}
</section></main>
${about(report)}
${raw(DATA_START)}${json(report)}${raw(DATA_END)}
<script>${raw(SCRIPT)}</script></body></html>
`
  return body.html
}
