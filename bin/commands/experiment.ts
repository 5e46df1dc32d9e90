import type { Argv, CommandModule } from 'yargs'
import { experimentFields, experimentFolderFields } from '../../lib/experiment/experiment-fields.js'
import { meanText, methodText, optionsText, scoreText } from '../../lib/experiment/shown-scores.js'
import type { ExperimentEvent, ExperimentReport, ExperimentReported } from '../../lib/index.js'
import { bytes, duration, table } from '../../lib/show.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, event as emit, nearby, print } from '../output.js'
import { interruption } from '../signals.js'

type Started = Extract<ExperimentEvent, { type: 'experiment' }>
type RunTold = Extract<ExperimentEvent, { type: 'run' }>

const opening = (e: Started): string =>
  [
    `experiment ${e.name}: ${e.runs} runs of ${methodText(e.method as 'tpe')} over ${e.models.join(', ')}, by ${e.metric}`,
    `data   ${nearby(e.data)}`,
    `folder ${nearby(e.folder)}${e.done > 0 ? ` · continues after ${e.done} trainings` : ''}${e.budget_seconds === null ? '' : ` · budget ${duration(e.budget_seconds)}`}`,
    '',
  ].join('\n')

function runLine({ run, place, best, number, of, seconds_left: left }: RunTold, metric: 'val_cosine'): string {
  const result =
    run.error === null
      ? `${metric} ${scoreText(metric, run.score)}${place === null ? '' : ` (#${place})`}`
      : `failed: ${run.error.code}: ${run.error.message}`
  const stage = run.stage === 'confirm' ? `confirms ${run.config}, seed ${run.seed}` : `${run.config}${run.length === null ? '' : ` to ${run.length}`}`
  const lead = best === null ? '' : `best ${scoreText(metric, best.score)} (${best.config} ${best.model})`
  const time = `${duration(run.seconds)}${left === null ? '' : `, ${duration(left)} left`}`
  return [`[${String(number).padStart(String(of).length)}/${of}] ${stage}`, run.model, optionsText(run.options, undefined), result, lead, time]
    .filter((part) => part !== '')
    .join(' · ')
}

/** Returns a function that prints the events of an experiment. */
function show(): (told: ExperimentEvent) => void {
  let metric = 'val_cosine' as const
  return (told) => {
    if (told.type === 'experiment') metric = told.metric as typeof metric
    if (told.type === 'experiment') print(opening(told))
    if (told.type === 'run') print(runLine(told, metric))
    if (told.type === 'confirm') print(`confirming configurations ${told.configs.join(', ')} with fresh seeds: ${told.runs} runs`)
    if (told.type === 'waiting') diagnostic(`waiting for process ${told.pid}, which still writes ${told.id}`)
    if (told.type === 'again') diagnostic(`${told.id}: ${told.error.code}: ${told.error.message}; trying again`)
    if (told.type === 'warning') diagnostic(`warning: ${told.message}`)
  }
}

const files = ({ page, json, table: markdown, plots }: ExperimentReported) =>
  `page     ${nearby(page)}\nnumbers  ${nearby(json)}\ntable    ${nearby(markdown)}\nfigures  ${nearby(plots)}`

/** State of an experiment in a few lines. */
function statusText(r: ExperimentReport): string {
  const { plan, verdict, ranking } = r
  const first = ranking.slice(0, 5)
  const best = table(first, {
    configuration: ({ config }) => config,
    model: ({ model }) => model,
    options: ({ model, options }) => optionsText(options, plan.spaces[model]),
    [plan.metric]: ({ score }) => scoreText(plan.metric, score),
    confirmed: ({ config }) => meanText(plan.metric, verdict.confirmed.find((c) => c.config === config)?.confirmed ?? null),
  })
  const now = r.running.map(({ id, epochs, pid }) => `now    ${id}, epoch ${(epochs ?? 0) + 1}${pid === null ? '' : `, process ${pid}`}`)
  return [
    `experiment ${r.name}: ${r.state}${r.pid === null || r.state !== 'running' ? '' : `, process ${r.pid}`}`,
    `folder ${nearby(r.folder)}`,
    `${r.done} of ${r.of} trainings, ${r.failed} failed · ${duration(r.seconds)} · ${bytes(r.disk.kept_bytes)} of checkpoints`,
    ...now,
    ...(first.length === 0 ? [] : ['', best]),
    '',
    verdict.sentence,
  ].join('\n')
}

const anExperiment = (y: Argv) =>
  y
    .positional('of', { type: 'string', describe: 'folder of an experiment, or its plan; the newest one if omitted' })
    .options(flags(experimentFolderFields))
const folderOptions = (argv: Readonly<Record<string, unknown>>) => ({
  ...(argv.of !== undefined && { of: String(argv.of) }),
  ...given(experimentFolderFields, argv),
})

const status: CommandModule = {
  command: 'status [of]',
  describe: 'show the state of an experiment, also while it runs',
  builder: anExperiment,
  handler: async (argv) => {
    const { experimentStatus } = await import('../../lib/index.js')
    const found = await experimentStatus(folderOptions(argv))
    answer(found, () => statusText(found), argv.json === true)
  },
}

const reporting: CommandModule = {
  command: 'report [of]',
  describe: 'write the report of an experiment: table, numbers, figures and a page',
  builder: anExperiment,
  handler: async (argv) => {
    const { experimentMarkdown, experimentReport } = await import('../../lib/index.js')
    const made = await experimentReport(folderOptions(argv))
    answer(made.report, () => `${experimentMarkdown(made.report)}\n${files(made)}`, argv.json === true)
  },
}

const ENDS = {
  done: 'complete',
  time: 'the time of the budget is used up; a larger --time continues',
  stopped: 'stopped',
} as const

const running: CommandModule = {
  command: '$0 <plan>',
  describe: 'run a plan, or continue it',
  builder: (y) => y.positional('plan', { type: 'string', describe: 'YAML file; docs/experiments.md describes its keys' }).options(flags(experimentFields)),
  handler: async (argv) => {
    const { experiment } = await import('../../lib/index.js')
    const json = argv.json === true
    const plan = String(argv.plan)
    const stop = interruption()
    try {
      const made = await experiment({ plan, ...given(experimentFields, argv) }, { signal: stop.signal, tell: json ? emit : show() })
      const { verdict, done, of } = made.report
      if (!json) print(`\n${ENDS[made.ended]}: ${done} of ${of} trainings\n${verdict.sentence}\n${files(made)}`)
      if (made.ended === 'stopped') diagnostic(`stopped; the checkpoint and the journal are saved. Continue with: ${program()} ${process.argv.slice(2).join(' ')}`)
      if (made.ended === 'stopped' && stop.reason) process.exitCode = stop.reason.exit
    } finally {
      stop.release()
    }
  },
}

export const experimenting: CommandModule = {
  command: 'experiment',
  describe: 'search models and options by a plan, and confirm the best',
  builder: (y) =>
    y
      .command(running)
      .command(status)
      .command(reporting)
      .example('$0 experiment plan.yaml', 'runs the plan; the same command continues after a stop')
      .example('$0 experiment status', 'from another terminal'),
  handler: () => {},
}
