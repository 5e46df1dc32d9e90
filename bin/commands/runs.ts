import { createInterface } from 'node:readline/promises'
import type { Argv, CommandModule } from 'yargs'
import { listRuns, type RunDetails, type RunSummary, removeRun, showRun } from '../../lib/checkpoint/list-runs.js'
import { pruneRun } from '../../lib/checkpoint/prune-run.js'
import { findRun, RUNS } from '../../lib/checkpoint/run-folder.js'
import { beyondPlan } from '../../lib/checkpoint/run-manifest.js'
import { restoreRun } from '../../lib/checkpoint/run-store.js'
import { readsOf } from '../../lib/checkpoint/trained-contexts.js'
import { ERRORS, LvmError } from '../../lib/errors.js'
import { resolve, text } from '../../lib/options.js'
import { basesOf } from '../../lib/report/basis.js'
import { bytes, count, duration, oneLine, table } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'
import { diff } from './runs-diff.js'

const fields = { out: text({ default: RUNS, about: 'folder of the runs', expected: 'a folder' }) }
const rootOf = (argv: Readonly<Record<string, unknown>>) => resolve('runs', fields, given(fields, argv)).out
const aRun = (y: Argv) =>
  y.positional('run', { type: 'string', describe: 'folder of a run, or its name in the folder of the runs' })

const figure = (value: number | null | undefined, digits: number) => value?.toFixed(digits)
const small = (value: number | null | undefined) => value?.toExponential(1)
const day = (iso: string | null) => iso?.slice(0, 16).replace('T', ' ')

function listing(runs: readonly RunSummary[], root: string): string {
  if (runs.length === 0) return `there are no runs in ${root} yet; begin with: lvm-torch train lstm --data FILE`
  const rows = table(runs, {
    run: (r) => r.run,
    model: (r) => r.model,
    state: (r) => r.state,
    epochs: (r) => r.epochs,
    best: (r) => r.best_epoch,
    'val loss': (r) => figure(r.val_loss, 6),
    'val cosine': (r) => figure(r.val_cosine, 4),
    parameters: (r) => r.parameters && count(r.parameters),
    reads: (r) => r.context && (typeof r.reach === 'number' ? `≤ ${r.reach}` : (r.reach ?? r.context)),
    data: (r) => r.data,
    split: ({ split }) => split && `${split.mode}, seed ${split.seed}${split.leaky ? ', leaky' : ''}`,
    size: (r) => bytes(r.bytes),
    saved: (r) => day(r.saved_at),
  })
  const bases = basesOf(
    runs.map(({ data, data_hash: hash, split }) => ({ data: data && hash ? { path: data, hash } : null, split })),
  )
  const mixed =
    bases > 1 ? ['', `these runs use ${bases} different data files or splits: only figures on the same one can be compared`] : []
  return [rows, ...mixed, ...runs.flatMap(({ problem }) => (problem ? ['', problem.message, `fix: ${problem.hint}`] : []))].join(
    '\n',
  )
}

