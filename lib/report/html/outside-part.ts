import { rowsKey } from '../../data/content-hash.js'
import type { OutsideEntry, RunEntry } from '../../evaluate/results-file.js'
import { skillSentence } from '../../evaluate/results-table.js'
import { type Html, html } from '../../page/html.js'
import { plainName } from '../../show.js'
import type { Analysis } from '../../study/analysis/analysis-entry.js'
import type { Diagnosis } from '../../study/diagnose/diagnose-runs.js'
import { isOutside, type RetrievalEntry } from '../../study/retrieval/retrieval-entry.js'
import { documentsOf } from '../evaluation-documents.js'
import type { Figures } from '../figures/all-figures.js'
import { basis, likeGroups } from '../figures/comparison-figures.js'
import { judgedRuns } from '../folded-runs.js'
import type { Report } from '../report-document.js'
import { code } from './parts.js'
import { runExtras } from './study-sections.js'

/** What the documents of a report say of a predictor that is no run. */
interface ReportedOutsider {
  readonly name: string
  readonly kind: string
  readonly validation: OutsideEntry | undefined
  readonly note: string | null
}

/** Predictors of a report that are no runs. */
function outsidersOf(report: Report): ReportedOutsider[] {
  const { outside, retrieval, diagnosed, analysed } = documentsOf(report)
  const others: readonly (RetrievalEntry | Diagnosis | Analysis)[] = [...diagnosed, ...analysed, ...retrieval].filter(isOutside)
  const names = new Set([...outside, ...others].map(({ run }) => run))
  return [...names].map((name) => {
    const validation = outside.find(({ run }) => run === name)
    const own = others.filter(({ run }) => run === name)
    const notes = own.flatMap((entry) => ('note' in entry && entry.note ? [entry.note] : []))
    return { name, kind: validation?.kind ?? own[0]!.model!, validation, note: notes[0] ?? null }
  })
}

/** Runs and other predictors that were evaluated on the same windows; those of a group can be compared. */
export function judgedGroups(report: Report): (RunEntry | OutsideEntry)[][] {
  const keyOf = ({ data, rows, n, baselines }: RunEntry | OutsideEntry) => JSON.stringify([rowsKey(data), rows, n, baselines])
  const groups: (RunEntry | OutsideEntry)[][] = likeGroups(judgedRuns(report))
  for (const entry of documentsOf(report).outside) {
    const like = groups.find(([first]) => keyOf(first!) === keyOf(entry))
    if (like === undefined) groups.push([entry])
    else like.push(entry)
  }
  return groups
}

/** Predictors that are no runs, each with what is known of it; empty without any. */
export function outsidePart(report: Report, figures: Figures): Html | '' {
  const all = outsidersOf(report)
  if (all.length === 0) return ''
  const each = all.map(({ name, kind, validation: e, note }) => {
    const judged = e && html`<p><strong>${skillSentence(e)}.</strong> ${basis([e])}.</p>`
    const unknown = note ?? (e?.trained_on === null ? 'whether it was trained on these windows is not known' : null)
    const file = e?.predictions && html`<p class="muted">${e.predictions.path}, SHA-256 ${code(e.predictions.sha256)}</p>`
    return html`<section class="run" id="run-${plainName(name)}" aria-label="predictor ${name}"><h3>${name} <span class="tag muted">${kind}</span></h3>
${judged ?? ''}${unknown !== null && html`<p class="warn">${unknown}</p>`}${file ?? ''}${runExtras(report, name, figures)}
</section>\n`
  })
  return html`<section aria-labelledby="outside"><h2 id="outside">Predictors from elsewhere</h2>
<p class="muted">Files of predictions and functions: their models and costs are unknown, so they have no tiers, curves and settings.</p>
${each}</section>`
}
