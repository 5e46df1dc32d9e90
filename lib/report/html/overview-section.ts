import { contextsText, rowsText, skillSentence, verdictText } from '../../evaluate/results-table.js'
import type { TierName } from '../../evaluate/tiers.js'
import { type Html, html } from '../../page/html.js'
import { bytes, decimal, duration, plainName, signedDecimal, span } from '../../show.js'
import { basisOf } from '../basis.js'
import { LOSS_TO_BEAT } from '../expected-scores.js'
import { basis } from '../figures/comparison-figures.js'
import { judgedRuns } from '../folded-runs.js'
import { cellsOf, comparability } from '../markdown.js'
import { type MatrixRow, type Status, smallPreset } from '../matrix.js'
import { lossText } from '../numbers.js'
import type { Report } from '../report-document.js'
import { wasBusy } from '../timings.js'
import { skillVerdicts } from '../verdicts.js'
import { bestCard } from './best-card.js'
import { foldsPart } from './folds-part.js'
import { judgedGroups } from './outside-part.js'
import { number, table } from './parts.js'
import { runToggles } from './run-toggles.js'

const runLink = (run: string) => html`<a href="#run-${plainName(run)}">${run}</a>`

const KINDS: Readonly<Partial<Record<Status, string>>> = {
  complete: 'good',
  failed: 'bad',
  damaged: 'bad',
  'not trained': 'muted',
}
/** Status tag; the colour adds no information to the text. */
const statusTag = (status: Status) => html`<span class="tag ${KINDS[status] ?? 'warn'}">${status}</span>`

/** Whether a row has a run of its size with a loss below a limit. */
const below = ({ status, val_loss }: MatrixRow, limit: number) =>
  status === 'complete' && val_loss !== null && val_loss.value < limit

/** Checklist of models with a loss below a limit, as in the dashboard of the specification. */
function toBeat(rows: readonly MatrixRow[], title: string, limit: number): Html {
  const items = rows
    .filter(({ row }) => row !== null)
    .map((r) => {
      const done = below(r, limit)
      const what = r.status !== 'complete' || r.val_loss === null ? r.status : lossText(r.val_loss.value)
      return html`<li>${done ? html`<strong class="good">✓</strong>` : '☐'} ${r.architecture} <span class="muted">${what}</span></li>`
    })
  return html`<div class="card"><h3>${title}</h3><details><summary>${rows.filter((r) => r.row !== null && below(r, limit)).length} of ${items.length} models</summary><ul>${items}</ul></details></div>`
}

const VERDICTS = {
  better: 'better than every baseline',
  worse: 'worse than the best baseline',
  'not told apart': 'not told apart from the best baseline',
  'no interval': 'without an interval (too few articles)',
} as const

/** Counts runs by their verdict against their best baseline. */
function overBaselines(report: Report): Html {
  const all = skillVerdicts(judgedRuns(report))
  const kinds = (Object.keys(VERDICTS) as (keyof typeof VERDICTS)[]).map((kind) => ({
    kind,
    runs: all.filter(({ verdict }) => verdict === kind),
  }))
  const intervals = all.filter(({ interval }) => interval !== null).length
  const corrected =
    intervals > 1 &&
    html`<p class="muted">Each interval is widened for ${intervals} comparisons (Bonferroni), so that all of them together have a confidence of 95 %.</p>`
  return html`<div class="card"><h3>Better than every baseline</h3><div class="big">${kinds[0]!.runs.length} of ${all.length}</div>${corrected}${kinds.map(
    ({ kind, runs }) =>
      runs.length > 0 &&
      html`<p>${runs.length} ${VERDICTS[kind]}:</p><ul>${runs.map((e) => html`<li>${runLink(e.run)} ${signedDecimal(e.value)}${e.interval && ` (${span(e.interval, signedDecimal)})`}</li>`)}</ul>`,
  )}</div>`
}

