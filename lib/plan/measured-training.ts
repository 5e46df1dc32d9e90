import { rmSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FINAL } from '../checkpoint/run-manifest.js'
import { requireGoing, stage, stopSignal, tally } from '../stages.js'
import { describe } from '../statistics/estimates.js'
import { type Training, trainChild } from '../sweep/train-child.js'
import type { TrainEvent } from '../train/train-events.js'
import { writeMadeUp } from './made-up-vectors.js'
import { type DataSize, windowsOfRank } from './window-counts.js'

/** Blocks of steps that are counted, those before them, and the time of steps after which no further one begins. Units: seconds. */
const [FEWEST, FIRST, LONGEST] = [12, 2, 20]
/** Steps that are expected to be quicker are timed ten at a time. Units: seconds. */
const QUICK = 0.02

/** A training with made-up vectors as it ran here. */
export interface Measured {
  /** Median of the steps. Units: seconds. */
  readonly step_seconds: number
  readonly steps: number
  /** Evaluation of one window by one rank. Units: seconds. */
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
  /** Training windows that an evaluation judges. */
  readonly judged: number
  /** Processes, and windows of a call of an evaluation. */
  readonly ranks: number
  readonly call: number
}
type Run = Omit<Trial, 'size'> & { readonly data: string; readonly out: string }

type Epoch = Extract<TrainEvent, { type: 'epoch' }>
type Step = Extract<TrainEvent, { type: 'step' }>
type Result = Extract<TrainEvent, { type: 'result' }>

/** Collects times from the events of a training. */
class Times {
  constructor(
    readonly each: number,
    readonly trial: Run,
  ) {}
  /** Seconds of a step, of each block. */
  readonly blocks: number[] = []
  last: Step | undefined
  epoch: Epoch | undefined
  result: Result | undefined
  windows = { train: 0, val: 0 }
  /** Whether the data was audited, because its verdict was not known. */
  audited = false
  /** Moments of the last save, and of what came before it and its evaluation. Units: ms. */
  saved = 0
  before = 0

  hear(event: TrainEvent): void {
    const now = performance.now()
    if (event.type === 'audit' && event.verdict === null) this.audited = true
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

  /** Seconds of the measured steps. */
  stepping(): number {
    return this.blocks.reduce((sum, seconds) => sum + seconds, 0) * this.each
  }

  /** Seconds of the last evaluation, and the number of windows that it read. */
  evaluation(): { seconds: number; windows: number } {
    const { epoch, result, last, windows } = this
    const ended = result !== undefined && result.stopped !== 'interrupted'
    const kinds = ended && epoch?.val_loss_raw !== undefined ? 2 : 1
    const seconds = ended ? result.seconds - last!.seconds : epoch!.seconds
    const { ranks, call } = this.trial
    const own = (count: number) => windowsOfRank(count, { ranks, call })
    return { seconds, windows: kinds * own(windows.val) + own(Math.min(windows.train, this.trial.judged)) }
  }
}

/** Trains some steps in a process of its own, as `train` does; returns what they took, or why they failed. Errors: INTERRUPTED, NO_DISK. */
export async function measureTraining({ size, ...trial }: Trial): Promise<Measured | string> {
  const folder = await mkdtemp(join(tmpdir(), 'lvm-torch-plan-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.prependOnceListener('exit', remove) // after Ctrl-C, before the addon's own handler ends the process
  try {
    const run = { ...trial, data: join(folder, 'vectors.npy'), out: folder }
    await writeMadeUp(run.data, size)
    const once = () => stage('train some steps', () => trained(run))
    const first = await once()
    const times = typeof first !== 'string' && first.audited ? await once() : first // an audit takes memory of its own
    return typeof times === 'string' ? times.replaceAll(`${run.out}/${RUN}: `, '') : await measuredFrom(times, join(folder, RUN))
  } finally {
    process.off('exit', remove)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }) // a child that is ending may still write
  }
}

const RUN = 'measured'

async function trained(trial: Run): Promise<Times | string> {
  const { model, options, data, out, expected, judged } = trial
  const each = expected < QUICK ? 10 : 1
  const maxSteps = each * (FIRST + FEWEST + 1)
  const [times, enough, outer] = [new Times(each, trial), new AbortController(), stopSignal()]
  let failed: unknown
  const hear = (event: TrainEvent) => {
    times.hear(event)
    try {
      tally(Math.min(times.last?.step ?? 0, maxSteps), maxSteps)
    } catch (error) {
      failed ??= error // thrown by a listener, or because the work was stopped
      enough.abort()
    }
    if (times.blocks.length > FIRST && times.stepping() > LONGEST) enough.abort()
  }
  const ended = await trainChild(
    {
      model,
      run: RUN,
      out,
      data,
      options: { ...options, maxSteps, epochs: maxSteps, logEvery: each, trainEval: judged, force: true },
    },
    {
      resume: undefined,
      overwrite: true,
      signal: outer === undefined ? enough.signal : AbortSignal.any([outer, enough.signal]),
      hear,
    },
  )
  if (failed !== undefined) throw failed
  requireGoing(outer)
  return times.result === undefined ? (ended.error?.message ?? 'the training ended without a result') : times
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
