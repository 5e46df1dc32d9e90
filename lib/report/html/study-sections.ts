import type { Audit } from '../../audit/audit.js'
import { type TrainedOn, trainedOnNote, wasTrainedOn } from '../../evaluate/trained-on.js'
import { type Html, html } from '../../page/html.js'
import { count, counted, decimal, NONE, percent, plainName, pValue, signedDecimal, span } from '../../show.js'
import type { Analysis } from '../../study/analysis/analysis-entry.js'
import type { Arrow } from '../../study/ceiling/arrow.js'
import type { Ceiling } from '../../study/ceiling/ceiling.js'
import { reachSentence, tierSentences } from '../../study/ceiling/ceiling-page.js'
import type { MemoryCurve } from '../../study/ceiling/memory-curve.js'
import type { Diagnosis } from '../../study/diagnose/diagnose-runs.js'
import type { RetrievalEntry } from '../../study/retrieval/retrieval-entry.js'
import { documentsOf } from '../evaluation-documents.js'
import type { Figures } from '../figures/all-figures.js'
import { contestants, likeRetrievals, poolNote } from '../figures/retrieval-figures.js'
import { lossText } from '../numbers.js'
import type { Report } from '../report-document.js'
import { loadSection } from './load-section.js'
import { memoryTable } from './memory-table.js'
import { code, number, shown, table } from './parts.js'
import { sentencesPart } from './sentences-part.js'

