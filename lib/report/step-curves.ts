import type { LogLine } from '../train/log/log-line.js'
import { metricsOf } from '../train/log/metrics-log.js'

/** Training figures at a step, or means over the steps of a stretch. */
export interface StepPoint {
  readonly step: number
  readonly loss: number | null
  readonly lr: number | null
  readonly grad_norm: number | null
}

/** Most points of a run; more are averaged over stretches of equally many lines. */
const MOST = 200

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const mean = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length
}

function pointOf(line: LogLine): StepPoint[] {
  if (number(line.step) === null || line.step === 0) return []
  const loss = line.type === 'step' ? line.loss : line.type === 'epoch' ? line.train_loss_running : null
  if (line.type === 'checkpoint') return []
  return [{ step: line.step, loss: number(loss), lr: number(line.lr), grad_norm: number(line.grad_norm) }]
}

/** Reads the curves of a run from its metrics.jsonl: its steps, or its epochs where it logged no steps; empty without the file. */
export async function stepsOf(folder: string): Promise<StepPoint[]> {
  const [steps, epochs]: [StepPoint[], StepPoint[]] = [[], []]
  for await (const line of metricsOf(folder)) (line.type === 'step' ? steps : epochs).push(...pointOf(line))
  const all = steps.length > 1 ? steps : epochs
  const size = Math.ceil(all.length / MOST)
  return Array.from({ length: size === 0 ? 0 : Math.ceil(all.length / size) }, (_, i) => {
    const part = all.slice(i * size, (i + 1) * size)
    return {
      step: part.at(-1)!.step,
      loss: mean(part.map(({ loss }) => loss)),
      lr: part.at(-1)!.lr,
      grad_norm: mean(part.map(({ grad_norm }) => grad_norm)),
    }
  })
}
