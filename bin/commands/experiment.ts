import { join } from 'node:path'
import type { Argv, CommandModule } from 'yargs'
import { LvmError } from '../../lib/errors.js'
import { experimentFields, experimentFolderFields } from '../../lib/experiment/experiment-fields.js'
import { meanText, optionsText, scoreText } from '../../lib/experiment/shown-scores.js'
import type { ExperimentEvent, ExperimentReport, ExperimentReported } from '../../lib/index.js'
import { bytes, duration, table } from '../../lib/show.js'
import { watchFields } from '../../lib/train/watch/watch-fields.js'
import { resumption } from '../command-line.js'
import { experimentProgress } from '../experiment-progress.js'
import { flags, given, watchOn } from '../flags.js'
import { notifyFields, notifying } from '../notify.js'
import { answer, diagnostic, event as emit, nearby, print } from '../output.js'
import { terminal } from '../progress.js'
import { interruption, outlive } from '../signals.js'

const LOG = 'experiment.log'

const files = ({ page, json, table: markdown, plots }: ExperimentReported) =>
  `page     ${nearby(page)}\nnumbers  ${nearby(json)}\ntable    ${nearby(markdown)}\nfigures  ${nearby(plots)}`

/** State of an experiment in a few lines. */
function statusText(r: ExperimentReport): string {
  const { plan, verdict, ranking } = r
  const first = ranking.slice(0, 5)
  const best = table(first, {
    configuration: ({ config }) => config,
    model: ({ model }) => model,
    options: ({ model, options }) => optionsText(options, Object.keys(plan.spaces[model]?.search ?? {})),
    [plan.metric]: ({ score }) => scoreText(plan.metric, score),
    confirmed: ({ config }) => meanText(plan.metric, verdict.confirmed.find((c) => c.config === config)?.confirmed ?? null),
  })
  const now = r.running.map(
    ({ id, epochs, pid }) => `now    ${id}, epoch ${(epochs ?? 0) + 1}${pid === null ? '' : `, process ${pid}`}`,
  )
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
    const { experimentStatus } = await import('../../lib/experiment/experiment.js')
    const found = await experimentStatus(folderOptions(argv))
    answer(found, () => statusText(found), argv.json === true)
  },
}

const reporting: CommandModule = {
  command: 'report [of]',
  describe: 'write the report of an experiment: table, numbers, figures and a page',
  builder: anExperiment,
  handler: async (argv) => {
    const { experimentReport } = await import('../../lib/experiment/experiment.js')
    const { experimentMarkdown } = await import('../../lib/experiment/experiment-markdown.js')
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
  builder: (y) =>
    y
      .positional('plan', { type: 'string', describe: 'YAML file; docs/experiments.md describes its keys' })
      .options(flags({ ...experimentFields, ...watchFields, ...notifyFields })),
  handler: notifying('experiment', async (argv, facts) => {
    if (argv.plan === undefined)
      // yargs does not demand the arguments of a default command
      throw new LvmError('BAD_OPTION', 'experiment: <plan> is missing', { hint: 'run: lvm-torch experiment --help' })
    const { experiment } = await import('../../lib/experiment/experiment.js')
    const json = argv.json === true
    const watch = watchOn('experiment', argv)
    const show = json ? emit : experimentProgress(terminal())
    const tell = (told: ExperimentEvent) => {
      if (told.type === 'experiment') {
        facts.folder = told.folder
        outlive(join(told.folder, LOG))
      }
      show(told)
      if (told.type === 'experiment' && !json)
        print(`log    ${nearby(join(told.folder, LOG))} · the work goes on when this terminal closes\n`)
    }
    const stop = interruption()
    try {
      const options = { plan: String(argv.plan), ...given(experimentFields, argv) }
      const made = await experiment(options, { signal: stop.signal, watch, tell })
      const { verdict, done, of } = made.report
      facts.summary = `${ENDS[made.ended]}: ${done} of ${of} trainings; ${verdict.sentence}`
      if (!json) print(`\n${ENDS[made.ended]}: ${done} of ${of} trainings\n${verdict.sentence}\n${files(made)}`)
      if (made.ended !== 'stopped') return
      diagnostic(`stopped; checkpoint and journal are saved. Continue with: ${resumption().replace(/ --resume$/, '')}`)
      if (stop.reason) process.exitCode = stop.reason.exit
    } finally {
      stop.release()
    }
  }),
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
