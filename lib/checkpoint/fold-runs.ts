import { basename, dirname, join } from 'node:path'
import { type Fold, foldRunName, foldText } from '../data/fold.js'
import { badOption, LvmError, shown } from '../errors.js'
import { shellWord } from '../show.js'
import { type RunDetails, showRun } from './list-runs.js'
import { RUNS, runFolder, runName, runNames } from './run-folder.js'

/** The finished runs of one model and seed over all folds: together they hold every article out once. */
export interface FoldRuns {
  /** Name of the whole in documents, such as lstm_baseline-5folds. */
  readonly name: string
  /** Seed of the training where the name has several; the runs of all seeds share their split. */
  readonly seed: number | undefined
  /** Names or folders of the runs, in the order of the folds. */
  readonly runs: readonly string[]
}

const SUFFIX = /^(.*)-fold([1-9]\d*)of([1-9]\d*)(?:-seed(\d+))?$/

interface Named {
  readonly base: string
  readonly fold: Fold
  readonly seed: number | undefined
}

function parse(run: string): Named | undefined {
  const [, base, index, of, seed] = SUFFIX.exec(run) ?? []
  if (base === undefined) return undefined
  return { base, fold: { index: Number(index), of: Number(of) }, seed: seed === undefined ? undefined : Number(seed) }
}

/** Returns the command that trains or resumes one fold, after the command of another one. */
function finishing(run: string, fold: Fold, state: 'missing' | 'unfinished', like: RunDetails): string {
  const words = (like.manifest.command_line as readonly string[]).slice(1)
  const line = (all: readonly string[]) => ['lvm-torch', ...all].map((word) => shellWord(word)).join(' ')
  if (words[0] === 'train' && words.some((word) => /^--folds(=|$)/.test(word)))
    return line([...words.filter((word) => !/^--(resume|overwrite|json)$/.test(word)), '--resume'])
  const typed = words[0] === 'train' && words.some((word) => word.startsWith('--fold='))
  const out = words.filter((word) => word.startsWith('--out='))
  const own = words.slice(2).filter((word) => !/^--(name|fold|out|resume|overwrite|json)(=|$)/.test(word))
  const rest = state === 'unfinished' ? ['--resume'] : own
  const train = ['train', like.model!, `--name=${run}`, ...out, ...(state === 'missing' ? [`--fold=${foldText(fold)}`] : [])]
  if (typed) return line([...train, ...rest])
  return `lvm-torch train ${like.model} --folds ${fold.of} --resume, with the other options of ${like.run}`
}

/** Settings that may differ between folds: they do not change what is learned, or they are the fold itself. */
const FREE = ['fold', 'data', 'device', 'threads', 'save_every', 'force', 'resume', 'overwrite']

/** Errors: BAD_OPTION when a fold was trained with other data, options or cut than the first. */
function requireSame(owner: string, first: RunDetails, other: RunDetails): void {
  const factsOf = ({ model, data_hash, split, config }: RunDetails) => ({
    model,
    'data hash': data_hash,
    'split seed': split?.seed,
    ...Object.fromEntries(Object.entries(config).filter(([key]) => !FREE.includes(key))),
  })
  const [a, b]: Record<string, unknown>[] = [factsOf(first), factsOf(other)]
  const key = Object.keys({ ...a, ...b }).find((key) => JSON.stringify(a![key]) !== JSON.stringify(b![key]))
  if (key === undefined) return
  throw new LvmError(
    'BAD_OPTION',
    `${owner}: expected folds that were trained alike but "${key}" is ${shown(a![key])} in ${first.run} and ${shown(b![key])} in ${other.run}`,
    { hint: `train ${other.run} again with the options of ${first.run} and --overwrite` },
  )
}

