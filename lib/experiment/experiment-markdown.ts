import { pageDoor } from '../door.js'
import { bytes, duration, kebab, NONE, percent, pValue } from '../show.js'
import type { ExperimentReport } from './experiment-document.js'
import type { RunEnd } from './journal-entry.js'
import { meanText, methodText, optionsText, scoreText } from './shown-scores.js'

const cell = (text: string) => text.replace(/\s+/g, ' ').replace(/[\\|<>`*_[\]]/g, '\\$&')
const rowOf = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const tableOf = (titles: readonly string[], rows: readonly (readonly string[])[]) =>
  [rowOf(titles), rowOf(titles.map(() => '---')), ...rows.map((row) => rowOf(row.map(cell)))].join('\n')

/** One sentence about how a promoted run of successive halving was trained on. */
export function promotionSentence({ plan: { halving, spaces } }: Pick<ExperimentReport, 'plan'>): string | undefined {
  if (halving === null) return undefined
  const { min, max, factor, resource, promote } = halving
  const unit = resource === 'epochs' ? 'epochs' : 'steps'
  const rounds = `rounds of ${min} to ${max} ${unit}, 1/${factor} of the runs promoted`
  if (promote === 'retrain') return `${rounds} and trained again from the start`
  const cosine = Object.values(spaces).some(
    ({ fixed, search }) => fixed.schedule === 'warmup-cosine' || 'schedule' in search || 'recipe' in fixed || 'recipe' in search,
  )
  const plain = `${rounds} and resumed from their checkpoints`
  return cosine
    ? `${plain}; with --schedule warmup-cosine a resumed run re-plans its rate (--extend replan), so it differs from one training of that length`
    : `${plain}, which equals one training of that length`
}

/** Sentence about the difference between searched and confirmed scores. */
export const optimismSentence = ({ optimism, plan }: Pick<ExperimentReport, 'optimism' | 'plan'>): string =>
  optimism === null
    ? 'A searched score is the best of many and therefore optimistic; only fresh seeds give an unbiased one.'
    : `Selection effect: the searched scores of the confirmed configurations are ${scoreText(plan.metric, Math.abs(optimism))} ${optimism >= 0 ? 'better' : 'worse'} than their means over fresh seeds. The best of many ${plan.metric} values is optimistic; the confirmed mean is not, because neither its seeds nor its splits were chosen. The difference includes that between the splits.`

export const diskSentence = ({ disk }: Pick<ExperimentReport, 'disk'>): string =>
  `Checkpoints: ${bytes(disk.kept_bytes)} kept, ${bytes(disk.removed_bytes)} of ${disk.removed_runs} runs removed (their histories are in evaluation/).`

export const keysOf = ({ plan }: ExperimentReport, model: string) => Object.keys(plan.spaces[model]?.search ?? {})
export const errorText = ({ error, final }: RunEnd) =>
  error === null ? '' : `${error.code}: ${error.message}${final === null ? '' : ` (${final})`}`
export const stageText = ({ stage, rung }: RunEnd) =>
  stage === 'confirm' ? 'confirm' : rung === 0 ? 'search' : `round ${rung + 1}`

/** Table of all runs, failed ones with their error. */
function runsTable(r: ExperimentReport): string {
  const stages = ['search', 'confirm']
  const ordered = r.runs.toSorted(
    (a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || a.index - b.index || a.rung - b.rung || a.seed - b.seed,
  )
  const rows = ordered.map((run) => [
    run.id,
    stageText(run),
    run.model,
    optionsText(run.options, keysOf(r, run.model)),
    String(run.seed),
    run.error === null ? scoreText(r.plan.metric, run.score) : `failed: ${errorText(run)}`,
    run.epochs === null ? NONE : String(run.epochs),
    String(run.attempts),
    run.found && run.seconds === 0 ? NONE : duration(run.seconds), // it ended in a call that was killed
    run.removed ? 'removed' : 'kept',
  ])
  return tableOf(['run', 'stage', 'model', 'options', 'seed', r.plan.metric, 'epochs', 'attempts', 'time', 'checkpoint'], rows)
}

function importanceTable(r: ExperimentReport): string[] {
  if (r.importance.length === 0) return []
  const rows = r.importance.map(({ field, n, explained, p, groups }) => [
    kebab(field),
    String(n),
    percent(explained, 0),
    pValue(p),
    groups.map(({ values, n: count, score }) => `${values}: ${scoreText(r.plan.metric, score)} (${count})`).join(', '),
  ])
  return [tableOf(['option', 'configurations', 'explained', 'p', 'mean score of each group (number)'], rows), '']
}

function confirmationTable({ plan, verdict, ranking }: ExperimentReport): string[] {
  if (verdict.confirmed.length === 0) return []
  const rows = verdict.confirmed.map(({ config, searched, confirmed, scores }) => {
    const { model = NONE, options = {} } = ranking.find((one) => one.config === config) ?? {}
    return [
      String(config),
      model,
      optionsText(options, Object.keys(plan.spaces[model]?.search ?? {})),
      scoreText(plan.metric, searched),
      meanText(plan.metric, confirmed),
      scores.map((score) => scoreText(plan.metric, score)).join(' '),
    ]
  })
  const titles = ['configuration', 'model', 'options', 'searched', 'fresh seeds: mean ± 95 %', 'each seed']
  return ['## Confirmation', '', tableOf(titles, rows), '']
}

/** Formats an experiment as Markdown. */
export const experimentMarkdown = pageDoor('experimentMarkdown', 'experimentReport', (r: ExperimentReport): string => {
  const { plan } = r
  const promotion = promotionSentence(r)
  return [
    `# Experiment ${r.name}`,
    '',
    `${r.state} · ${r.done} of ${r.of} trainings, ${r.failed} failed · ${methodText(plan.method)} over ${Object.keys(plan.spaces).join(', ')} · ${plan.metric} (${plan.direction}) · ${duration(r.seconds)}`,
    '',
    `data ${plan.data} · SHA-256 ${r.data_hash.slice(0, 12)}… · seed ${plan.seed}`,
    ...(promotion === undefined ? [] : ['', `Successive halving: ${promotion}.`]),
    '',
    `**${r.verdict.sentence}**`,
    '',
    ...confirmationTable(r),
    optimismSentence(r),
    '',
    '## Importance of options',
    '',
    ...importanceTable(r),
    r.importance_note,
    '',
    '## Runs',
    '',
    runsTable(r),
    '',
    diskSentence(r),
    '',
  ].join('\n')
})
