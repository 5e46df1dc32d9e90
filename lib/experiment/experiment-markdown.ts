import { pageDoor } from '../door.js'
import { bytes, duration, fixed, NONE, pValue, percent } from '../show.js'
import type { ExperimentReport } from './experiment-document.js'
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
  const cosine = Object.values(spaces).some(({ fixed, search }) => fixed.schedule === 'warmup-cosine' || 'schedule' in search || 'recipe' in fixed || 'recipe' in search)
  const plain = `${rounds} and resumed from their checkpoints`
  return cosine
    ? `${plain}; with --schedule warmup-cosine a resumed run re-plans its rate (--extend replan), so it differs from one training of that length`
    : `${plain}, which equals one training of that length`
}

/** Sentence about the difference between searched and confirmed scores. */
export const optimismSentence = ({ optimism, plan }: Pick<ExperimentReport, 'optimism' | 'plan'>): string =>
  optimism === null
    ? 'A searched score is the best of many and therefore optimistic; only fresh seeds give an unbiased one.'
    : `Selection effect: the searched scores of the confirmed configurations are ${fixed(Math.abs(optimism), 4)} ${optimism >= 0 ? 'better' : 'worse'} than their means over fresh seeds. The best of many ${plan.metric} values is optimistic; the confirmed one is not, because neither its seeds nor its splits were chosen.`

const stateText = { running: 'running', complete: 'complete', unfinished: 'unfinished' } as const

export const diskSentence = ({ disk }: Pick<ExperimentReport, 'disk'>): string =>
  `Checkpoints: ${bytes(disk.kept_bytes)} kept, ${bytes(disk.removed_bytes)} of ${disk.removed_runs} runs removed (their histories are in evaluation/).`

/** Formats an experiment as Markdown. */
export const experimentMarkdown = pageDoor('experimentMarkdown', 'experimentReport', (r: ExperimentReport): string => {
  const { plan, verdict } = r
  const score = (value: number | null | undefined) => scoreText(plan.metric, value)
  const promotion = promotionSentence(r)
  const confirmed = verdict.confirmed.map(({ config, searched, confirmed: found, scores }) => [
    String(config),
    score(searched),
    meanText(plan.metric, found),
    scores.map(score).join(' '),
  ])
  const runs = r.runs
    .toSorted((a, b) => (a.stage === b.stage ? 0 : a.stage === 'search' ? -1 : 1) || a.index - b.index || a.rung - b.rung || a.seed - b.seed)
    .map((run) => [
      run.id,
      run.stage === 'search' ? `${run.rung === 0 ? 'search' : `round ${run.rung + 1}`}` : 'confirm',
      run.model,
      optionsText(run.options, plan.spaces[run.model]),
      String(run.seed),
      run.error === null ? score(run.score) : `failed: ${run.error.code}: ${run.error.message}${run.final === null ? '' : ` (${run.final})`}`,
      run.epochs === null ? NONE : String(run.epochs),
      String(run.attempts),
      duration(run.seconds),
      run.removed ? 'removed' : 'kept',
    ])
  const fields = r.importance.map(({ field, n, explained, p, groups }) => [
    field,
    String(n),
    percent(explained, 0),
    pValue(p),
    groups.map(({ values, n: count, score: mean }) => `${values}: ${score(mean)} (${count})`).join(', '),
  ])
  return [
    `# Experiment ${r.name}`,
    '',
    `${stateText[r.state]} · ${r.done} of ${r.of} trainings, ${r.failed} failed · ${methodText(plan.method)} over ${Object.keys(plan.spaces).join(', ')} · ${plan.metric} (${plan.direction}) · ${duration(r.seconds)}`,
    '',
    `data ${plan.data} · SHA-256 ${r.data_hash.slice(0, 12)}… · seed ${plan.seed}`,
    ...(promotion === undefined ? [] : ['', `Successive halving: ${promotion}.`]),
    '',
    `**${verdict.sentence}**`,
    '',
    ...(confirmed.length === 0 ? [] : ['## Confirmation', '', tableOf(['configuration', 'searched', 'fresh seeds: mean ± 95 %', 'each seed'], confirmed), '']),
    optimismSentence(r),
    '',
    '## Importance of options',
    '',
    ...(fields.length === 0 ? [] : [tableOf(['option', 'configurations', 'explained', 'p', 'mean score of each group (number)'], fields), '']),
    r.importance_note,
    '',
    '## Runs',
    '',
    tableOf(['run', 'stage', 'model', 'options', 'seed', plan.metric, 'epochs', 'attempts', 'time', 'checkpoint'], runs),
    '',
    diskSentence(r),
    '',
  ].join('\n')
})
