import { type Html, html } from '../../page/html.js'
import { COLOURS } from '../../page/palette.js'
import { runColours } from '../figures/all-figures.js'
import { judgedRuns } from '../folded-runs.js'
import type { Report } from '../report-document.js'

/** Buttons that hide runs in the figures and tables of all runs; they carry the runs' colours. */
export function runToggles(report: Report): Html {
  const colours = runColours(report)
  const names = [...new Set([...report.runs, ...judgedRuns(report)].map(({ run }) => run))]
  if (names.length < 2) return html``
  const button = (name: string) => {
    const colour = colours.get(name) ?? 0
    return html`<button type="button" aria-pressed="true" data-toggle="${colour}" data-name="${name}"><span class="dot" style="background:var(--c${colour % COLOURS.length})"></span>${name}</button>`
  }
  return html`<div class="toggles" role="group" aria-label="runs that are shown">${names.map(button)}</div>\n`
}

/** Settings of two runs side by side; the script of the page fills the table. */
export function settingsSection({ runs }: Report): Html {
  if (runs.length < 2) return html``
  const select = (side: string, chosen: number) =>
    html`<select data-side="${side}" aria-label="run ${side}">${runs.map(({ run }, i) => html`<option value="${i}"${i === chosen && html` selected`}>${run}</option>`)}</select>`
  return html`<section aria-labelledby="settings"><h2 id="settings">Settings side by side</h2>
<div class="scroll" tabindex="0" role="region" aria-label="settings of two runs"><table id="side-by-side"><thead><tr><th scope="col">Setting</th><th scope="col">${select('A', 0)}</th><th scope="col">${select('B', 1)}</th></tr></thead><tbody></tbody></table></div></section>\n`
}
