import { type Html, html } from '../../page/html.js'
import type { Figures } from '../figures/all-figures.js'
import type { Report } from '../report-document.js'
import { outsidePart } from './outside-part.js'
import { dashboard, limitsSection, matrixSection, runsSection } from './overview-section.js'
import { shown } from './parts.js'
import { runSection } from './run-section.js'
import { runToggles, settingsSection } from './run-toggles.js'
import { DATA_END, DATA_START, standalonePage } from './standalone-page.js'
import { evaluationSections, runExtras } from './study-sections.js'

/** Returns the JSON of the report inside a page; undefined when there is none. */
export function embedded(page: string): string | undefined {
  const start = page.indexOf(DATA_START)
  const end = page.indexOf(DATA_END, start)
  return start < 0 || end < 0 ? undefined : page.slice(start + DATA_START.length, end)
}

function about(report: Report): Html {
  const { written_by: by, created_at } = report
  return html`<footer><h2 id="about">How these numbers were made</h2>
<p>Made by lvm-torch ${by.lvm_torch}${by.commit && ` (commit ${by.commit.slice(0, 12)})`} on Node ${by.node} at ${created_at} with <code>${report.command_line.join(' ')}</code>, from the files of the runs and of the evaluation. The JSON inside this page contains every number, with the SHA-256 of the weights, split and data of each run; <code>lvm-torch verify FILE</code> reads those files again and reports every change.</p>
<p>95 % intervals are of means over windows, with whole articles resampled 10,000 times, studentised; below 20 articles there is none. Skill is the mean cosine less that of the best baseline on the same windows. Top-K counts a row exactly as similar as the target as standing before it.</p></footer>`
}

/** Returns the page as one self-contained file. */
export function page(report: Report, figures: Figures): string {
  const sections = evaluationSections(report, figures)
  const outside = outsidePart(report, figures)
  const links = [
    ['dashboard', 'Dashboard'],
    ['matrix', 'Matrix'],
    ['comparison', 'Runs and baselines'],
    ['training', 'Training'],
    ...(report.runs.length > 1 ? [['settings', 'Settings'] as const] : []),
    ...sections.map(({ id, title }) => [id, title] as const),
    ['runs', 'Every run'],
    ...(outside === '' ? [] : [['outside', 'Predictors from elsewhere'] as const]),
    ['limits', 'Limits of the specification'],
    ['about', 'How these numbers were made'],
  ] as const
  const main = html`${dashboard(report)}
${matrixSection(report)}
${runsSection(report)}
<div class="pair">${figures.comparison.map(shown)}</div></section>
<section class="overall" aria-labelledby="training"><h2 id="training">Training</h2>${runToggles(report)}<div class="pair">${figures.training.map(shown)}</div></section>
${settingsSection(report)}${sections.map(({ content }) => content)}
<section aria-labelledby="runs"><h2 id="runs">Every run</h2>
${report.runs.map((run) => runSection(run, figures.runs[run.run]?.curves ?? [], runExtras(report, run.run, figures)))}
</section>${outside}
${limitsSection(report)}`
  return standalonePage({
    title: 'Next-vector predictors: training and evaluation matrix',
    version: report.written_by.lvm_torch,
    created_at: report.created_at,
    links,
    main,
    footer: about(report),
    data: report,
  })
}
