import { asyncCallback, optional } from '../door.js'
import { badOption } from '../errors.js'
import type { LogLine } from './log/log-line.js'
import type { Logs } from './log/loggers.js'
import type { Session } from './session.js'
import type { Told, TrainEvent } from './train-events.js'

/** What a callback can do with the training that called it. */
export interface Training {
  /** Folder of the run. */
  readonly run: string
  /** Adds figures to metrics.jsonl and to the logs, under these names. Errors: BAD_OPTION for a value that is not finite. */
  log(figures: Readonly<Record<string, number>>): void
  /** Stops the training after this step, with a valid checkpoint that can be resumed. */
  stop(): void
}
type Callback<Type extends TrainEvent['type']> = (event: Extract<TrainEvent, { type: Type }>, training: Training) => unknown

/** Functions that a training calls and waits for; an error that one throws ends the training, and the last save stays. */
export interface Callbacks {
  /** Called every `logEvery` steps. */
  readonly onStep?: Callback<'step'>
  /** Called after the evaluation and the save of each epoch, also of the untrained model (epoch 0). */
  readonly onEpoch?: Callback<'epoch'>
  /** Called after each save; `load(training.run)` loads it. */
  readonly onCheckpoint?: Callback<'saved'>
}

const check = optional(asyncCallback)
/** Checks of the callbacks of `train`. */
export const CALLBACKS = { onStep: check, onEpoch: check, onCheckpoint: check }

/** Names that every log accepts. */
const NAME = /^[A-Za-z][\w ./-]{0,199}$/

function requireFigures(figures: unknown): Record<string, number> {
  const entries = Object.entries((figures ?? {}) as object) as [string, unknown][]
  if (typeof figures !== 'object' || entries.length === 0)
    throw badOption('train', 'log', 'figures by name, such as { recall: 0.5 }', figures)
  for (const [name, value] of entries) {
    if (!NAME.test(name)) throw badOption('train', 'log', 'names of letters, digits and _ . / - that begin with a letter', name)
    if (!Number.isFinite(value)) throw badOption('train', 'log', `a finite number for "${name}"`, value)
  }
  return Object.fromEntries(entries) as Record<string, number>
}

/** How long the callback in progress, and each later one, is waited for after a training was stopped. Units: ms. */
const GRACE = 5_000

/** Waits for a callback; after the stop of a training no longer than `GRACE`. Returns whether it has ended. */
async function ended(called: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  let begin = () => {}
  const late = new Promise<false>((done) => {
    begin = () => {
      timer = setTimeout(done, GRACE, false)
    }
  })
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  try {
    return await Promise.race([called.then(() => true), late])
  } finally {
    signal.removeEventListener('abort', begin)
    clearTimeout(timer)
  }
}

const CALLED = { step: 'onStep', epoch: 'onEpoch', saved: 'onCheckpoint' } as const

interface Following {
  readonly callbacks: Callbacks
  readonly logs: Logs
  readonly run: string
  /** Aborted when the training is stopped, by its caller or by `stop`. */
  readonly signal: AbortSignal
  readonly stop: () => void
}

/** Calls the callback of an event; returns the event with the figures that it logged. Errors: those of the callback. */
async function* told(event: Told, { callbacks, run, signal, stop }: Following): AsyncGenerator<Told, Told> {
  const name = CALLED[event.type as keyof typeof CALLED]
  const called = callbacks[name] as ((event: TrainEvent, training: Training) => Promise<void>) | undefined
  if (called === undefined) return event
  let metrics: Record<string, number> = {}
  const log = (figures: unknown) => {
    metrics = { ...metrics, ...requireFigures(figures) }
  }
  if (!(await ended(called({ version: 1, ...event } as TrainEvent, { run, log, stop }), signal)))
    yield {
      type: 'warning',
      code: 'INTERRUPTED',
      message: `${name} had not ended ${GRACE / 1000} s after the stop of the training, which goes on without it`,
    }
  return Object.keys(metrics).length === 0 ? event : ({ ...event, metrics } as Told)
}

/** The line of an event in the logs; a save has one where a callback has logged figures. */
function lineOf(event: Told, step: number): LogLine | undefined {
  const time = new Date().toISOString()
  if (event.type === 'step') return { ...event, time }
  if (event.type === 'saved')
    return event.metrics && { type: 'checkpoint', time, step, epoch: event.epoch, metrics: event.metrics }
  if (event.type !== 'epoch') return undefined
  const { epochs: _, best: __, type, ...row } = event
  return { type, time, ...row }
}

/** Passes events on after their callbacks were called and their lines written. */
export async function* followed(events: AsyncIterable<Told>, { progress }: Session, o: Following): AsyncGenerator<Told> {
  let how: Parameters<Logs['close']>[0] = 'failed'
  const warned = (failures: readonly string[]) =>
    failures.map((message): Told => ({ type: 'warning', code: 'LOG_FAILED', message }))
  try {
    for await (const plain of events) {
      const event = yield* told(plain, o)
      const line = lineOf(event, progress.optimizer_steps)
      if (line !== undefined) yield* warned(await o.logs.write(line))
      if (event.type === 'result') {
        how = ['interrupted', 'callback'].includes(event.stopped) ? 'stopped' : 'finished'
        yield* warned(await o.logs.close(how))
      }
      yield event
    }
  } finally {
    if (how === 'failed') await o.logs.close(how)
  }
}
