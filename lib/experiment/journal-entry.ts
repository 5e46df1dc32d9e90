import type { ExperimentPlan } from './read-plan.js'
import type { Settings } from './search-space.js'

/** Failure of a run. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/** One training of an experiment before its result. */
export interface Job {
  /** Name of its run, made from plan seed, number, model, options, seed and data. */
  readonly id: string
  readonly stage: 'search' | 'confirm'
  /** Number in the order of its stage. */
  readonly index: number
  /** Number of its configuration. */
  readonly config: number
  /** Round of successive halving; 0 for other methods. */
  readonly rung: number
  readonly model: string
  readonly options: Settings
  readonly seed: number
  /** Epochs or steps of this round of successive halving. */
  readonly length: number | null
}

/** Result of a training. */
export interface RunEnd extends Job {
  readonly type: 'run'
  readonly state: 'done' | 'failed'
  /** The metric of the plan; null for a failed run. */
  readonly score: number | null
  readonly val_loss: number | null
  readonly val_cosine: number | null
  readonly best_epoch: number | null
  readonly epochs: number | null
  readonly parameters: number | null
  readonly attempts: number
  readonly seconds: number
  /** Whether an earlier process had finished the training before it was killed. */
  readonly found: boolean
  readonly error: Failure | null
  /** Why a failed run was not tried again. */
  readonly final: string | null
}

/** The parts of a plan that decide which trainings are made; they stay the same for all calls. */
export type PlanMeaning = Pick<ExperimentPlan, 'method' | 'metric' | 'direction' | 'seed' | 'seeds' | 'spaces' | 'halving'> & {
  readonly data_hash: string
  /** SHA-256 of the file of each architecture of one's own. */
  readonly model_files?: Readonly<Record<string, string>>
  /** Counts for TPE only, whose suggestions wait for fewer results with more concurrent runs. */
  readonly concurrency: number | null
}
/** The parts of a plan that may change between calls. */
export type PlanLimits = Pick<ExperimentPlan, 'budget' | 'confirm' | 'keep' | 'retries' | 'concurrency'>

/** One line of journal.jsonl without time and checksum. */
export type Told =
  | { readonly type: 'plan'; readonly version: 1; readonly name: string; readonly data: string; readonly plan: PlanMeaning }
  /** Begin of a call. */
  | { readonly type: 'begin'; readonly lvm_torch: string; readonly limits: PlanLimits }
  | RunEnd
  /** An attempt that is made again. */
  | { readonly type: 'attempt'; readonly id: string; readonly rung: number; readonly error: Failure; readonly seconds: number }
  /** A training that was stopped with a checkpoint. */
  | {
      readonly type: 'pause'
      readonly id: string
      readonly rung: number
      readonly why: 'asked' | 'time'
      readonly seconds: number
    }
  /** No further configuration is new and valid. */
  | { readonly type: 'exhausted'; readonly configs: number }
  | { readonly type: 'removed'; readonly id: string; readonly bytes: number }
export type JournalEntry = Told & { readonly at: string }
