import type { OwnFacts } from '../architectures/recorded.js'
import type { EncoderTag } from '../data/encoder-tag.js'
import type { Fold } from '../data/fold.js'
import type { Multiplier } from '../native.js'
import type { Node } from '../spec/ops.js'
import type { Manifest } from './manifest.js'
import type { Quantization } from './quantized.js'
import type { BatchTest, LrTest } from './tested-settings.js'

/** One row of training_history.json. Epoch 0 is the untrained model. Units: seconds, bytes. */
export interface HistoryRow {
  epoch: number
  /** Mean loss of the training steps, with dropout; null for epoch 0. */
  train_loss_running: number | null
  /** Loss on a fixed sample of the training windows, in eval mode. */
  train_loss: number
  train_cosine: number
  val_loss: number
  val_cosine: number
  lr: number
  /** Mean gradient norm of the epoch's steps, before clipping; null for epoch 0. */
  grad_norm: number | null
  /** Mean length of the raw outputs on the validation windows. */
  output_norm_mean: number
  output_norm_sd: number
  seconds: number
  /** Share of the processor time that this process was ready to use and got; null if unknown, absent in earlier versions. */
  cpu_share?: number | null
  samples_per_second: number | null
  /** Predicted vectors per second, with the objective `sequence` only. With --context a sample has several of them. */
  targets_per_second?: number | null
  peak_memory_bytes: number
  /** Share of the targets among the ten nearest rows of a fixed pool, mean reciprocal rank; where a training asks for ranks. */
  val_top10?: number
  val_mrr?: number
  /** Rows ranked for a query, in the mean, and `val_top10` of a random order. */
  val_pool?: number
  val_top10_chance?: number
  /** Spread of the validation predictions: 1 − |mean|² of unit vectors, and the effective rank of their covariance. */
  val_dispersion?: number
  val_effective_rank?: number
  /** Figures of the rows that a fold holds out; nothing is chosen by them. With `fold` only, the second where epochs rank targets. */
  test_cosine?: number
  test_top10?: number
  /** Temperature that the contrastive loss has learned; with such a loss only. */
  temperature?: number
  /** Weights of this row, raw or averaged, the better ones by `select`; with averaging only. */
  weights?: Weights
  /** Validation figures of both kinds of weights, from epoch 1 on; with averaging only. */
  val_loss_raw?: number
  val_cosine_raw?: number
  val_loss_average?: number
  val_cosine_average?: number
}
/** `raw`: as the optimizer leaves them; `average`: their moving average (EMA). */
export type Weights = 'raw' | 'average'
/** Content of training_history.json. */
export interface History {
  version: 1
  model: string
  parameters: number
  history: HistoryRow[]
  /** Best epoch by `select`, the earliest on ties; null before the first epoch. */
  best_epoch: number | null
  /** Parts of the schedule after its first plan; absent without `extend`. */
  extended?: Stretch[]
}