/** Checks the folds of one seed. Errors: RUN_MISSING for missing and unfinished ones, with the commands that finish them. */
async function requireAll(owner: string, root: string, { base, fold: { of }, seed }: Named): Promise<RunDetails[]> {
  const there = new Set(await runNames(root))
  const folds = Array.from({ length: of }, (_, i) => ({ index: i + 1, of }))
  const found = new Map<string, RunDetails>()
  for (const run of folds.map((fold) => foldRunName(base, fold, seed)))
    if (there.has(run)) found.set(run, await showRun(join(root, run), root, { deep: false }))
  const [like] = found.values()
  const open = folds.flatMap((fold) => {
    const run = foldRunName(base, fold, seed)
    const details = found.get(run)
    if (details?.state === 'complete') return []
    if (details?.state === 'damaged')
      throw new LvmError('BAD_CHECKPOINT', `${run}: ${details.problem!.message}`, { hint: details.problem!.hint })
    return [{ run, fold, details }]
  })
  if (open.length > 0) {
    const said = open.map(({ run, details }) => (details === undefined ? `${run} is missing` : `${run} is ${details.state}`))
    const commands = open.map(({ run, fold, details }) =>
      finishing(run, fold, details === undefined ? 'missing' : 'unfinished', details ?? like!),
    )
    throw new LvmError('RUN_MISSING', `${owner}: expected ${of} finished folds of ${base} but ${said.join(', ')}`, {
      hint: `call the sweep again, or: ${[...new Set(commands)].join('\n')}`,
    })
  }
  const runs = folds.map((fold) => found.get(foldRunName(base, fold, seed))!)
  for (const [i, run] of runs.entries()) {
    const { fold } = run.split ?? {}
    if (fold?.index !== i + 1 || fold.of !== of)
      throw badOption(owner, 'folds', `a run of fold ${i + 1} of ${of} in ${run.run}`, fold && foldText(fold))
    requireSame(owner, runs[0]!, run)
  }
  return runs
}

/**
 * Finds the runs of all folds of a model, one set for each seed, by their common name or the name of one of them.
 *
 * Errors: RUN_MISSING for missing and unfinished folds, with the commands that finish them; BAD_OPTION for folds that do not fit
 * together, and when the name has folds of several numbers.
 */
export async function findFolds(owner: string, name: string, root = RUNS): Promise<readonly FoldRuns[]> {
  const folder = runFolder(name, root)
  const here = dirname(folder)
  const typed = parse(basename(folder))
  const base = typed?.base ?? basename(folder)
  const all = (await runNames(here)).flatMap((run) => parse(run) ?? []).filter((run) => run.base === base)
  const meant = ({ fold, seed }: Named) =>
    typed === undefined || (fold.of === typed.fold.of && [undefined, seed].includes(typed.seed))
  const some = all.filter(meant)
  if (some.length === 0)
    throw new LvmError(
      'RUN_MISSING',
      `${owner}: expected folds such as ${foldRunName(base, { index: 1, of: 5 })} in ${here} but there are none`,
      {
        hint: 'train them with: lvm-torch sweep --models MODEL --folds 5 --data FILE; name the runs without -foldIofK',
      },
    )
  const numbers = [...new Set(some.map(({ fold }) => fold.of))]
  if (numbers.length > 1) {
    const example = foldRunName(base, { index: 1, of: numbers[0]! })
    throw badOption(owner, 'folds', `one number of folds of ${base}`, numbers.join(' and '), `name one of the runs: ${example}`)
  }
  const seeds = [...new Map(some.map((run) => [run.seed, run])).values()].sort((a, b) => (a.seed ?? -1) - (b.seed ?? -1))
  const sets: FoldRuns[] = []
  for (const one of seeds) {
    const runs = await requireAll(owner, here, one)
    const called = `${base}-${numbers[0]}folds${one.seed === undefined ? '' : `-seed${one.seed}`}`
    const names = runs.map((run) => runName(run.path, root))
    sets.push({ name: runName(join(here, called), root), seed: one.seed, runs: names })
  }
  return sets
}