function progress({ matrix }: Report): Html {
  const rows = matrix.filter(({ row }) => row !== null)
  const states = [...new Set(rows.map(({ status }) => status))]
  const done = rows.filter(({ status }) => status === 'complete').length
  return html`<div class="card"><h3>Models trained</h3><div class="big">${done} of ${rows.length}</div><ul>${states.map((s) => html`<li>${statusTag(s)} ${rows.filter(({ status }) => status === s).length}</li>`)}</ul></div>`
}

export const dashboard = (report: Report): Html => html`<section aria-labelledby="dashboard"><h2 id="dashboard">Dashboard</h2>
<div class="cards">${bestCard(report)}${progress(report)}${overBaselines(report)}</div></section>`

/** The matrix of the specification. */
export function matrixSection(report: Report): Html {
  const busy = new Set(
    judgedRuns(report)
      .filter(wasBusy)
      .map(({ run }) => run),
  )
  return html`<section aria-labelledby="matrix"><h2 id="matrix">The matrix</h2>
${table(
  report.matrix,
  [
    { title: '#', numeric: true, read: (r) => number(r.row, String) },
    { title: 'Architecture', read: (r) => html`<strong>${r.architecture}</strong>` },
    {
      title: 'Target Params',
      numeric: true,
      read: (r) => number(r.target_parameters ?? r.parameters, () => cellsOf(r)['Target Params']),
    },
    {
      title: 'Status',
      read: (r) => html`${statusTag(r.status)}${smallPreset(r) && html` <span class="tag warn">preset ${r.preset}</span>`}`,
    },
    { title: 'Val Loss', numeric: true, read: (r) => number(r.val_loss?.value, lossText) },
    { title: 'Val Cosine', numeric: true, read: (r) => number(r.val_cosine?.value, decimal) },
    {
      title: 'Train Time',
      numeric: true,
      read: (r) => number(r.train_seconds?.value, (s) => `${duration(s)}${busy.has(r.run ?? '') ? ' *' : ''}`),
    },
    {
      title: 'Model File',
      read: (r) =>
        r.model_file === null || r.run === null
          ? '–'
          : html`<a href="#run-${plainName(r.run)}" title="${r.model_file}"><code>${r.run}/<wbr>${r.model_file.split('/').at(-1)}</code></a>`,
    },
    { title: 'Notes', wide: true, read: (r) => cellsOf(r).Notes },
  ],
  'the matrix of models',
)}
<p class="muted">Val Loss and Val Cosine: best epoch on the validation rows; the same rows selected that epoch. Other size: the number of parameters, which the note states, differs from that of the row, so the run does not count for it.${busy.size > 0 && ' *: measured on a busy machine, so the time is too long; do not quote it.'}</p>${comparability(report).map((line) => html`<p class="warn">${line}</p>`)}</section>`
}

const TIERS: readonly (readonly [TierName, string])[] = [
  ['minimum', 'Minimum viable'],
  ['target', 'Target'],
  ['stretch', 'Stretch'],
]