function details(run: RunDetails): string {
  const facts: [string, string | number | null | undefined][] = [
    ['run', run.path],
    ['state', run.state],
    ['written by', run.holder && `process ${run.holder.pid} on ${run.holder.host} since ${run.holder.started}`],
    ['model', run.model],
    ['parameters', run.parameters && count(run.parameters)],
    [
      'reads',
      run.context &&
        readsOf({ context: run.context, ...(run.reach !== null && { history: run.reach, min_history: run.min_history! }) }),
    ],
    ['data', run.data],
    ['size on disk', bytes(run.bytes)],
    ['saved', run.saved_at && `${run.saved_at} (save ${run.generation})`],
    [
      'best',
      run.best_epoch === null
        ? run.history.length > 0
          ? 'none: no epoch has ended; epoch 0 is the model before training'
          : null
        : `epoch ${run.best_epoch}: val loss ${figure(run.val_loss, 6)}, val cosine ${figure(run.val_cosine, 4)}`,
    ],
    ['weights kept', run.manifest.weights_kept as string | undefined],
    ['beyond its plan', run.extended.length === 0 ? null : beyondPlan(run.extended)],
    ...Object.entries(run.files).map(([name, size]): [string, string] => [name, bytes(size)]),
    ...Object.entries(run.config).map(([key, value]): [string, string] => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    ['problem', run.problem?.message],
    ['fix', run.problem?.hint],
  ]
  const shown = facts.filter(([, value]) => value !== null && value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  const history = table(run.history, {
    epoch: (r) => r.epoch,
    'train loss': (r) => figure(r.train_loss, 6),
    'val loss': (r) => figure(r.val_loss, 6),
    'train cosine': (r) => figure(r.train_cosine, 4),
    'val cosine': (r) => figure(r.val_cosine, 4),
    lr: (r) => small(r.lr),
    ...(run.history.some(({ weights }) => weights) && { weights: (r: RunDetails['history'][number]) => r.weights }),
    time: (r) => (r.seconds === null ? null : duration(r.seconds)),
  })
  const lines = shown.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(String(value))}`)
  return [...lines, ...(run.history.length > 0 ? ['', history] : [])].join('\n')
}

const list: CommandModule = {
  command: 'list',
  describe: 'list every run with its state and its best figures',
  handler: async (argv) => {
    const root = rootOf(argv)
    const runs = await listRuns(root)
    answer({ version: 1, runs }, () => listing(runs, root), argv.json === true)
  },
}

const show: CommandModule = {
  command: 'show <run>',
  describe: 'show the settings, files and history of one run',
  builder: aRun,
  handler: async (argv) => {
    const run = await showRun(String(argv.run), rootOf(argv))
    answer({ version: 1, ...run }, () => details(run), argv.json === true)
    if (run.problem) process.exitCode = ERRORS[run.problem.code].exit
  },
}

/** Whether a removal needs a confirmation. Errors: BAD_OPTION without --yes where there is no terminal. */
function asks(owner: string, argv: Readonly<Record<string, unknown>>): boolean {
  if (argv.yes === true) return false
  if (argv.json === true || !process.stdin.isTTY || !process.stdout.isTTY)
    throw new LvmError('BAD_OPTION', `${owner}: needs --yes when there is no terminal to ask on`, { hint: 'add --yes' })
  return true
}

const someRuns = (y: Argv) =>
  y
    .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
    .positional('run', { type: 'string', array: true, describe: 'folders of runs, or their names in the folder of the runs' })
    .option('yes', { type: 'boolean', describe: 'do not ask' })

const prune: CommandModule = {
  command: 'prune <run..>',
  describe: 'remove what only --resume needs: final_model.pt and the save before the last',
  builder: someRuns,
  handler: async (argv) => {
    const folders: string[] = []
    for (const run of argv.run as string[]) folders.push(await findRun(String(run), rootOf(argv)))
    const ask = asks('runs prune', argv)
    const pruned: { path: string; freed: number }[] = []
    for (const path of folders) {
      if (ask && !(await confirmed(`remove final_model.pt from ${path}, so that it cannot be resumed? [y/N] `))) continue
      pruned.push({ path, ...(await pruneRun(path)) })
    }
    const line = ({ path, freed }: (typeof pruned)[number]) => `pruned ${path}: ${bytes(freed)} freed`
    answer({ version: 1, pruned }, () => pruned.map(line).join('\n') || 'nothing was removed', argv.json === true)
  },
}

const rm: CommandModule = {
  command: 'rm <run..>',
  describe: 'remove runs; other files in their folders stay',
  builder: someRuns,
  handler: async (argv) => {
    const folders: string[] = []
    for (const run of argv.run as string[]) folders.push(await findRun(String(run), rootOf(argv)))
    const ask = asks('runs rm', argv)
    const removed: { path: string; kept: string[] }[] = []
    for (const path of folders) {
      if (ask && !(await confirmed(`remove the run in ${path}? [y/N] `))) continue
      removed.push({ path, ...(await removeRun(path)) })
    }
    const line = ({ path, kept }: { path: string; kept: string[] }) =>
      kept.length === 0 ? `removed ${path}` : `removed the run in ${path}; kept other files: ${kept.join(', ')}`
    answer({ version: 1, removed }, () => removed.map(line).join('\n') || 'nothing was removed', argv.json === true)
  },
}

async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test((await terminal.question(oneLine(question))).trim())
  } finally {
    terminal.close()
  }
}

const restore: CommandModule = {
  command: 'restore <run>',
  describe: 'restore a damaged run from its newest intact save',
  builder: aRun,
  handler: async (argv) => {
    const folder = await findRun(String(argv.run), rootOf(argv))
    const { generation, manifest } = await restoreRun(folder)
    const { saved_at } = manifest
    answer(
      { version: 1, path: folder, generation, saved_at },
      () => `restored ${folder} from save ${generation} of ${saved_at}`,
      argv.json === true,
    )
  },
}

export const runs: CommandModule = {
  command: 'runs',
  describe: 'list, show, compare, remove, prune or restore runs',
  builder: (y: Argv) =>
    y
      .options(flags(fields))
      .command(list)
      .command(show)
      .command(diff(rootOf))
      .command(rm)
      .command(prune)
      .command(restore)
      .demandCommand(1)
      .example('$0 runs list', 'every run with its best figures')
      .example('$0 runs show lstm_baseline', 'one run, epoch by epoch'),
  handler: () => {},
}