/** Section of the page about one evaluation document. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly content: Html
}
const section = (id: string, title: string, content: Html): Section => ({
  id,
  title,
  content: html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${content}</section>\n`,
})

const pair = (drawn: Figures['audit']) => html`<div class="pair">${drawn.map(shown)}</div>`
const LEVELS: Readonly<Record<string, string>> = {
  PASS: 'good',
  WARN: 'warn',
  FAIL: 'bad',
  note: 'muted',
  warn: 'warn',
  fail: 'bad',
}
const level = (name: string) => html`<span class="tag ${LEVELS[name] ?? 'muted'}">${name}</span>`

function retrieval(entries: readonly RetrievalEntry[], figures: Figures): Html {
  const invalid = entries.filter(({ status }) => status === 'invalid')
  const scored = likeRetrievals(entries).map((group) =>
    (['without_context', 'with_context'] as const).map((pool) => {
      const rows = contestants(group, pool)
      return html`<h3>The context ${pool === 'with_context' ? 'in' : 'left out of'} the pool</h3><p class="muted">${poolNote(rows[0]!.scores)}. ${trainedOnNote(group[0]!)} ${group[0]!.ci95_note}</p>${table(
        rows,
        [
          { title: 'Query', read: (r) => r.name },
          ...(['top1', 'top5', 'top10', 'top20'] as const).map((cut) => ({
            title: `Top-${cut.slice(3)}`,
            numeric: true,
            read: (r: (typeof rows)[number]) => {
              const { value, ci95 } = r.scores[cut]
              return {
                text: `${percent(value)}${ci95 === null ? '' : ` (${percent(ci95[0])} … ${percent(ci95[1])})`}`,
                key: value,
              }
            },
          })),
          { title: 'MRR', numeric: true, read: (r) => number(r.scores.mrr.value, (x) => decimal(x)) },
          { title: 'nDCG@10', numeric: true, read: (r) => number(r.scores.ndcg10.value, (x) => decimal(x)) },
          { title: 'Median rank', numeric: true, read: (r) => number(r.scores.median_rank.value, count) },
        ],
        'retrieval by query',
      )}`
    }),
  )
  const verdicts = entries.flatMap(({ verdict, ...entry }) =>
    verdict && !wasTrainedOn(entry)
      ? [html`<li><a href="#run-${plainName(entry.run)}">${entry.run}</a>: ${verdict.sentence}</li>`]
      : [],
  )
  return html`${invalid.map((e) => html`<p class="bad">${e.run}: invalid: a perfect prediction finds its target in only ${percent(e.oracle.top1.with_context)} of the queries.</p>`)}<ul>${verdicts}</ul>${pair(figures.retrieval)}${scored}`
}

function comparison({ comparison }: ReturnType<typeof documentsOf>): Html {
  return html`${comparison!.comparisons.map((c) => {
    const measures = ['cosine', 'top10'] as const
    const rows = c.pairs.flatMap((p) => measures.flatMap((measure) => (p[measure] ? [{ ...p, measure, d: p[measure] }] : [])))
    return html`<h3>${c.data.path.split(/[\\/]/).at(-1)}, ${c.folds ? `held out over ${c.folds.length} folds` : `${c.rows} rows`}</h3><p class="muted">${counted(c.n, 'window')} of ${counted(c.articles, 'article')}. ${trainedOnNote(c)} ${c.ci95_note} ${c.seeds_note && `Training seeds: ${c.seeds_note}.`} p: sign flips of whole articles, adjusted by Benjamini-Hochberg.</p>${table(
      rows,
      [
        { title: 'A', read: (r) => r.a },
        { title: 'B', read: (r) => r.b },
        { title: 'Measure', read: (r) => (r.measure === 'top10' ? 'Top-10' : r.measure) },
        { title: 'A − B', numeric: true, read: (r) => number(r.d.difference, (x) => signedDecimal(x)) },
        { title: '95 %', numeric: true, read: (r) => span(r.d.ci95, signedDecimal) },
        { title: 'p', numeric: true, read: (r) => number(r.d.p, pValue) },
        { title: 'p adjusted', numeric: true, read: (r) => number(r.d.p_adjusted, pValue) },
        { title: 'Detectable', numeric: true, read: (r) => number(r.d.minimum_detectable, (x) => decimal(x)) },
        {
          title: 'Verdict',
          read: (r) =>
            ({
              a: `${r.a} is better`,
              b: `${r.b} is better`,
              tie: 'tie',
              unknown: 'unknown: too few articles',
              none: 'none: trained on',
            })[wasTrainedOn(c) ? 'none' : r.d.verdict],
        },
      ],
      'paired comparison',
    )}`
  })}<p class="muted">Detectable: the smallest true difference that such windows detect with a power of 80 %.</p>`
}

function findings(list: Audit['findings']): Html {
  return table(
    list,
    [
      { title: 'Verdict', read: (f) => level(f.level) },
      { title: 'Check', read: (f) => code(f.code) },
      { title: 'Finding', wide: true, read: (f) => f.message },
      { title: 'Rows', read: (f) => (f.level === 'PASS' ? '' : f.rows.join(', ')) },
    ],
    'findings of the audit',
  )
}

const audit = (a: Audit, figures: Figures): Html =>
  html`<p>${level(a.verdict)} ${a.path}, ${counted(a.rows, 'row')} × ${a.dim}, SHA-256 ${code(a.hash)}</p>${findings(a.findings)}${a.against.map((f) => html`<h3>Against ${f.path}</h3>${findings(f.findings)}`)}${pair(figures.audit)}`

const words = (name: string) => name.replaceAll('_', ' ')

function ceiling(c: Ceiling, drawn: Figures['audit']): Html {
  const rows = c.predictors.map((p) => ({ ...p, name: words(p.name) }))
  const { memory }: { readonly memory?: MemoryCurve } = c // files of earlier versions have none
  // Version 1 took the best predictor for an upper bound.
  const known: Html =
    c.version === 2
      ? html`<ul>${tierSentences(c).map((line) => html`<li>${line}</li>`)}</ul>`
      : html`<p>ceiling.json was written by an earlier version, which took this for an upper bound; run ceiling again.</p>`
  return html`<p>Best of these: <strong>${words(c.best.name)}</strong>, on ${counted(c.val.windows, 'window')} of ${counted(c.val.articles, 'article')}; ${reachSentence(c)}.</p>${known}${pair(drawn)}${table(
    rows,
    [
      { title: 'Predictor', read: (p) => p.name },
      { title: 'Cosine', numeric: true, read: (p) => number(p.cosine, (x) => decimal(x)) },
      { title: '95 %', numeric: true, read: (p) => span(p.ci95) },
      { title: 'Centred', numeric: true, read: (p) => number(p.cosine_centred, (x) => decimal(x)) },
      { title: 'MSE raw', numeric: true, read: (p) => number(p.mse_raw, lossText) },
      { title: 'MSE unit', numeric: true, read: (p) => number(p.mse_unit, lossText) },
    ],
    'lower bounds of the reachable cosine',
  )}${memory === undefined ? html`` : memoryTable(memory)}`
}

const arrow = (a: Arrow, drawn: Figures['audit']): Html =>
  html`<p><strong>${a.verdict}</strong></p>${pair(drawn)}${table(
    a.predictors,
    [
      { title: 'Predictor', read: (p) => p.name },
      { title: 'Forward', numeric: true, read: (p) => number(p.forward, (x) => decimal(x)) },
      { title: 'Reversed', numeric: true, read: (p) => number(p.reversed, (x) => decimal(x)) },
      { title: 'Difference', numeric: true, read: (p) => number(p.difference, (x) => signedDecimal(x)) },
      { title: '95 %', numeric: true, read: (p) => span(p.ci95, signedDecimal) },
      { title: 'p', numeric: true, read: (p) => number(p.p, pValue) },
    ],
    'forward and reversed',
  )}`

/** Sections of the page about retrieval, comparison, audit and other documents, if these exist. */
export function evaluationSections(report: Report, figures: Figures): Section[] {
  const documents = documentsOf(report)
  return [
    ...(documents.retrieval.length > 0 ? [section('retrieval', 'Retrieval', retrieval(documents.retrieval, figures))] : []),
    ...(documents.comparison ? [section('paired', 'Paired comparison', comparison(documents))] : []),
    ...(documents.ceiling
      ? [section('ceiling', 'Lower bound of the reachable cosine', ceiling(documents.ceiling, figures.ceiling))]
      : []),
    ...(documents.arrow ? [section('arrow', 'Arrow of time', arrow(documents.arrow, figures.arrow))] : []),
    ...(documents.load ? [section('load', 'Load test', loadSection(documents.load, figures.load))] : []),
    ...(documents.audit ? [section('audit', 'Audit of the data', audit(documents.audit, figures))] : []),
  ]
}