/** Golden inputs and outputs of a run, as base64 of little-endian float32. */
export interface Golden {
  context: number
  rows: number
  inputs: string
  /** Raw outputs by file name without extension. */
  outputs: Record<string, string>
  /** Engine that computed each; on an equal engine outputs are bit-identical. */
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

/** Facts in a run's manifest other than its files. */
export interface RunFacts {
  model: string
  folder: string
  /** Only in a run of an architecture of one's own, which this package does not know. */
  architecture?: OwnFacts
  spec: Node
  spec_hash: string
  dim: number
  /** Vectors of the longest context. */
  context: number
  /** How far back contexts reach, and the fewest vectors of one. Absent when all have `context`. */
  history?: number | 'article'
  min_history?: number
  output: 'raw' | 'unit'
  parameters: number
  weights_bytes: number
  /** Options under their library names, so that a run can be resumed. */
  options: { train: Record<string, unknown>; model: Record<string, unknown> }
  data: {
    path: string
    hash: string
    /** Hash of the rows themselves, equal in every format. Absent in runs of older versions. */
    content_hash?: string | null
    space: string | null
    /** Encoder of the vectors, as their card describes it. Absent in runs of older versions. */
    encoder?: EncoderTag | null
    kind: string
    rows: number
    normalized: boolean
    val: { path: string; hash: string } | null
  } | null
  split: { mode: string; leaky: boolean; seed: number; fold?: Fold; train: number; val: number; test: number } | null
  /** Encoder of the vectors that the model was trained on; only in an imported run. */
  space?: string | null
  /** Result of the data audit before training; null without an audit. */
  audit: { verdict: string; codes: string[]; forced: boolean } | null
  /** File of the initial weights, and its SHA-256; null for random ones. */
  init: { path: string; sha256: string } | null
  seed: number
  threads: number
  /** Library that multiplied float32 matrices, chosen by timing; later runs of this model use it again. */
  multiplier: Multiplier
  device: string
  precision: string
  versions: { lvm_torch: string; libtorch: string; node: string }
  command_line: string[]
  golden: Golden
  /** State of the training; null for an imported run. */
  progress: Progress | null
  /** Weights used by evaluation and serving. Absent in runs of older versions, which use the average if they have `ema`. */
  weights_kept?: Weights
  /** How the decay reaches `ema`. Absent in runs of older versions, where the decay is constant. */
  ema_rule?: EmaRule | null
  train_seconds: number | null
  /** Quantisation and parent run; only in a quantised run. */
  quantized?: Quantization
  /** Pruning and parent run; only in a pruned run. */
  pruned?: Pruning
}
export type RunManifest = Manifest & RunFacts

/** `warmup`: decay min(ema, (1 + t) / (10 + t)) in step t, raw weights evaluated too; `constant`: decay `ema` from the first step, only the average evaluated. */
export type EmaRule = 'warmup' | 'constant'

/** A part of a schedule's plan; the last part with `since` at or before a step gives its rate. Units: optimizer steps. */
export interface Stretch {
  readonly kind: 'planned' | 'constant' | 'restart' | 'replan'
  readonly since: number
  /** Step at which its warm-up begins. */
  readonly from: number
  /** Step at which its cosine ends. */
  readonly to: number
}

/** Describes the parts of a schedule after its first plan. */
export const beyondPlan = (extended: readonly Stretch[]): string =>
  extended.map(({ kind, since, to }) => `${kind} from step ${since + 1} to ${to}`).join(', then ')

/** State that a training needs, besides the tensors, to resume bit for bit. */
export interface Progress {
  /** Range test that chose the learning rate; absent for a rate that was given. */
  lr_test?: LrTest
  /** Test that chose the batch size; absent for a size that was given. */
  batch_test?: BatchTest
  /** Current epoch, from 1; 0 before the evaluation of the untrained model. */
  epoch: number
  /** Steps done in the current epoch. */
  step: number
  optimizer_steps: number
  sums: { loss: number; gradNorm: number; windows: number; steps: number }
  /** Logarithm of the temperature of a contrastive loss, and its moments; with such a loss only. */
  temperature?: { log: number; m: number; v: number }
  schedule: { lr: number; best: number | null; bad: number }
  best: { epoch: number; val_loss: number; val_cosine: number; val_top10?: number; val_mrr?: number } | null
  /** Sums of the current epoch at its last event `step`. Absent in runs of older versions. */
  logged?: Progress['sums']
  /** Seconds of the current epoch. */
  epoch_seconds: number
  /** Seconds of the training so far. */
  seconds: number
  /** Whether the training has ended. */
  finished: boolean
  /** Plan of the schedule. Absent in runs of older versions, where epochs and steps in the options give it. */
  plan?: readonly Stretch[]
  /** State before the evaluation of an epoch that `maxSteps` cut short, so that the epoch can be finished. */
  cut?: Pick<Progress, 'epoch' | 'step' | 'sums' | 'schedule' | 'best' | 'epoch_seconds' | 'logged'>
}

/** Weights that `prune` removed from a run. */
export interface Pruning {
  readonly parent: { readonly run: string; readonly weights_sha256: string }
  readonly structured: 'none' | 'heads' | 'neurons'
  readonly saliency: 'magnitude' | 'first-order'
  /** Requested fraction. */
  readonly sparsity: number
  /** Fraction of the weights of all matrices set to zero. */
  readonly zeros: number
  /** Heads or neurons of each layer before (`units`) and after (`left`). */
  readonly removed: readonly { readonly at: string; readonly units: number; readonly left: number }[]
  /** Epochs of training after pruning. */
  readonly finetune: number
}

export const BEST = 'best_model.pt'
export const FINAL = 'final_model.pt'
/** Best weights before a better epoch that `maxSteps` cut short. */
export const EARLIER = 'earlier_best.pt'
export const QUANTIZED = 'quantized.safetensors'
export const HISTORY = 'training_history.json'
export const CONFIG = 'config.json'
export const SPLIT = 'split.json'

/** Weight file that evaluation and serving use. */
export const weightsFile = ({ files }: Manifest): string => [QUANTIZED, BEST].find((name) => files[name] !== undefined) ?? FINAL

/** Dtype of the model's computation. */
export const weightsDtype = ({ options, quantized }: Pick<RunFacts, 'options' | 'quantized'>): 'float32' | 'bfloat16' =>
  options.train.weights === 'bf16' && quantized === undefined ? 'bfloat16' : 'float32'