/** Limits of the specification, folded: they were set for other vectors. */
export const limitsSection = (
  report: Report,
): Html => html`<section aria-labelledby="limits"><h2 id="limits">Limits of the specification</h2>
<p class="muted">They were set for other vectors. On these vectors, the difference to the best baseline is decisive.</p>
<details><summary>Tiers, success scores and losses to beat</summary><div class="cards">${toBeat(report.matrix, `Loss below the specification’s baseline (${lossText(LOSS_TO_BEAT.baseline)})`, LOSS_TO_BEAT.baseline)}${toBeat(report.matrix, `Loss below the specification’s best (${lossText(LOSS_TO_BEAT.stretch)})`, LOSS_TO_BEAT.stretch)}</div>
${table(
  report.runs.filter(({ tiers }) => tiers !== null),
  [
    { title: 'Run', read: (r) => runLink(r.run) },
    ...TIERS.map(([name, title]) => ({
      title,
      read: (r: Report['runs'][number]) => {
        const verdict = r.tiers![name]
        return html`<span class="${verdict.pass === true ? 'good' : verdict.pass === false ? 'bad' : 'muted'}">${verdictText(verdict)}</span>`
      },
    })),
    { title: 'On', read: (r) => basisOf(r.lineage)?.text.replace(/^on /, '') ?? '–' },
    { title: 'Loss', numeric: true, read: (r) => number(r.val_loss?.value, lossText) },
    { title: 'Cosine', numeric: true, read: (r) => number(r.val_cosine?.value, decimal) },
    { title: 'Training', numeric: true, read: (r) => number(r.train_seconds, (s) => `${duration(s)}${wasBusy(r) ? ' *' : ''}`) },
    { title: 'Weights', numeric: true, read: (r) => number(r.weights_bytes, bytes) },
  ],
  'tiers of the specification by run',
)}
<p class="muted">Minimum: loss below .001, cosine above .70, at most 4 hours, weights below 2 GB. Target: .0006, .75, 2 hours. Stretch: .0005, .786. In brackets: the criteria that fail.</p>
${table(
  report.matrix.filter(({ row }) => row !== null),
  [
    { title: '#', numeric: true, read: (r) => number(r.row, String) },
    { title: 'Architecture', read: (r) => r.architecture },
    {
      title: 'Success Score',
      read: (r) => ({ text: cellsOf(r)['Success Score'], key: r.success ? r.success.met / r.success.of : null }),
    },
  ],
  'success scores by architecture',
)}
<p class="muted">Success Score: share of the six criteria (loss and cosine of the three tiers) that a run of the row’s size meets, and the share that the specification expects.</p></details></section>`

/** Tables of evaluated runs and the baselines on the same windows. */
export function runsSection(report: Report): Html {
  const groups = judgedGroups(report)
  const tables = groups.map(
    (entries) =>
      html`<h3>${entries[0]!.data.path.split(/[\\/]/).at(-1)}, ${rowsText(entries[0]!)}${contextsText(entries[0]!)}</h3><p class="muted">${basis(entries)}. Only runs in the same table can be compared.</p>${table(
        entries,
        [
          {
            title: 'Run',
            read: (e) =>
              html`${runLink(e.run)}${'kind' in e && html` <span class="tag muted">${e.kind}</span>`}${e.split?.leaky && html` <span class="tag bad">leaky</span>`}`,
          },
          { title: 'Cosine', numeric: true, read: (e) => number(e.cosine.mean, decimal) },
          { title: '95 %', numeric: true, read: (e) => span(e.cosine.ci95) },
          { title: 'Centred', numeric: true, read: (e) => number(e.cosine_centred, decimal) },
          { title: 'MSE raw', numeric: true, read: (e) => number(e.mse_raw, lossText) },
          { title: 'MSE unit', numeric: true, read: (e) => number(e.mse_unit, lossText) },
          { title: 'Skill', numeric: true, read: (e) => number(e.skill?.value ?? null, signedDecimal) },
          { title: '95 % of skill', numeric: true, read: (e) => span(e.skill?.ci95 ?? null, signedDecimal) },
          { title: 'Verdict', wide: true, read: (e) => skillSentence(e).slice(e.run.length + 2) },
        ],
        'runs that were evaluated on the same windows',
        (e) => e.run,
      )}`,
  )
  const seeds =
    report.seeds.length === 0
      ? ''
      : html`<h3>Over seeds</h3>${table(
          report.seeds,
          [
            { title: 'Model', read: (g) => g.model },
            { title: 'Seeds', read: (g) => g.seeds.join(', ') },
            { title: 'Loss, mean', numeric: true, read: (g) => number(g.val_loss.mean, lossText) },
            { title: 'sd', numeric: true, read: (g) => number(g.val_loss.sd, lossText) },
            { title: 'Cosine, mean', numeric: true, read: (g) => number(g.val_cosine.mean, decimal) },
            { title: 'sd', numeric: true, read: (g) => number(g.val_cosine.sd, decimal) },
          ],
          'mean and standard deviation over seeds',
        )}`
  return html`<section class="overall" aria-labelledby="comparison"><h2 id="comparison">Runs and baselines</h2>${runToggles(report)}${foldsPart(report)}${tables}${seeds}`
}
