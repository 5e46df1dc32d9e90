import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL, followed, type Control as LongControl } from '../control.js'
import { asyncDoor, callback, only, optional, withFields, word } from '../door.js'
import { LvmError } from '../errors.js'
import { lockRun } from '../files/lock.js'
import { publish } from '../files/write.js'
import { type Given, resolve } from '../options.js'
import { drawFigures } from '../report/figures/index.js'
import { tally } from '../stages.js'
import { seconds } from '../sweep/sweep-fields.js'
import { shownRuns } from '../train/watch/show-runs.js'
import { type WatchOption, watchOption } from '../train/watch/watch-fields.js'
import { begin, folderOf } from './begin.js'
import { checkCombinations, dataFacts } from './data-facts.js'
import { type ExperimentReport, experimentDocument } from './experiment-document.js'
import type { EndedBy, ExperimentEvent, ToldEvent } from './experiment-events.js'
import { experimentFields, experimentFolderFields } from './experiment-fields.js'
import { experimentFigures } from './experiment-figures.js'
import { experimentMarkdown } from './experiment-markdown.js'
import { experimentPage } from './experiment-page.js'
import { JOURNAL } from './journal.js'
import { readPlan } from './read-plan.js'
import { endsOf, type Opened, runExperiment } from './run-experiment.js'
import { follow, recallRuns } from './watched-runs.js'

/** Options of `experiment`: the plan, and any field of `experimentFields`. */
export interface ExperimentOptions extends Given<typeof experimentFields> {
  /** YAML file of the plan. */
  readonly plan: string
}
/** Options of `experimentStatus` and `experimentReport`. */
export interface ExperimentFolderOptions extends Given<typeof experimentFolderFields> {
  /** Folder of an experiment, or its plan; if omitted, the newest experiment below artifacts/lvm/experiments. */
  readonly of?: string
}
/** An experiment's report and the files it was written to. */
export interface ExperimentReported {
  readonly report: ExperimentReport
  readonly page: string
  readonly json: string
  readonly table: string
  readonly plots: string
}

type Control = LongControl & {
  tell?: (event: ExperimentEvent) => void
  /** Serves a page with the curves of all runs while they are trained, to this machine only, at the address of the event `watch`. */
  watch?: WatchOption
}
const ARGS = {
  options: withFields({ plan: word }),
  control: only({ ...CONTROL, tell: optional(callback), watch: optional(watchOption) }),
}
const FOLDER_ARGS = { options: withFields({ of: optional(word) }) }

