import type { Multiplier } from '../native.js'
import type { Node } from '../spec/ops.js'
import type { Manifest } from './manifest.js'
import type { Quantization } from './quantized.js'

/** One row of training_history.json. Epoch 0 is the untrained model. Units: seconds, bytes. */
export interface HistoryRow {
  epoch: number
  /** Mean loss of the training steps, dropout and all; null for epoch 0. */
  train_loss_running: number | null
  /** In eval mode, on a fixed sample of the training windows. */
  train_loss: number
  train_cosine: number
  val_loss: number
  val_cosine: number
  lr: number
  /** Mean over the epoch's steps, before clipping; null for epoch 0. */
  grad_norm: number | null
  /** Length of the raw outputs on the validation windows. */
  output_norm_mean: number
  output_norm_sd: number
  seconds: number
  samples_per_second: number | null
  peak_memory_bytes: number
  /** With averaged weights only: whether this row is of the raw weights or of their average, whichever has the lower validation loss. */
  weights?: Weights
  /** With averaged weights only, from epoch 1 on: both on the validation windows. */
  val_loss_raw?: number
  val_cosine_raw?: number
  val_loss_average?: number
  val_cosine_average?: number
}
/** Weights as the optimizer leaves them, or their moving average. */
export type Weights = 'raw' | 'average'
/** training_history.json */
export interface History {
  version: 1
  model: string
  parameters: number
  history: HistoryRow[]
  /** Epoch of lowest validation loss, the earliest on ties; null before one was trained. */
  best_epoch: number | null
  /** How the run was taken beyond the length that its schedule was planned for; only where it was. */
  extended?: Stretch[]
}

/** Golden inputs and outputs of a run, as base64 of little-endian float32. */
export interface Golden {
  context: number
  rows: number
  inputs: string
  /** Raw outputs by file name without its ending. */
  outputs: Record<string, string>
  /** Where each was computed; there, it must be equal to the bit. */
  engines: Record<string, Engine>
}
export interface Engine {
  device: string
  dtype: string
  cpu: string
  threads: number
  multiplier: Multiplier
  libtorch: string
  addon: string
}

/** What a run's manifest records beside its files. */
export interface RunFacts {
  model: string
  folder: string
  spec: Node
  spec_hash: string
  dim: number
  context: number
  output: 'raw' | 'unit'
  parameters: number
  weights_bytes: number
  /** Settings as the library takes them, so that a run can be resumed. */
  options: { train: Record<string, unknown>; model: Record<string, unknown> }
  data: {
    path: string
    hash: string
    space: string | null
    kind: string
    rows: number
    normalized: boolean
    val: { path: string; hash: string } | null
  } | null
  split: { mode: string; leaky: boolean; seed: number; train: number; val: number; test: number } | null
  /** The encoder of the vectors that it was trained on; only in a run that `import` made. */
  space?: string | null
  /** What the audit of the data said before the training started; null where it was not asked. */
  audit: { verdict: string; codes: string[]; forced: boolean } | null
  /** The weights that a training started from, and their SHA-256. */
  init: { path: string; sha256: string } | null
  seed: number
  threads: number
  /** The library that multiplied float32 matrices: it was chosen by timing, and is used again. */
  multiplier: Multiplier
  device: string
  precision: string
  versions: { lvm_torch: string; libtorch: string; node: string }
  command_line: string[]
  golden: Golden
  /** Where a training stands; null for a run that was imported. */
  progress: Progress | null
  /** Which weights the run is judged and served by. Absent in runs that were made before it was recorded: the average with `ema`. */
  weights_kept?: Weights
  /** How the decay of the average came to be `ema`. Absent in runs that were made before it was recorded: constant. */
  ema_rule?: EmaRule | null
  train_seconds: number | null
  /** How the weights are kept, and of which run they are; only in a run that `quantize` made. */
  quantized?: Quantization
  /** What was taken out of which run; only in a run that `prune` made. */
  pruned?: Pruning
}
export type RunManifest = Manifest & RunFacts

/** `warmup`: min(ema, (1 + t) / (10 + t)) in step t, raw weights judged too; `constant`: ema from the first step on, only the average judged. */
export type EmaRule = 'warmup' | 'constant'

/** A part of the plan of a schedule; a step's rate is that of the last one whose `since` it has reached. Units: optimizer steps. */
export interface Stretch {
  readonly kind: 'planned' | 'constant' | 'restart' | 'replan'
  readonly since: number
  /** Where its warm-up begins and its cosine ends. */
  readonly from: number
  readonly to: number
}

/** How a schedule goes on beyond its first plan, in words. */
export const beyondPlan = (extended: readonly Stretch[]): string =>
  extended.map(({ kind, since, to }) => `${kind} from step ${since + 1} to ${to}`).join(', then ')

/** Everything beside the tensors that a training needs to go on to the bit. */
export interface Progress {
  /** The epoch that is being trained, from 1, and the steps of it that are done. */
  epoch: number
  step: number
  optimizer_steps: number
  sums: { loss: number; gradNorm: number; windows: number; steps: number }
  schedule: { lr: number; best: number | null; bad: number }
  best: { epoch: number; val_loss: number; val_cosine: number } | null
  /** Seconds of the epoch that is being trained, and of the training so far. */
  epoch_seconds: number
  seconds: number
  /** Whether the training came to its end. */
  finished: boolean
  /** Absent in runs that were made before it was recorded: as long as their options say. */
  plan?: readonly Stretch[]
  /** Where an epoch that `maxSteps` cut short stood before it was judged, so that it can go on. */
  cut?: Pick<Progress, 'epoch' | 'step' | 'sums' | 'schedule' | 'best' | 'epoch_seconds'>
}

/** What `prune` took out of a run. */
export interface Pruning {
  readonly parent: { readonly run: string; readonly weights_sha256: string }
  readonly structured: 'none' | 'heads' | 'neurons'
  readonly saliency: 'magnitude' | 'first-order'
  /** The share that was asked for. */
  readonly sparsity: number
  /** The share of the weights of all matrices that was set to zero. */
  readonly zeros: number
  /** Heads or neurons of each layer before and after. */
  readonly removed: readonly { readonly at: string; readonly units: number; readonly left: number }[]
  /** Epochs of training that followed. */
  readonly finetune: number
}

export const BEST = 'best_model.pt'
export const FINAL = 'final_model.pt'
/** The best weights before an epoch that `maxSteps` cut short was better. */
export const EARLIER = 'earlier_best.pt'
export const QUANTIZED = 'quantized.safetensors'
export const HISTORY = 'training_history.json'
export const CONFIG = 'config.json'
export const SPLIT = 'split.json'

/** The file with the weights that a run is judged and served by. */
export const weightsFile = ({ files }: Manifest): string => [QUANTIZED, BEST].find((name) => files[name] !== undefined) ?? FINAL

/** The dtype that a run computes in. */
export const weightsDtype = ({ options, quantized }: Pick<RunFacts, 'options' | 'quantized'>): 'float32' | 'bfloat16' =>
  options.train.weights === 'bf16' && quantized === undefined ? 'bfloat16' : 'float32'