const text = (words: string | null) => html`<blockquote>${words ?? NONE}</blockquote>`

function failures({ failures: list, failed, n, run }: RetrievalEntry): Html {
  if (list === null || list.length === 0) return html``
  return html`<details><summary>Retrieval failures: ${count(failed ?? 0)} of ${counted(n, 'target')} are outside the Top-20; the worst ${list.length}</summary>${list
    .slice(0, 20)
    .map(
      (f) =>
        html`<h4>${run}: row ${f.row}${f.article !== null && `, article ${f.article}`}, rank ${count(f.rank)}</h4>${text(f.text)}<p class="muted">nearest rows instead</p>${f.neighbours.slice(0, 3).map((near) => html`<blockquote>${decimal(near.cosine)} ${near.context && html`<span class="tag">context</span> `}${near.text ?? `row ${near.row}`}</blockquote>`)}`,
    )}</details>`
}

const trainedNote = (entry: Pick<TrainedOn, 'rows' | 'trained_on'> & Partial<TrainedOn>) =>
  trainedOnNote({ split: null, ...entry }).map((line) => html`<p class="warn">${line}</p>`)

function diagnosis(d: Diagnosis, drawn: Figures['audit']): Html {
  const list =
    d.findings.length === 0
      ? html`<p class="good">The failure doctor has no findings.</p>`
      : html`<ul>${d.findings.map((f) => html`<li>${level(f.level)} <strong>${f.code}</strong>: ${f.what}; ${f.why}. <span class="muted">Fix: ${f.fix}.</span></li>`)}</ul>`
  return html`<details open><summary>Diagnosis</summary>${trainedNote(d)}${list}<div class="pair">${drawn.map(shown)}</div></details>`
}

function analysis(a: Analysis, drawn: Figures['audit']): Html {
  const examples = (title: string, list: Analysis['worst']) =>
    html`<details><summary>${title}</summary>${list
      .slice(0, 10)
      .map(
        (e) =>
          html`<h4>row ${e.row}, ${e.title ?? e.article ?? 'article unknown'}, cosine ${decimal(e.cosine)}</h4><p class="muted">last text of the context</p>${text(e.context)}<p class="muted">target</p>${text(e.target)}<p class="muted">text nearest to the prediction (${decimal(e.predicted_cosine)})</p>${text(e.predicted)}`,
      )}</details>`
  const articles = table(
    a.by_article,
    [
      { title: 'Article', read: (b) => b.label },
      { title: 'Windows', numeric: true, read: (b) => number(b.n, count) },
      { title: 'Cosine', numeric: true, read: (b) => number(b.cosine.mean, (x) => decimal(x)) },
    ],
    'cosine by article',
  )
  return html`<details><summary>Error analysis</summary>${trainedNote(a)}<div class="pair">${drawn.map(shown)}</div><details><summary>By article</summary>${articles}</details>${examples('Worst windows', a.worst)}${examples('Best windows', a.best)}</details>`
}

/** Retrieval failures, diagnosis and error analysis of one run. */
export function runExtras(report: Report, run: string, figures: Figures): Html[] {
  const { retrieval, diagnosed, analysed, sentences } = documentsOf(report)
  const drawn = figures.runs[run]
  const of = <Entry extends { readonly run: string }>(list: readonly Entry[]) => list.filter((entry) => entry.run === run)
  const stale = Object.entries(report.files).flatMap(([name, { stale }]) => (stale.includes(run) ? [name] : []))
  return [
    ...stale.map(
      (name) => html`<p class="warn">${name} is about other weights than this run has now; its entry is left out.</p>`,
    ),
    ...of(sentences).map(sentencesPart),
    ...of(diagnosed).map((d) => diagnosis(d, drawn?.diagnosis ?? [])),
    ...of(analysed).map((a) => analysis(a, drawn?.analysis ?? [])),
    ...of(retrieval).map(failures),
  ]
}
