import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sealedText } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import type { TrainEvent } from '../train/train-events.js'
import { type Cell, SWEEP, type Sweep } from './cells.js'
import { type Ended, runVerb } from './sweep-child.js'
import { optionsOf, type SweepPlan, type SweepSettings } from './sweep-plan.js'
import { standing, trainChild } from './train-child.js'

/** Progress events of a sweep. */
export type CellEvent = { version: 1 } & (
  | { type: 'cell'; cell: Cell; number: number; of: number; seconds_left: number | null }
  | { type: 'training'; model: string; run: string; event: TrainEvent }
)

interface Work {
  readonly o: SweepSettings
  readonly sweep: Sweep
  readonly signal: AbortSignal | undefined
  readonly tell: (event: CellEvent) => void
}

/** Trains one cell for at most `limit` seconds, resuming from its checkpoint if there is one. */
async function train({ o, sweep, signal, tell }: Work, cell: Cell, limit: number | undefined): Promise<Ended> {
  const { stands } = await standing(o.out, cell.run)
  const { model, run, model_file: modelFile } = cell
  return trainChild(
    { model, modelFile, run, out: o.out, data: sweep.data, options: optionsOf(sweep.options, cell) },
    {
      resume: stands === 'begun' && !o.overwrite ? {} : undefined,
      overwrite: stands === 'damaged' || o.overwrite,
      signal,
      seconds: limit,
      hear: (event) => tell({ version: 1, type: 'training', model, run, event }),
    },
  )
}

/** Updates a cell after its training process ended. */
function afterTraining(cell: Cell, ended: Ended): Cell {
  const { exit, signal, error } = ended
  const seconds = cell.seconds + ended.seconds
  if (ended.stopped === 'asked') return { ...cell, exit, signal, seconds, error: null, state: 'interrupted' }
  if (ended.stopped === 'time' && (exit === 130 || signal !== null))
    return { ...cell, exit, signal, seconds, error: null, state: 'out of budget' }
  return { ...cell, exit, signal, seconds, error, state: error === null ? 'evaluating' : 'failed' }
}

/** Whether a cell is the last fold of its model and seed: all others are done. */
function completesFolds({ cells }: Sweep, { model, fold, seed, run }: Cell): boolean {
  const isOther = (cell: Cell) => cell.model === model && cell.seed === seed && cell.run !== run && cell.fold !== undefined
  const sameCut = (cell: Cell) => cell.fold!.split('/')[1] === fold!.split('/')[1]
  return fold !== undefined && cells.filter((cell) => isOther(cell) && sameCut(cell)).every(({ state }) => state === 'done')
}

/** Evaluates the run of a cell, including one that used up its time; after the last fold, all of them together. */
async function evaluate({ o, sweep, signal }: Work, cell: Cell): Promise<Cell> {
  const own = ['evaluate', join(o.out, cell.run), `--out=${o.evaluation}`, `--latency=${o.latency}`]
  let ended = await runVerb(own, { signal })
  if (cell.state === 'evaluating' && ended.exit === 0 && completesFolds(sweep, cell)) {
    const { seconds } = ended
    ended = await runVerb(['evaluate', join(o.out, cell.run), '--folds', `--out=${o.evaluation}`], { signal })
    ended = { ...ended, seconds: ended.seconds + seconds }
  }
  const after = { ...cell, seconds: cell.seconds + ended.seconds }
  if (ended.stopped === 'asked') return { ...after, state: 'interrupted' }
  if (ended.error !== null) return { ...after, exit: ended.exit, signal: ended.signal, error: ended.error, state: 'failed' }
  return { ...after, state: cell.state === 'out of budget' ? cell.state : 'done' }
}

/** Listener and stop signal of a sweep. */
export interface SweepControl {
  readonly signal?: AbortSignal
  readonly tell?: (event: CellEvent) => void
}

/** Trains and evaluates one cell within `share` seconds; `put` saves the cell and subtracts the seconds spent from the budget. */
async function run(
  work: Work,
  waiting: Cell,
  share: number | undefined,
  put: (cell: Cell, spent?: number) => Promise<Cell>,
): Promise<void> {
  const { o } = work
  let cell = await put({ ...waiting, state: 'training', error: null })
  if (o.overwrite || (await standing(o.out, cell.run)).stands !== 'ended') {
    const ended = await train(work, cell, share)
    const spent = Math.min(share ?? 0, ended.seconds) // a slow stop is not charged to the other cells
    cell = await put(afterTraining(cell, ended), spent)
  } else cell = await put({ ...cell, state: 'evaluating' })
  const canEvaluate =
    cell.state === 'evaluating' || (cell.state === 'out of budget' && (await standing(o.out, cell.run)).stands !== 'none')
  if (canEvaluate) await put(await evaluate(work, cell))
}

/** Trains and evaluates the unfinished cells of a sweep in order, each in its own process. */
export async function runCells(
  { o, asked, sweep: planned }: SweepPlan,
  { signal, tell = () => {} }: SweepControl,
): Promise<Sweep> {
  await mkdir(o.evaluation, { recursive: true })
  let sweep = planned
  const open = sweep.cells.filter((cell) => asked.has(cell.run) && cell.state !== 'done')
  let left = sweep.budget_seconds
  const put = async (cell: Cell, spent = 0): Promise<Cell> => {
    if (left !== null) left -= spent
    sweep = { ...sweep, cells: sweep.cells.map((c) => (c.run === cell.run ? cell : c)) }
    await replaceText(o.evaluation, SWEEP, sealedText(sweep))
    const number = open.findIndex((c) => c.run === cell.run) + 1
    tell({ version: 1, type: 'cell', cell, number, of: open.length, seconds_left: left })
    return cell
  }
  for (const [i, waiting] of open.entries()) {
    if (signal?.aborted) break
    if (left !== null && left <= 0) {
      await put({ ...waiting, state: 'out of budget' })
      continue
    }
    const share = left === null ? undefined : left / (open.length - i)
    await run({ o, sweep, signal, tell }, waiting, share, put)
  }
  return sweep
}