/** Writes report.json, report.md, report.html and plots/ from the journal of a folder. */
async function writeReport(folder: string, state?: { isOver: boolean }): Promise<ExperimentReported> {
  const report = await experimentDocument(folder, state)
  const plots = join(folder, 'plots')
  const figures = await drawFigures(experimentFigures(report), plots)
  const [page, json, table] = ['report.html', 'report.json', 'report.md'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await publish({
    [json]: `${JSON.stringify(report, null, 2)}\n`,
    [table]: experimentMarkdown(report),
    [page]: experimentPage(report, figures),
  })
  return { report, page, json, table, plots }
}

/** Trains and measures all runs, and shows them on a page if it is asked for. */
async function allRuns(opened: Opened, watch: WatchOption | undefined, onProgress: Control['onProgress']): Promise<EndedBy> {
  const { plan, folder, journal, tell } = opened
  const page = { watch, title: `experiment ${plan.name}`, tell: (url: string) => tell({ type: 'watch', url }) }
  const { ended } = await shownRuns(page, async (change, live) => {
    if (live) await recallRuns(live, folder, endsOf(journal.entries), plan.budget.runs)
    const hear = (event: ToldEvent) => {
      if (event.type === 'run') tally(event.number, event.of)
      change((live) => follow(live, event))
      tell(event)
    }
    const { ended } = await followed(onProgress, 'runs', () => runExperiment({ ...opened, tell: hear }))
    return { ended, stopped: ended === 'stopped' }
  })
  return ended
}

/**
 * Searches models and options by a plan: each run is a process of its own, each result a line of an append-only journal.
 *
 * Called again it continues: ended runs are kept, an interrupted training resumes from its checkpoint.
 * Errors: FILE_MISSING; BAD_OPTION for a plan that `train` would refuse or that differs from the earlier one; RUN_LOCKED while another process runs it; DATA_FORMAT for a damaged journal; errors that every run would have, such as NO_DISK. Other errors of a run are recorded in the report.
 */
export const experiment = asyncDoor(
  'experiment',
  ARGS,
  async (
    options: ExperimentOptions,
    { signal, tell = () => {}, watch, onProgress }: Control = {},
  ): Promise<ExperimentReported & { ended: EndedBy }> => {
    const { plan: path, ...given } = options
    const o = resolve('experiment', experimentFields, given)
    const written = await readPlan(path)
    const budget = {
      runs: o.runs ?? written.budget.runs,
      seconds: o.time === undefined ? written.budget.seconds : seconds(o.time),
    }
    const plan = { ...written, budget }
    if (budget.runs % plan.seeds.length !== 0)
      throw new LvmError(
        'BAD_OPTION',
        `experiment: expected a multiple of ${plan.seeds.length}, the number of seeds, for "runs" but received ${budget.runs}`,
      )
    const facts = await dataFacts(plan.data)
    const warnings = checkCombinations(plan.spaces, facts, plan.own)
    const folder = o.out ?? folderOf(plan.name)
    const say = (event: ToldEvent) => tell({ version: 1, ...event })
    const lock = await lockRun(folder, `experiment ${plan.name}`)
    try {
      const journal = await begin(folder, plan, facts.hash)
      try {
        say({
          type: 'experiment',
          name: plan.name,
          folder,
          method: plan.method,
          metric: plan.metric,
          models: Object.fromEntries(Object.entries(plan.spaces).map(([model, { search }]) => [model, Object.keys(search)])),
          data: plan.data,
          runs: budget.runs,
          done: endsOf(journal.entries).length,
          budget_seconds: budget.seconds,
        })
        for (const message of warnings) say({ type: 'warning', message })
        if (journal.cut)
          say({ type: 'warning', message: `the last line of ${join(folder, JOURNAL)} was half-written and was cut off` })
        const ended = await allRuns({ plan, folder, facts, journal, signal, tell: say }, watch, onProgress)
        const made = await writeReport(folder, { isOver: true })
        const { report, ...files } = made
        say({ type: 'result', folder, ended, done: report.done, of: report.of, verdict: report.verdict, ...files })
        return { ...made, ended }
      } finally {
        journal.close()
      }
    } finally {
      await lock.release()
    }
  },
)

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** The experiment whose journal was written last. Errors: RUN_MISSING when there is none. */
async function newest(): Promise<string> {
  const root = folderOf('.')
  const names = await readdir(root).catch(() => [])
  const found = await Promise.all(
    names.map(async (name) => ({
      folder: folderOf(name),
      time: (await stat(join(root, name, JOURNAL)).catch(() => undefined))?.mtimeMs,
    })),
  )
  const [last] = found.filter(({ time }) => time !== undefined).sort((a, b) => b.time! - a.time!)
  if (last !== undefined) return last.folder
  throw new LvmError('RUN_MISSING', `experiment: expected an experiment in ${root} but there is none`, {
    hint: 'give its folder or its plan',
  })
}

async function folderFrom(given: ExperimentFolderOptions): Promise<string> {
  const { of, ...more } = given
  const { out } = resolve('experiment', experimentFolderFields, more)
  if (out !== undefined) return out
  if (of === undefined) return newest()
  for (const folder of [of, folderOf(of)]) if (await isFolder(folder)) return folder
  return folderOf((await readPlan(of)).name)
}

/**
 * Returns state and results of an experiment from its journal, also while it runs.
 *
 * Errors: RUN_MISSING without a journal, DATA_FORMAT for a damaged one.
 */
export const experimentStatus = asyncDoor('experiment status', FOLDER_ARGS, async (options: ExperimentFolderOptions = {}) =>
  experimentDocument(await folderFrom(options)),
)

/**
 * Writes the report of an experiment: report.json, report.md, a page and figures.
 *
 * Errors: RUN_MISSING without a journal, DATA_FORMAT for a damaged one.
 */
export const experimentReport = asyncDoor('experiment report', FOLDER_ARGS, async (options: ExperimentFolderOptions = {}) =>
  writeReport(await folderFrom(options)),
)
