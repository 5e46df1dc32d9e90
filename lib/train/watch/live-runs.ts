import type { LvmError } from '../../errors.js'
import type { LogLine } from '../log/log-line.js'
import type { TrainEvent } from '../train-events.js'
import { LiveCurve } from './live-curve.js'
import { errorFacts } from './live-training.js'

const LATEST = ['step', 'epoch']
/** Most points of a curve of one of many runs. */
const POINTS = 128

/** States of runs that have not ended. */
const OPEN = ['queued', 'training', 'evaluating', 'interrupted']

type RunError = Readonly<Record<'code' | 'message', string>>

/** One of the runs that a page shows. */
class LiveRun {
  readonly facts: Record<string, unknown>
  readonly curves = {
    steps: new LiveCurve(['step', 'loss'], LATEST, POINTS),
    epochs: new LiveCurve(['epoch', 'val_loss', 'val_cosine'], LATEST, POINTS),
  }

  constructor(run: string) {
    this.facts = { run, model: '', state: 'queued', error: null }
  }

  /** Adds a line of metrics.jsonl; a resumed training repeats lines. */
  line(line: LogLine | TrainEvent): void {
    if (line.type !== 'step' && line.type !== 'epoch') return
    const [curve, at] = line.type === 'step' ? [this.curves.steps, line.step] : [this.curves.epochs, line.epoch]
    curve.cut(at)
    curve.add({ ...line })
    if (line.type === 'epoch')
      Object.assign(this.facts, { epoch: line.epoch, val_loss: line.val_loss, val_cosine: line.val_cosine })
  }

  hear(event: TrainEvent): void {
    if (event.type === 'start') {
      this.facts.model = event.model
      if (!event.resumed) for (const curve of Object.values(this.curves)) curve.cut(Number.NEGATIVE_INFINITY)
    }
    this.line(event)
    if (event.type === 'epoch') this.facts.epochs = event.epochs
  }
}

/** What the page shows of many trainings: the state and curves of each. */
export class LiveRuns {
  readonly #facts: Record<string, unknown>
  readonly #runs = new Map<string, LiveRun>()
  #ended = false

  /** `title` is the heading of the page. */
  constructor(title: string) {
    this.#facts = { title, state: 'running', of: 0 }
  }

  #run(run: string): LiveRun {
    const found = this.#runs.get(run) ?? new LiveRun(run)
    this.#runs.set(run, found)
    return found
  }

  /** Adds the lines that a run has already. */
  async recall(run: string, lines: AsyncIterable<LogLine>): Promise<void> {
    for await (const line of lines) this.#run(run).line(line)
  }

  /** Follows an event of a run's training. */
  hear(run: string, event: TrainEvent): void {
    this.#run(run).hear(event)
  }

  /** Gives a run another state, such as one of the cells of a sweep. */
  enter(run: string, facts: { readonly model?: string; readonly state: string; readonly error?: RunError | null }): void {
    const { model, state, error = null } = facts
    const shown = error && { code: error.code, message: error.message }
    Object.assign(this.#run(run).facts, { ...(model !== undefined && { model }), state, error: shown })
  }

  /** Says how many runs are expected. */
  expect(runs: number): void {
    this.#facts.of = runs
  }

  /** Ends the work, with its error if it has one. */
  end(state: 'finished' | 'stopped' | 'failed', error?: LvmError): void {
    if (this.#ended) return
    this.#ended = true
    Object.assign(this.#facts, { state, ...(error && { error: errorFacts(error) }) })
  }

  #message(whole: boolean): string {
    const curves = Array.from(this.#runs, ([run, { curves }]) => {
      const [steps, epochs] = [curves.steps, curves.epochs].map((curve) => (whole ? curve.whole() : curve.change()))
      return [run, { ...(steps && { steps }), ...(epochs && { epochs }) }] as const
    }).filter(([, parts]) => Object.keys(parts).length > 0)
    const runs = Array.from(this.#runs.values(), ({ facts }) => facts)
    const done = runs.filter(({ state }) => !OPEN.includes(String(state))).length
    return JSON.stringify({ version: 1, work: { ...this.#facts, done }, runs, curves: Object.fromEntries(curves) })
  }

  /** State and all points, as JSON. */
  whole(): string {
    return this.#message(true)
  }

  /** State, and the points that changed since the last call, as JSON. */
  change(): string {
    return this.#message(false)
  }
}
