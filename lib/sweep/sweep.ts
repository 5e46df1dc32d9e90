import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { showRun } from '../checkpoint/list-runs.js'
import { isRun } from '../checkpoint/run-folder.js'
import { abortSignal, asyncDoor, callback, only, optional, withFields } from '../door.js'
import { sealedText } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import { kebab } from '../options.js'
import { type Reported, report } from '../report/report.js'
import type { TrainEvent } from '../train/train-events.js'
import { type Cell, SWEEP, type Sweep } from './cells.js'
import { type Ended, runVerb } from './sweep-child.js'
import { modelsOf } from './sweep-fields.js'
import { plan, type SweepSettings } from './sweep-plan.js'

/** Options of `sweep`: any field of `sweepFields`. */
export type SweepOptions = Readonly<Record<string, string | number | boolean | undefined>>

/** What a sweep tells as it goes. */
export type SweepEvent = { version: 1 } & (
  | { type: 'cell'; cell: Cell; number: number; of: number; seconds_left: number | null }
  | { type: 'training'; model: string; event: TrainEvent }
  | { type: 'result'; sweep: Sweep; stopped: boolean; page: string; json: string; table: string; plots: string }
)

/** Options as words of the command line. */
const wordsOf = (options: Sweep['options']): string[] =>
  Object.entries(options).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return [value ? `--${kebab(key)}` : `--no-${kebab(key)}`]
    return [`--${kebab(key)}=${value}`]
  })

/** Where the run of a cell stands: not there, to be resumed, or at its end. */
async function standing(runs: string, run: string): Promise<'none' | 'begun' | 'ended' | 'damaged'> {
  if (!(await isRun(join(runs, run)))) return 'none'
  const { state } = await showRun(join(runs, run), runs, { deep: false })
  return state === 'damaged' ? 'damaged' : state === 'complete' ? 'ended' : 'begun'
}

interface Work {
  readonly o: SweepSettings
  readonly sweep: Sweep
  readonly signal: AbortSignal | undefined
  readonly tell: (event: SweepEvent) => void
}

/** Trains one cell, from its checkpoint where it has one, for so many seconds at most. */
async function train({ o, sweep, signal, tell }: Work, cell: Cell, limit: number | undefined): Promise<Ended> {
  const stands = await standing(o.out, cell.run)
  const place = [`--name=${cell.run}`, `--out=${o.out}`]
  const afresh = [
    `--data=${sweep.data}`,
    ...wordsOf(sweep.options),
    ...(stands === 'damaged' || o.overwrite ? ['--overwrite'] : []),
  ]
  const words = ['train', cell.model, ...place, ...(stands === 'begun' && !o.overwrite ? ['--resume'] : afresh)]
  const hear = (event: object) => tell({ version: 1, type: 'training', model: cell.model, event: event as TrainEvent })
  return runVerb(words, { signal, seconds: limit, hear })
}

/** What a training that ended means for its cell. */
function afterTraining(cell: Cell, ended: Ended): Cell {
  const { exit, signal, error } = ended
  const seconds = cell.seconds + ended.seconds
  if (ended.stopped === 'told') return { ...cell, exit, signal, seconds, error: null, state: 'interrupted' }
  if (ended.stopped === 'time' && (exit === 130 || signal !== null))
    return { ...cell, exit, signal, seconds, error: null, state: 'out of budget' }
  return { ...cell, exit, signal, seconds, error, state: error === null ? 'evaluating' : 'failed' }
}

/** Judges the run of a cell; one that was stopped for want of time is judged as far as it came. */
async function evaluate({ o, signal }: Work, cell: Cell): Promise<Cell> {
  const words = ['evaluate', join(o.out, cell.run), `--out=${o.evaluation}`, `--latency=${o.latency}`]
  const ended = await runVerb(words, { signal })
  const after = { ...cell, seconds: cell.seconds + ended.seconds }
  if (ended.stopped === 'told') return { ...after, state: 'interrupted' }
  if (ended.error !== null) return { ...after, exit: ended.exit, signal: ended.signal, error: ended.error, state: 'failed' }
  return { ...after, state: cell.state === 'out of budget' ? cell.state : 'done' }
}

type Control = { signal?: AbortSignal; tell?: Work['tell']; say?: (line: string) => void }
const ARGS = {
  options: withFields({}),
  control: only({ signal: optional(abortSignal), tell: optional(callback), say: optional(callback) }),
}

/**
 * Trains and judges models one after the other, each in a process of its own, and makes the report.
 *
 * Called again with the same options, it goes on where it stopped: what is done is left as it is, what failed is tried again.
 * Errors: BAD_OPTION; RUN_EXISTS. What goes wrong in a cell stands in the result.
 */
export const sweep = asyncDoor('sweep', ARGS, async (options: SweepOptions, control: Control = {}) => {
  const { signal, tell = () => {}, say = () => {} } = control
  const { o, sweep: planned } = await plan(options)
  await mkdir(o.evaluation, { recursive: true })
  let sweep = planned
  const asked = new Set(modelsOf(o.models).map(({ name }) => name))
  const open = sweep.cells.filter((cell) => asked.has(cell.model) && cell.state !== 'done')
  let left = sweep.budget_seconds
  const put = async (cell: Cell): Promise<Cell> => {
    sweep = { ...sweep, cells: sweep.cells.map((c) => (c.model === cell.model ? cell : c)) }
    await replaceText(o.evaluation, SWEEP, sealedText(sweep))
    tell({
      version: 1,
      type: 'cell',
      cell,
      number: open.findIndex((c) => c.model === cell.model) + 1,
      of: open.length,
      seconds_left: left,
    })
    return cell
  }
  for (const [i, waiting] of open.entries()) {
    if (signal?.aborted) break
    if (left !== null && left <= 0) {
      await put({ ...waiting, state: 'out of budget' })
      continue
    }
    const work: Work = { o, sweep, signal, tell }
    const share = left === null ? undefined : left / (open.length - i)
    let cell = await put({ ...waiting, state: 'training', error: null })
    if (o.overwrite || (await standing(o.out, cell.run)) !== 'ended') {
      const ended = await train(work, cell, share)
      if (left !== null) left -= Math.min(share!, ended.seconds) // what stopping takes is nobody else's loss
      cell = await put(afterTraining(cell, ended))
    } else cell = await put({ ...cell, state: 'evaluating' })
    const judgeable =
      cell.state === 'evaluating' || (cell.state === 'out of budget' && (await standing(o.out, cell.run)) !== 'none')
    if (judgeable) cell = await put(await evaluate(work, cell))
  }
  const made: Reported = await report({ runs: o.out, out: o.evaluation, say })
  const { page, json, table, plots } = made
  const stopped = signal?.aborted === true
  tell({ version: 1, type: 'result', sweep, stopped, page, json, table, plots })
  return { sweep, stopped, ...made }
})
