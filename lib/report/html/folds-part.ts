import { selectionSentence, skillSentence } from '../../evaluate/results-table.js'
import { type Html, html } from '../../page/html.js'
import { count, decimal, plainName, signedDecimal, span } from '../../show.js'
import type { Report } from '../report-document.js'
import { number, table } from './parts.js'

/** Table of the runs that were trained on all folds, with their pooled figures; empty without any. */
export const foldsPart = ({ folds }: Report): Html =>
  folds.length === 0
    ? html``
    : html`<h3>Over folds</h3><p class="muted">Every article was held out by one of the folds, whose epochs were chosen on other articles. Intervals are over all articles.</p>${table(
        folds,
        [
          { title: 'Run', read: (e) => html`<span id="run-${plainName(e.run)}">${e.run}</span>` },
          { title: 'Folds', numeric: true, read: (e) => number(e.folds!.count, count) },
          { title: 'Articles', numeric: true, read: (e) => number(e.articles, count) },
          { title: 'Windows', numeric: true, read: (e) => number(e.n, count) },
          { title: 'Cosine', numeric: true, read: (e) => number(e.cosine.mean, decimal) },
          { title: '95 %', numeric: true, read: (e) => span(e.cosine.ci95) },
          { title: 'Skill', numeric: true, read: (e) => number(e.skill?.value ?? null, signedDecimal) },
          { title: '95 % of skill', numeric: true, read: (e) => span(e.skill?.ci95 ?? null, signedDecimal) },
          { title: 'Verdict', wide: true, read: (e) => skillSentence(e).slice(e.run.length + 2) },
          { title: 'Selection', wide: true, read: (e) => selectionSentence(e).slice(e.run.length + 2) },
        ],
        'pooled figures of runs over folds',
      )}`
