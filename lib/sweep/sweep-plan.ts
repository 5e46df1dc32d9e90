import { join } from 'node:path'
import { isRun } from '../checkpoint/run-folder.js'
import { foldRunName, foldText } from '../data/fold.js'
import { badOption, LvmError } from '../errors.js'
import { canonicalJson } from '../files/hash.js'
import { type Given, type Options, resolve } from '../options.js'
import { readModelFile } from '../train/model-file.js'
import { type Cell, readSweep, type Sweep } from './cells.js'
import { modelsOf, passedOn, seconds, sweepFields } from './sweep-fields.js'

export type SweepSettings = Options<typeof sweepFields>

const UNTRAINED = { state: 'queued', exit: null, signal: null, error: null, seconds: 0 } as const

/** Counts from a number on. */
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

type Shared = Sweep['options']
/** First of several seeds, as in `train --seeds`. */
const firstSeed = ({ seed }: Shared): number => Number(seed ?? 1)

/** A model to train; one of the user's own has a file. */
interface Listed {
  readonly name: string
  readonly folder: string
  readonly file?: string
}

/** The models of a sweep: those that are named, all of the matrix unless there are files, and those of files. Errors: BAD_OPTION; those of readModelFile. */
async function listed(models: string | undefined, { modelFile }: SweepSettings): Promise<Listed[]> {
  const files = modelFile === undefined ? [] : modelFile.split(',').map((file) => file.trim())
  const own = await Promise.all(files.map(async (file) => ({ ...(await readModelFile(file)), file })))
  const twice = own.find(({ name }, i) => own.findIndex((other) => other.name === name) !== i)
  if (twice !== undefined) throw badOption('sweep', 'modelFile', `every name once, but two files have ${twice.name},`, modelFile)
  return [...(models === undefined && own.length > 0 ? [] : modelsOf(models ?? sweepFields.models.default)), ...own]
}

/** Cells that the options ask for, as they are before their training: each model, times seeds, times folds. */
export function askedCells(o: SweepSettings, shared: Shared, models: readonly Listed[] = modelsOf(o.models)): Cell[] {
  const seeds = o.seeds === 1 ? [undefined] : from(firstSeed(shared), o.seeds)
  const folds = o.folds === undefined ? [undefined] : from(1, o.folds).map((index) => ({ index, of: o.folds! }))
  return models.flatMap(({ name: model, folder, file }) =>
    seeds.flatMap((seed) =>
      folds.map((fold): Cell => {
        const own = {
          ...(file !== undefined && { model_file: file }),
          ...(fold && { fold: foldText(fold) }),
          ...(seed !== undefined && { seed }),
        }
        const run = fold ? foldRunName(folder, fold, seed) : seed === undefined ? folder : `${folder}_seed${seed}`
        return { model, run, ...own, ...UNTRAINED }
      }),
    ),
  )
}

/** Options of the training of one cell: those of the sweep, and its own. */
export function optionsOf(shared: Shared, { fold, seed }: Cell): Shared {
  const own = seed === undefined ? {} : { seed, splitSeed: shared.splitSeed ?? firstSeed(shared) }
  return { ...shared, ...own, ...(fold !== undefined && { fold }) }
}

/** Errors: BAD_OPTION for options of the split that do not go with folds. */
function requireFolds({ folds, fold, split, test }: SweepSettings): void {
  if (folds === undefined) return
  const none = (key: string, expected: string, value: unknown) => {
    throw badOption('sweep', key, `${expected} with "folds", which hold out whole articles in turn,`, value, `leave --${key} out`)
  }
  if (fold !== undefined) none('fold', 'no value', fold)
  if (split !== 'articles') none('split', 'articles', split)
  if (test > 0) none('test', '0', test)
}

function sameOptions(before: Sweep, now: Sweep, folder: string): void {
  const said = ({ data, options, runs }: Sweep) => canonicalJson({ data, options, runs })
  if (said(before) === said(now)) return
  const list = ({ options, data, runs }: Sweep) =>
    Object.entries({ data, runs, ...options })
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')
  throw badOption(
    'sweep',
    'options',
    `those that the sweep in ${folder} was started with (${list(before)})`,
    list(now),
    'use the same options, add --overwrite to start again, or choose another --evaluation and --out',
  )
}

/** Settings of a sweep, its cells, and the runs among them that were asked for now. */
export interface SweepPlan {
  readonly o: SweepSettings
  readonly asked: ReadonlySet<string>
  readonly sweep: Sweep
}

/**
 * Plans a sweep: the cells of an earlier sweep in the folder, and new ones.
 *
 * Errors: BAD_OPTION when the earlier sweep had other options; RUN_EXISTS for a run that no sweep made.
 */
export async function plan(given: Given<typeof sweepFields>): Promise<SweepPlan> {
  const o = resolve('sweep', sweepFields, given)
  if (o.data === undefined) throw badOption('sweep', 'data', 'a file of vectors', undefined, 'add --data FILE')
  requireFolds(o)
  const typed: Readonly<Record<string, unknown>> = given
  const options = Object.fromEntries(
    passedOn.flatMap((key) => (typed[key] === undefined || key === 'data' ? [] : [[key, typed[key]]])),
  )
  const cells = askedCells(o, options as Sweep['options'], await listed(given.models, o))
  const budget = o.budget === undefined ? null : seconds(o.budget)
  const sweep: Sweep = {
    version: 1,
    data: o.data,
    options: options as Sweep['options'],
    budget_seconds: budget,
    runs: o.out,
    cells,
  }
  const before = o.overwrite ? undefined : await readSweep(o.evaluation)
  if (before !== undefined) sameOptions(before, sweep, o.evaluation)
  const known = new Map(before?.cells.map((cell) => [cell.run, cell]))
  for (const { run } of cells) {
    if (o.overwrite || known.has(run) || !(await isRun(join(o.out, run)))) continue
    throw new LvmError(
      'RUN_EXISTS',
      `sweep: expected no run in ${join(o.out, run)} that the sweep did not make but there is one`,
      {
        hint: 'add --overwrite to replace it, choose another --out, or omit the model from --models',
      },
    )
  }
  const asked = new Set(cells.map(({ run }) => run))
  const kept = (before?.cells ?? []).filter(({ run }) => !asked.has(run))
  return { o, asked, sweep: { ...sweep, cells: [...cells.map((cell) => known.get(cell.run) ?? cell), ...kept] } }
}
