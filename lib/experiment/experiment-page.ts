import { type Html, html } from '../page/html.js'
import type { Drawn } from '../report/figures/index.js'
import { code, facts, number, shown, table } from '../report/html/parts.js'
import { standalonePage } from '../report/html/standalone-page.js'
import { duration, kebab, NONE, percent, pValue } from '../show.js'
import type { ExperimentReport } from './experiment-document.js'
import { diskSentence, errorText, keysOf, optimismSentence, promotionSentence, stageText } from './experiment-markdown.js'
import { meanText, methodText, optionsText, scoreText } from './shown-scores.js'

const section = (id: string, title: string, content: Html | readonly Html[]) =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${content}</section>\n`

function summary(r: ExperimentReport): Html {
  const { plan, verdict } = r
  return html`<p><strong>${verdict.sentence}</strong></p>
${facts([
  ['state', `${r.state}: ${r.done} of ${r.of} trainings, ${r.failed} failed`],
  ['method', `${methodText(plan.method)}, seed ${plan.seed}`],
  ['halving', promotionSentence(r)],
  ['metric', `${plan.metric}, ${plan.direction === 'max' ? 'larger' : 'smaller'} is better`],
  ['models', Object.keys(plan.spaces).join(', ')],
  ['data', code(plan.data)],
  ['time', duration(r.seconds)],
  ['disk', diskSentence(r)],
])}`
}

function confirmation(r: ExperimentReport): Html {
  const { plan, verdict } = r
  const of = (config: number) => r.ranking.find((one) => one.config === config)
  const rows = table(verdict.confirmed, [
    { title: 'configuration', numeric: true, read: ({ config }) => number(config, String) },
    { title: 'model', read: ({ config }) => of(config)?.model ?? NONE },
    {
      title: 'options',
      wide: true,
      read: ({ config }) => code(optionsText(of(config)?.options ?? {}, keysOf(r, of(config)?.model ?? ''))),
    },
    { title: 'searched', numeric: true, read: ({ searched }) => number(searched, (x) => scoreText(plan.metric, x)) },
    {
      title: 'mean ± 95 %',
      numeric: true,
      read: ({ confirmed }) => ({ text: meanText(plan.metric, confirmed), key: confirmed?.mean ?? null }),
    },
    { title: 'each seed', wide: true, read: ({ scores }) => scores.map((score) => scoreText(plan.metric, score)).join(' ') },
  ])
  const leads = verdict.leads.map(
    ({ over, difference, p }) =>
      html`<li>lead over configuration ${over}: ${meanText(plan.metric, difference)}, p ${p === null ? NONE : pValue(p)} (paired by seed)</li>\n`,
  )
  return html`${verdict.confirmed.length > 0 && rows}<ul>${leads}</ul><p>${optimismSentence(r)}</p>`
}

function runs(r: ExperimentReport): Html {
  const { metric } = r.plan
  return table(r.runs, [
    { title: 'run', wide: true, read: ({ id }) => code(id) },
    {
      title: 'stage',
      read: stageText,
    },
    { title: 'model', read: ({ model }) => model },
    { title: 'options', wide: true, read: ({ options, model }) => code(optionsText(options, keysOf(r, model))) },
    { title: 'seed', numeric: true, read: ({ seed }) => number(seed, String) },
    { title: metric, numeric: true, read: ({ score }) => number(score, (x) => scoreText(metric, x)) },
    { title: 'epochs', numeric: true, read: ({ epochs }) => number(epochs, String) },
    { title: 'attempts', numeric: true, read: ({ attempts }) => number(attempts, String) },
    { title: 'time', numeric: true, read: ({ seconds, found }) => number(found && seconds === 0 ? null : seconds, duration) },
    { title: 'checkpoint', read: ({ removed }) => (removed ? 'removed' : 'kept') },
    ...(r.failed > 0 ? [{ title: 'error', wide: true, read: errorText }] : []),
  ])
}

function importance(r: ExperimentReport): Html {
  const rows = table(r.importance, [
    { title: 'option', read: ({ field }) => code(kebab(field)) },
    { title: 'configurations', numeric: true, read: ({ n }) => number(n, String) },
    { title: 'explained', numeric: true, read: ({ explained }) => number(explained, (x) => percent(x, 0)) },
    { title: 'p', numeric: true, read: ({ p }) => number(p, pValue) },
    {
      title: 'mean score of each group (number)',
      wide: true,
      read: ({ groups }) =>
        groups.map(({ values, n, score }) => `${values}: ${scoreText(r.plan.metric, score)} (${n})`).join(', '),
    },
  ])
  return html`${r.importance.length > 0 && rows}<p>${r.importance_note}</p>`
}

/** Returns the page of an experiment as one self-contained file. */
export function experimentPage(r: ExperimentReport, figures: readonly Drawn[]): string {
  const links = [
    ['verdict', 'Verdict'],
    ['confirmation', 'Confirmation'],
    ['figures', 'Figures'],
    ['importance', 'Importance of options'],
    ['runs', 'Every run'],
  ] as const
  return standalonePage({
    title: `Experiment ${r.name}`,
    version: r.lvm_torch,
    created_at: r.created_at,
    links,
    main: html`${section('verdict', 'Verdict', summary(r))}${section('confirmation', 'Confirmation', confirmation(r))}${section('figures', 'Figures', html`<div class="pair">${figures.map(shown)}</div>`)}${section('importance', 'Importance of options', importance(r))}${section('runs', 'Every run', runs(r))}`,
    footer: html`<footer><p class="muted">Made from journal.jsonl by lvm-torch ${r.lvm_torch} at ${r.created_at}.</p></footer>`,
    data: r,
  })
}
