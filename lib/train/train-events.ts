import type { HistoryRow, Stretch } from '../checkpoint/run-manifest.js'
import type { BatchTest, LrTest } from '../checkpoint/tested-settings.js'
import type { Fold } from '../data/fold.js'
import type { Placed } from '../weights/place-weights.js'

/** Figures of the optimizer steps since the last such event: means over at most `logEvery` of them. Units: seconds. */
export interface StepFigures {
  readonly epoch: number
  /** Optimizer steps of the whole training so far. */
  readonly step: number
  readonly loss: number
  readonly lr: number
  /** Before clipping. */
  readonly grad_norm: number
  /** Of the epoch so far. */
  readonly samples_per_second: number
  /** Training time so far. */
  readonly seconds: number
}
/** Figures that callbacks of the script have logged. */
interface Own {
  readonly metrics?: Readonly<Record<string, number>>
}

/** Progress events of a training; the CLI prints them as JSON lines. Units: seconds, bytes, vectors. */
export type TrainEvent = { version: 1 } & (
  | {
      /** Before all others, with `watch`: address of the page that shows the training. */
      type: 'watch'
      url: string
    }
  | {
      type: 'start'
      run: string
      model: string
      parameters: number
      /** Numbers in the parameters that are not frozen. */
      trainable_parameters: number
      device: string
      precision: string
      threads: number
      /** Processes that share the training; absent for one. */
      processes?: number
      resumed: boolean
      data: {
        path: string
        rows: number
        dim: number
        articles: number
        windows: { train: number; val: number; test: number }
        space: string | null
      }
      /** `fold`: which part of the articles is held out; absent without folds. */
      split: { mode: string; leaky: boolean; fold?: Fold }
      /** Vectors of the longest context; with a history how far back contexts reach, and the fewest vectors of one. */
      context: number
      history?: number | 'article'
      min_history?: number
      objective: 'last' | 'sequence'
      /** Only where whole articles are read. */
      batch_vectors?: number
      estimate: { memory_bytes: number; disk_bytes: number }
      /** Parts of the schedule after its first plan; absent without `extend`. */
      extended?: Stretch[]
    }
  | { type: 'batch_test_progress'; batch_size: number; samples_per_second: number }
  | ({
      /** After `audit`, with `batchSize` auto. */
      type: 'batch_test'
    } & BatchTest)
  | { type: 'lr_test_progress'; step: number; steps: number; seconds_left: number }
  | ({
      /** After `audit` and `batch_test`, with `lr` auto. */
      type: 'lr_test'
    } & LrTest)
  | { type: 'audit'; path: string; verdict: 'PASS' | 'WARN' | 'FAIL' | null; codes: string[]; forced: boolean }
  | ({ type: 'init'; path: string; sha256: string } & Placed)
  | {
      type: 'progress'
      epoch: number
      epochs: number
      step: number
      steps: number
      loss: number
      lr: number
      samples_per_second: number
      seconds_left: number
    }
  | ({ type: 'step' } & StepFigures & Own)
  | ({ type: 'epoch'; epochs: number; best: boolean; step: number } & HistoryRow & Own)
  | {
      type: 'saved'
      epoch: number
      step: number
      generation: number
      reason: 'epoch' | 'timer' | 'steps' | 'stop'
      metrics?: Readonly<Record<string, number>>
    }
  | { type: 'warning'; code: string; message: string }
  | {
      type: 'result'
      run: string
      model: string
      stopped: 'done' | 'early-stop' | 'max-steps' | 'callback' | 'interrupted'
      best_epoch: number | null
      val_loss: number | null
      val_cosine: number | null
      /** Only where the epochs rank the validation targets. */
      val_top10?: number
      seconds: number
    }
)
/** An event without its version; distributes over the union, so that `type` still narrows. */
export type Told = TrainEvent extends infer E ? (E extends { version: 1 } ? Omit<E, 'version'> : never) : never
