import type { HistoryRow } from '../../checkpoint/run-manifest.js'
import type { StepFigures } from '../train-events.js'

type Figures = Readonly<Record<string, number>>
interface Every {
  /** ISO 8601 in UTC. */
  readonly time: string
  /** Optimizer steps of the training so far. */
  readonly step: number
  /** Figures that callbacks have logged. */
  readonly metrics?: Figures
}
/** A line of metrics.jsonl: figures of some steps, of an epoch, or what a callback has logged about a checkpoint. */
export type LogLine = Every &
  (({ type: 'step' } & StepFigures) | ({ type: 'epoch' } & HistoryRow) | { type: 'checkpoint'; epoch: number })

/** A place that receives the lines of a training. */
export interface Logger {
  /** Called before the first line with the lines of a resumed run, which the file holds already. */
  begin(kept: () => AsyncIterable<LogLine>): Promise<void>
  write(line: LogLine): Promise<void>
  /** `failed` without a result, `stopped` before the planned end. */
  close(how: 'finished' | 'stopped' | 'failed'): Promise<void>
}

const OTHERS = ['type', 'time', 'step', 'epoch']

/** Figures of a line by name: `step/loss`, `epoch/val_loss`, …, and those of callbacks under their own names. */
export function figuresOf({ metrics, ...line }: LogLine): Figures {
  const own = Object.entries(line).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && !OTHERS.includes(entry[0]),
  )
  return { ...Object.fromEntries(own.map(([key, value]) => [`${line.type}/${key}`, value])), ...metrics }
}
