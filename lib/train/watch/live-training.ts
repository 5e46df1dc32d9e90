import { basename } from 'node:path'
import type { Progress } from '../../checkpoint/run-manifest.js'
import { ERRORS, type LvmError } from '../../errors.js'
import { speaksShell } from '../../hints.js'
import type { LogLine } from '../log/log-line.js'
import type { Told } from '../train-events.js'
import { type CurvePart, LiveCurve } from './live-curve.js'

type State = 'preparing' | 'training' | 'evaluating' | 'finished' | 'stopped' | 'failed'

/** Most curves of figures that callbacks log, and most warnings that the page lists. */
const [OWN, WARNINGS] = [16, 20]
/** Columns whose last value counts where a point stands for several lines. */
const LATEST = ['step', 'epoch', 'lr', 'seconds']
const STEPS = ['step', 'epoch', 'loss', 'lr', 'grad_norm', 'samples_per_second', 'seconds']
const EPOCHS = [
  'epoch',
  'step',
  'train_loss',
  'val_loss',
  'train_cosine',
  'val_cosine',
  'val_top10',
  'val_mrr',
  'lr',
  'grad_norm',
  'samples_per_second',
]

const curves = () => ({ steps: new LiveCurve(STEPS, LATEST), epochs: new LiveCurve(EPOCHS, LATEST) })

/** An error as a page shows it. */
export const errorFacts = ({ code, message, hint, commandHint }: LvmError) => ({
  code,
  about: ERRORS[code].about,
  message,
  hint: speaksShell() ? commandHint : hint,
})

/** What the page shows of a training: its state, and curves of the lines of metrics.jsonl, in bounded memory. */
export class LiveTraining {
  readonly #facts: Record<string, unknown> = { run: null, model: null }
  readonly #warnings: { code: string; message: string }[] = []
  readonly #curves = curves()
  readonly #own = new Map<string, LiveCurve>()
  /** Training time before this call, and when this call began to train. Units: seconds, ms. */
  #before = 0
  #began: number | undefined
  #ended: number | undefined

  constructor() {
    this.#facts.state = 'preparing' satisfies State
  }

  get state(): State {
    return this.#facts.state as State
  }

  #enter(state: State): void {
    this.#facts.state = state
    if (state === 'finished' || state === 'stopped' || state === 'failed') this.#ended ??= performance.now()
  }

  /** Adds a line of metrics.jsonl. */
  line(line: Pick<LogLine, 'type' | 'step' | 'metrics'>): void {
    if (line.type === 'step') this.#curves.steps.add({ ...line })
    if (line.type === 'epoch') this.#curves.epochs.add({ ...line })
    for (const [name, value] of Object.entries(line.metrics ?? {})) {
      if (!this.#own.has(name) && this.#own.size < OWN) this.#own.set(name, new LiveCurve(['step', 'value'], LATEST))
      this.#own.get(name)?.add({ step: line.step, value })
    }
  }

  /** Adds the lines that a resumed run has already. */
  async recall(lines: AsyncIterable<LogLine>, { seconds, best }: Pick<Progress, 'seconds' | 'best'>): Promise<void> {
    this.#before = seconds
    if (best !== null) this.#facts.best = { epoch: best.epoch, val_loss: best.val_loss, val_cosine: best.val_cosine }
    for await (const line of lines) this.line(line)
  }

  /** Follows an event of the training. */
  hear(event: Told): void {
    switch (event.type) {
      case 'start':
        this.#began = performance.now()
        Object.assign(this.#facts, { name: basename(event.run), run: event.run, model: event.model })
        Object.assign(this.#facts, { parameters: event.parameters, device: event.device })
        Object.assign(this.#facts, { resumed: event.resumed, data: event.data.path, leaky: event.split.leaky })
        if (event.resumed) this.#enter('training')
        break
      case 'audit':
        if (event.verdict !== null) this.#enter('evaluating') // of the untrained model
        break
      case 'progress': {
        const { type: _, steps, ...figures } = event
        Object.assign(this.#facts, { ...figures, steps_of_epoch: steps })
        this.#enter(event.step >= event.steps ? 'evaluating' : 'training')
        break
      }
      case 'step':
        this.line(event)
        break
      case 'epoch':
        this.line(event)
        this.#facts.epochs = event.epochs
        this.#facts.epoch = event.epoch
        if (event.best) this.#facts.best = { epoch: event.epoch, val_loss: event.val_loss, val_cosine: event.val_cosine }
        this.#enter('training')
        break
      case 'saved':
        if (event.metrics) this.line({ type: 'checkpoint', step: event.step, metrics: event.metrics })
        break
      case 'warning':
        this.#warnings.push({ code: event.code, message: event.message })
        if (this.#warnings.length > WARNINGS) this.#warnings.shift()
        break
      case 'result':
        this.#facts.stopped = event.stopped
        this.#facts.seconds_left = 0
        this.#enter(['interrupted', 'callback'].includes(event.stopped) ? 'stopped' : 'finished')
    }
  }

  /** Ends the training with its error; without one it was left before its end. */
  end(error?: LvmError): void {
    if (this.#ended !== undefined) return
    if (error !== undefined) this.#facts.error = errorFacts(error)
    this.#enter(error === undefined ? 'stopped' : 'failed')
  }

  #message(part: (curve: LiveCurve) => CurvePart | undefined): string {
    const until = this.#ended ?? performance.now()
    const own = Array.from(this.#own, ([name, curve]) => [name, part(curve)] as const).filter(([, points]) => points)
    return JSON.stringify({
      version: 1,
      training: {
        ...this.#facts,
        seconds: this.#before + (this.#began === undefined ? 0 : (until - this.#began) / 1000),
        warnings: this.#warnings,
      },
      steps: part(this.#curves.steps),
      epochs: part(this.#curves.epochs),
      own: Object.fromEntries(own),
    })
  }

  /** State and all points, as JSON. */
  whole(): string {
    return this.#message((curve) => curve.whole())
  }

  /** State, and the points that changed since the last call, as JSON. */
  change(): string {
    return this.#message((curve) => curve.change())
  }
}
