export type TrainerSteps = 'host' | 'device' | 'graph'
/** Options of the native trainer. */
export interface TrainerOptions {
  batch: number
  accumulate: number
  /** Vectors in a batch of contexts of unequal length; a longer context is a batch of its own. */
  vectors?: number
  /** With `sequence` and contexts of unequal length: groups of windows that begin together, instead of `batch` windows. */
  groups?: number
  loss: 'mse' | 'cosine'
  /** Products are in bfloat16, independent of the dtype of the weights. */
  bf16: boolean
  /** Every position predicts the vector after it. */
  sequence: boolean
  /** The backward pass computes residual layers again (gradient checkpointing). */
  recompute: boolean
  /** Matrix elements that are zero at the start stay zero. */
  keepZeros?: boolean
  /** Windows that are shuffled among each other; all unless given. */
  buffer?: number
  seed: number
  weightDecay: number
  beta1: number
  beta2: number
  eps: number
  clip: number
  ema: number
  /** The decay of the EMA rises to `ema` during warm-up. */
  emaWarmup?: boolean
  /** Adds the contrastive loss with this weight; `loss` has the rest, multiplied by `errorScale`. A step draws `negatives` rows. */
  contrastive?: { weight: number; errorScale: number; negatives: number }
  /**
   * Where steps run at most: on the host, queued on the device, or recorded there in a graph. Default: `host` on the CPU, `graph` on
   * CUDA, `device` elsewhere.
   */
  steps?: TrainerSteps
  /** Factors of the learning rate by parameter, 1 for all others; 0 freezes a parameter. */
  lrScales?: Readonly<Record<string, number>>
  /** Each rank keeps a part of the optimizer's state. */
  shareState?: boolean
  /** Threads of training steps; the process's thread count unless given. */
  threads?: number
}
/** Sums over the steps of the epoch so far; stored in checkpoints, so that a resumed epoch reports bit-equal figures. */
export interface TrainerSums {
  loss: number
  gradNorm: number
  windows: number
  steps: number
}
/** Temperature of the contrastive loss: its logarithm and the moments of its Adam, in float64. */
export interface TrainerTemperature {
  log: number
  m: number
  v: number
}
/** Time of a layer's three products. Units: milliseconds. */
export type ProductTimes = Record<'forward' | 'dx' | 'dw', number>
/** Where steps run, and why not nearer to the device. */
export interface StepsPlan {
  where: TrainerSteps
  why: string
}
/** Memory that libtorch holds on an accelerator, and its peak since `restart`; null where it is not counted. Units: bytes. */
export interface DeviceMemory {
  allocated: number
  peak: number
}
