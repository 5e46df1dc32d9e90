import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FINAL } from '../checkpoint/run-manifest.js'
import { LvmError } from '../errors.js'
import { requireGoing, stage, stopSignal, tally } from '../stages.js'
import { describe } from '../statistics/estimates.js'
import { type Training, trainChild } from '../sweep/train-child.js'
import type { TrainEvent } from '../train/train-events.js'
import { writeMadeUp } from './made-up-vectors.js'
import type { DataSize } from './window-counts.js'

/** Blocks of steps that are counted, those before them, and the time of steps after which no further one begins. Units: seconds. */
const [FEWEST, FIRST, LONGEST] = [12, 2, 20]
/** Steps that are expected to be quicker are timed ten at a time. Units: seconds. */
const QUICK = 0.02
/** Training windows that an evaluation judges. */
const JUDGED = 512

/** A training with made-up vectors as it ran here. */
export interface Measured {
  /** Median of the steps. Units: seconds. */
  readonly step_seconds: number
  readonly steps: number
  /** Evaluation of one window. Units: seconds. */
  readonly evaluation_seconds: number
  readonly save_seconds: number
  readonly final_bytes: number
  readonly peak_memory_bytes: number
  /** Share of the processor time that its first process was ready to use and got; null if unknown. */
  readonly cpu_share: number | null
}

/** What to train here. */
export interface Trial {
  readonly model: string
  readonly options: Training['options']
  readonly size: DataSize
  /** Expected time of a step, from which their number follows. Units: seconds. */
  readonly expected: number
}

type Epoch = Extract<TrainEvent, { type: 'epoch' }>
type Step = Extract<TrainEvent, { type: 'step' }>
type Result = Extract<TrainEvent, { type: 'result' }>

/** Collects times from the events of a training. */
class Times {
  /** Seconds of a step, of each block. */
  readonly blocks: number[] = []
  last: Step | undefined
  epoch: Epoch | undefined
  result: Result | undefined
  windows = { train: 0, val: 0 }
  /** Moments of the last save, and of what came before it and its evaluation. Units: ms. */
  saved = 0
  before = 0

  hear(event: TrainEvent): void {
    const now = performance.now()
    if (event.type === 'start') this.windows = event.data.windows
    if (event.type === 'epoch') this.epoch = event
    if (event.type === 'result') this.result = event
    if (event.type === 'saved') this.saved = now
    if (event.type === 'audit' || event.type === 'step' || event.type === 'progress') this.before = now
    if (event.type !== 'step') return
    const { last } = this
    if (last?.epoch === event.epoch) this.blocks.push((event.seconds - last.seconds) / (event.step - last.step))
    this.last = event
  }

  /** Seconds of the last evaluation, and the number of windows that it read. */
  evaluation(): { seconds: number; windows: number } {
    const { epoch, result, last, windows } = this
    const ended = result !== undefined && result.stopped !== 'interrupted'
    const kinds = ended && epoch?.val_loss_raw !== undefined ? 2 : 1
    const seconds = ended ? result.seconds - last!.seconds : epoch!.seconds
    return { seconds, windows: kinds * windows.val + Math.min(windows.train, JUDGED) }
  }
}

/** Trains some steps in a process of its own, as `train` does, and measures them. Errors: the child's; INTERRUPTED. */
export async function measureTraining({ model, options, size, expected }: Trial): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'lvm-torch-plan-'))
  try {
    const data = join(folder, 'vectors.npy')
    await writeMadeUp(data, size)
    return await stage('train some steps', () => trained({ model, options, data, out: folder, expected }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function trained({ model, options, data, out, expected }: Omit<Trial, 'size'> & { data: string; out: string }) {
  const each = expected < QUICK ? 10 : 1
  const maxSteps = each * (FIRST + FEWEST + 1)
  const [times, enough, outer] = [new Times(), new AbortController(), stopSignal()]
  const ended = await trainChild(
    {
      model,
      run: 'measured',
      out,
      data,
      options: { ...options, maxSteps, epochs: maxSteps, logEvery: each, trainEval: JUDGED, force: true },
    },
    {
      resume: undefined,
      overwrite: false,
      signal: outer === undefined ? enough.signal : AbortSignal.any([outer, enough.signal]),
      hear: (event) => {
        times.hear(event)
        tally(Math.min(times.last?.step ?? 0, maxSteps), maxSteps)
        if ((times.last?.seconds ?? 0) - (times.epoch?.seconds ?? 0) > LONGEST && times.blocks.length > FIRST) enough.abort()
      },
    },
  )
  requireGoing(outer)
  if (times.result === undefined) throw new LvmError('INTERNAL', ended.error?.message ?? 'the training ended without a result')
  return measuredFrom(times, join(out, 'measured'))
}

async function measuredFrom(times: Times, run: string): Promise<Measured> {
  const { blocks, epoch, last, saved, before } = times
  const evaluation = times.evaluation()
  const evaluating = times.result!.stopped === 'interrupted' ? 0 : evaluation.seconds
  const share = epoch!.cpu_share ?? 1
  const counted = Float64Array.from(blocks.slice(Math.min(FIRST, blocks.length - 1)))
  return {
    step_seconds: describe(counted).median * share,
    steps: last!.step,
    evaluation_seconds: (evaluation.seconds * share) / evaluation.windows,
    save_seconds: Math.max(0, (saved - before) / 1000 - evaluating),
    final_bytes: (await stat(join(run, FINAL))).size,
    peak_memory_bytes: epoch!.peak_memory_bytes,
    cpu_share: epoch!.cpu_share ?? null,
  }
}
