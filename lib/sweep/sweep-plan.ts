import { join } from 'node:path'
import { isRun } from '../checkpoint/run-folder.js'
import { badOption, LvmError } from '../errors.js'
import { canonicalJson } from '../files/hash.js'
import { type Given, type Options, resolve } from '../options.js'
import { type Cell, readSweep, type Sweep } from './cells.js'
import { modelsOf, passedOn, seconds, sweepFields } from './sweep-fields.js'

export type SweepSettings = Options<typeof sweepFields>

const fresh = (model: string, run: string): Cell => ({
  model,
  run,
  state: 'queued',
  exit: null,
  signal: null,
  error: null,
  seconds: 0,
})

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

/**
 * Plans a sweep: the cells of an earlier sweep in the folder, and new ones.
 *
 * Errors: BAD_OPTION when the earlier sweep had other options; RUN_EXISTS for a run that no sweep made.
 */
export async function plan(given: Given<typeof sweepFields>): Promise<{ o: SweepSettings; sweep: Sweep }> {
  const o = resolve('sweep', sweepFields, given)
  if (o.data === undefined) throw badOption('sweep', 'data', 'a file of vectors', undefined, 'add --data FILE')
  const models = modelsOf(o.models)
  const typed: Readonly<Record<string, unknown>> = given
  const options = Object.fromEntries(
    passedOn.flatMap((key) => (typed[key] === undefined || key === 'data' ? [] : [[key, typed[key]]])),
  )
  const cells = models.map(({ name, folder }) => fresh(name, folder))
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
  const known = new Map(before?.cells.map((cell) => [cell.model, cell]))
  for (const { model, run } of cells) {
    if (o.overwrite || known.has(model) || !(await isRun(join(o.out, run)))) continue
    throw new LvmError(
      'RUN_EXISTS',
      `sweep: expected no run in ${join(o.out, run)} that the sweep did not make but there is one`,
      {
        hint: 'add --overwrite to replace it, choose another --out, or omit the model from --models',
      },
    )
  }
  const asked = new Set(cells.map(({ model }) => model))
  const kept = (before?.cells ?? []).filter(({ model }) => !asked.has(model))
  return { o, sweep: { ...sweep, cells: [...cells.map((cell) => known.get(cell.model) ?? cell), ...kept] } }
}
