import type { BaselineName } from '../../baselines/baselines-fit.js'
import { beyondPlan } from '../../checkpoint/run-manifest.js'
import { readsOf } from '../../checkpoint/trained-contexts.js'
import { NAMES, skillSentence } from '../../evaluate/results-table.js'
import { busyNotes } from '../../libtorch/cpu-share.js'
import { type Html, html } from '../../page/html.js'
import { bytes, count, decimal, duration, fixed, NONE, percent, plainName, signedDecimal, span } from '../../show.js'
import { extremes } from '../../statistics/extremes.js'
import { basis } from '../figures/comparison-figures.js'
import type { Drawn } from '../figures/write-figures.js'
import { lossText } from '../numbers.js'
import type { ReportedRun } from '../reported-runs.js'
import { code, facts, number, shown, table } from './parts.js'

const STATES = { complete: 'good', interrupted: 'warn', running: 'warn', damaged: 'bad' } as const

/** Name of the validation figure that chose the best epoch. */
const selectedBy = ({ config: { select, loss } }: ReportedRun): string => {
  const by = select ?? (String(loss).endsWith('contrastive') ? 'top10' : 'loss')
  return by === 'top10' ? 'Top-10 of the validation targets' : `validation ${String(by)}`
}

/** Identity of a run and the provenance of its figures. */
function card(run: ReportedRun): Html {
  const { lineage: l, hardware: h, versions: v, validation: e } = run
  const peak = Math.max(0, extremes(run.history.map(({ peak_memory_bytes }) => peak_memory_bytes)).most)
  return facts([
    ['model', run.model],
    [
      'reads',
      run.context !== null &&
        readsOf({ context: run.context, ...(run.reach !== null && { history: run.reach, min_history: run.min_history! }) }),
    ],
    ['parameters', run.parameters !== null && count(run.parameters)],
    ['weights', l && html`${l.weights_file}, SHA-256 ${code(l.weights_sha256)}`],
    ['size', run.weights_bytes !== null && html`${bytes(run.weights_bytes)} of weights`],
    ['specification', l && html`hash ${code(l.spec_hash)}`],
    ['manifest', l && html`digest ${code(l.manifest_digest)}`],
    [
      'data',
      l?.data &&
        html`${l.data.path}, ${count(l.data.rows)} ${l.data.kind === 'base' ? 'rows' : 'sequences'}, space ${l.data.space ?? 'unknown'}, SHA-256 ${code(l.data.hash)}`,
    ],
    [
      'split',
      l?.split &&
        html`by ${l.split.mode}, seed ${l.split.seed}: ${count(l.split.train)} training, ${count(l.split.val)} validation, ${count(l.split.test)} test windows${l.split.leaky && html` <span class="tag bad">leaky</span>`}`,
    ],
    ['split file', l?.split_sha256 && html`SHA-256 ${code(l.split_sha256)}`],
    ['seed', run.seed !== null && String(run.seed)],
    ['best epoch', run.best_epoch === null ? null : `${run.best_epoch} of ${run.epochs}, by ${selectedBy(run)}`],
    ['kept weights', run.weights_kept && `${run.weights_kept}: the better one of raw and average by ${selectedBy(run)}`],
    ['schedule', run.extended.length > 0 && `extended beyond its first plan: ${beyondPlan(run.extended)}`],
    [
      'training',
      run.train_seconds !== null &&
        [
          `${duration(run.train_seconds)}, ${fixed(run.train_seconds / 3600, 3)} device-hours`,
          ...busyNotes(run.history.map(({ cpu_share }) => cpu_share)),
        ].join('; '),
    ],
    ['peak memory', peak > 0 && bytes(peak)],
    [
      'hardware',
      h && `${h.device}${h.cpu === null ? '' : `, ${h.cpu}`}, ${h.threads} threads, ${h.precision}, products by ${h.multiplier}`,
    ],
    ['versions', v && `lvm-torch ${v.lvm_torch}, libtorch ${v.libtorch}, Node ${v.node}`],
    ['command line', run.command_line && code(run.command_line.join(' '))],
    ['evaluated on', e && basis([e])],
    ['trained on', e?.trained_on != null && `${percent(e.trained_on)} of the evaluated windows`],
    ['selected on', e && (e.selected_on ? 'yes: the best epoch was chosen on these rows, so the figures are optimistic' : 'no')],
    ['evaluated weights', e && html`SHA-256 ${code(e.weights_sha256)}`],
  ])
}

/** Latency of a run; without its figures where the machine was busy. */
function speedText({ latency }: NonNullable<ReportedRun['validation']>): string {
  if (latency === null) return ''
  const [busy] = busyNotes([latency.cpu_share])
  const times = latency.batches.map(
    ({ batch, p50_ms, p99_ms }) => `batch ${batch}: ${fixed(p50_ms, 2)} ms (p99 ${fixed(p99_ms, 2)})`,
  )
  return ` ${latency.device}, ${latency.threads} threads: ${busy === undefined ? times.join(', ') : `no latency is given, because it was ${busy}`}.`
}

function judged({ validation: e, validation_note }: ReportedRun): Html {
  if (e === null) return html`<p class="muted">${validation_note}</p>`
  const rows = [
    {
      name: e.run,
      cosine: e.cosine.mean,
      ci95: e.cosine.ci95,
      cosine_centred: e.cosine_centred,
      mse_raw: e.mse_raw,
      mse_unit: e.mse_unit,
    },
    ...Object.entries(e.baselines).map(([name, b]) => ({ name: NAMES[name as BaselineName], ...b, ci95: null })),
  ]
  return html`<p><strong>${skillSentence(e)}.</strong> ${basis([e])}.</p>${table(
    rows,
    [
      { title: 'Predictor', read: (r) => r.name },
      { title: 'Cosine', numeric: true, read: (r) => number(r.cosine, decimal) },
      { title: '95 %', numeric: true, read: (r) => span(r.ci95) },
      { title: 'Centred', numeric: true, read: (r) => number(r.cosine_centred, decimal) },
      { title: 'MSE raw', numeric: true, read: (r) => number(r.mse_raw, lossText) },
      { title: 'MSE unit', numeric: true, read: (r) => number(r.mse_unit, lossText) },
    ],
    `${e.run} and the baselines`,
  )}<p class="muted">${e.skill && `Skill ${signedDecimal(e.skill.value)} over ${NAMES[e.skill.against]} (95 %: ${span(e.skill.ci95, signedDecimal)}). `}Cosine by window: sd ${decimal(e.cosine.sd)}, median ${decimal(e.cosine.median)}, lowest tenth ${decimal(e.cosine.p10)}.${speedText(e)}</p>`
}

const setting = (value: unknown) => (value === null ? NONE : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Section of the page about one run. */
export function runSection(run: ReportedRun, figures: readonly Drawn[], more: readonly Html[]): Html {
  const [first, ...others] = figures
  return html`<section class="run" id="run-${plainName(run.run)}" aria-label="run ${run.run}"><h3>${run.run} <span class="tag ${STATES[run.state]}">${run.state}</span>${run.lineage?.split?.leaky && html` <span class="tag bad">leaky</span>`}</h3>
${run.problem && html`<p class="bad">${run.problem.code}: ${run.problem.message}<br>fix: ${run.problem.hint}</p>`}
${judged(run)}
${more}
<details><summary>Training curves</summary><div class="pair">${first && shown(first)}${others.map(shown)}</div></details>
<details><summary>Model card</summary>${card(run)}</details>
<details><summary>Settings</summary>${facts(Object.entries(run.config).map(([key, value]) => [key, setting(value)] as const))}</details>
</section>\n`
}
