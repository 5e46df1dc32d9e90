import type { TrainEvent } from '../train/train-events.js'
import type { RunEnd } from './journal-entry.js'
import type { MetricName } from './metric.js'
import type { ExperimentPlan } from './read-plan.js'
import type { Verdict } from './verdict.js'

/** Why a call of `experiment` ended. */
export type EndedBy = 'done' | 'time' | 'stopped'

/** Progress events of an experiment. Units: seconds. */
export type ExperimentEvent = { version: 1 } & (
  | {
      type: 'experiment'
      name: string
      folder: string
      method: ExperimentPlan['method']
      metric: MetricName
      /** Searched options of each model. */
      models: Record<string, string[]>
      data: string
      runs: number
      /** Trainings of earlier calls. */
      done: number
      budget_seconds: number | null
    }
  | {
      type: 'run'
      run: RunEnd
      /** Place of its configuration among those searched; null for a failed or confirmation run. */
      place: number | null
      best: { config: number; model: string; score: number } | null
      number: number
      of: number
      seconds_left: number | null
    }
  | { type: 'watch'; url: string }
  | { type: 'training'; id: string; event: TrainEvent }
  | { type: 'waiting'; id: string; pid: number }
  | { type: 'again'; id: string; error: { code: string; message: string } }
  | { type: 'warning'; message: string }
  | { type: 'confirm'; runs: number; configs: number[] }
  | {
      type: 'result'
      folder: string
      ended: EndedBy
      done: number
      of: number
      verdict: Verdict
      page: string
      json: string
      table: string
      plots: string
    }
)
export type ToldEvent = ExperimentEvent extends infer E ? (E extends { version: 1 } ? Omit<E, 'version'> : never) : never
