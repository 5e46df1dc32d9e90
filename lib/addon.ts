import type { DType } from './files/element.js'
import type {
  NativeBank,
  NativeJointSteps,
  NativeModel,
  NativeRanks,
  NativeSamples,
  NativeScript,
  NativeStepper,
  NativeStopFlag,
  NativeT5,
  NativeTensor,
  NativeTrainer,
  TrainerState,
} from './handles.js'
import type { Retrieval } from './rankings.js'
import type { RanksAddon } from './ranks-addon.js'
import type { TensorCalls } from './tensor-calls.js'
import type { DeviceMemory, ProductTimes, StepsPlan, TrainerOptions, TrainerSums, TrainerTemperature } from './trainer-options.js'

/** A spec as C++ reads it; `Node` in lib/spec/ops.ts restricts `op` to the known ops. */
export interface SpecNode {
  readonly op: string
  readonly name?: string
  readonly tied?: true
  readonly params: Readonly<Record<string, number | boolean | string>>
  readonly of: readonly SpecNode[]
}

export type { DType } from './files/element.js'
export type * from './handles.js'
export type * from './tensor-calls.js'

export type Multiplier = 'aten' | 'onednn'

/** Storage of a matrix [out, in]: `rows` as it is, `columns` transposed, `tap` as a convolution of one tap [out, in, 1]. */
export type Layout = 'rows' | 'columns' | 'tap'

/** Per-window figures of one evaluation, in float64. */
export interface Scores {
  cosine: Float64Array
  cosineCentred: Float64Array
  mseRaw: Float64Array
  mseUnit: Float64Array
  /** Length of the raw output. */
  norm: Float64Array
}

/** Queries as sums Σ weights · parts of vectors that they share; as many rows and weights for each query. Shapes: parts [n, dim]. */
export interface QuerySums {
  parts: NativeTensor
  rows: Int32Array
  weights: Float64Array
}

/** All functions of the addon; the caller has resolved and checked every argument. */
export interface Addon extends TensorCalls, RanksAddon {
  // native/binding/device-exports.cpp
  devices(): { name: string; type: string; memory: number | null }[]
  deviceMemory(device: string, restart: boolean): DeviceMemory | null
  threads(): number
  setThreads(n: number): void
  cpuCapability(): string
  libtorchVersion(): string
  /** Returns the library that multiplies float32 matrices on the CPU; a name as argument sets it first. */
  multiplier(set?: Multiplier): Multiplier
  timeMultipliers(): Promise<Record<Multiplier, number>>
  /** Time of a layer's products: y = x Wᵀ of x [rows, in], dX = dY W and dW = dYᵀ X. Units: milliseconds. */
  timeProducts(kind: Multiplier, rows: number, out: number, input: number, dtype: DType): Promise<ProductTimes>
  /** Whether this library's products are correct on this machine. */
  multiplierAgrees(kind: Multiplier): Promise<boolean>
  // native/binding/model-exports.cpp
  describeOps(): Record<string, Record<string, string>>
  /** Matrices named in `later` stay uninitialised until they are packed. */
  model(spec: SpecNode, dtype: DType, device: string, seed: number | null, later?: readonly string[]): Promise<NativeModel>
  /** The model's own tensors: writing to one changes the model, and disposing the model disposes them. Only matrices that multiply inputs have a layout. */
  modelState(model: NativeModel): { name: string; tensor: NativeTensor; trainable: boolean; layout?: Layout }[]
  modelLoad(model: NativeModel, values: Readonly<Record<string, NativeTensor>>): Promise<undefined>
  /** Packs a matrix for a kernel; false when the kernel is wrong on this machine. native/kernels/packed-weights.h describes values and scales. */
  modelPack(model: NativeModel, name: string, kernel: string, values: NativeTensor, scales: NativeTensor | null): Promise<boolean>
  /** Rounds all matrices of a loaded model to bfloat16; false when the kernel is wrong on this machine. */
  modelRoundToBf16(model: NativeModel): Promise<boolean>
  /** Packs float32 matrices for predictions, without loss; asking for the state of the model undoes it. */
  modelFreeze(model: NativeModel, names: readonly string[]): Promise<boolean>
  /** Kernels whose products are wrong on this machine. */
  wrongKernels(scheme: string, out: number, input: number): Promise<string[]>
  /** Time of a product by every correct kernel, for each number of rows. Units: milliseconds. */
  timeKernels(scheme: string, out: number, input: number, rows: Int32Array): Promise<Record<string, number[]>>
  /** Unit vectors, or with `raw` the output of the head. */
  modelPredict(model: NativeModel, x: NativeTensor, all: boolean, raw?: boolean): Promise<NativeTensor>
  modelExamine(model: NativeModel, x: NativeTensor, target: NativeTensor): Promise<Record<string, NativeTensor>>
  // native/binding/stepper-exports.cpp
  stepper(model: NativeModel, batch: number): NativeStepper
  stepperStep(stepper: NativeStepper, x: NativeTensor, raw?: boolean): Promise<NativeTensor>
  stepperReset(stepper: NativeStepper): Promise<undefined>
  jointSteps(model: NativeModel): Promise<NativeJointSteps>
  /** Feeds one vector to each row of different steppers. Shapes: x [rows of all steppers, dim] → the same, unit vectors. */
  jointStep(joint: NativeJointSteps, steppers: readonly NativeStepper[], x: NativeTensor): Promise<NativeTensor>
  // native/binding/evaluation-exports.cpp
  samples(
    vectors: NativeTensor,
    targets: NativeTensor | null,
    first: Int32Array,
    target: Int32Array,
    context: number,
    length?: Int32Array | null,
  ): NativeSamples
  score(raw: NativeTensor, samples: NativeSamples, ids: Int32Array, centre: NativeTensor | null): Promise<Scores>
  evaluate(
    model: NativeModel,
    samples: NativeSamples,
    ids: Int32Array,
    o: { batch: number; centre: NativeTensor | null },
  ): Promise<Scores>
  predict(model: NativeModel, samples: NativeSamples, ids: Int32Array, batch: number): Promise<NativeTensor>
  /** Exponential means of contexts, one for each decay. Shapes: → [n, decays, dim], float32. */
  exponentialMeans(samples: NativeSamples, ids: Int32Array, decays: Float64Array): Promise<NativeTensor>
  /** Products of these means and of the target, the last, with one another. Shapes: → [n, decays + 1, decays + 1], float64. */
  exponentialProducts(samples: NativeSamples, ids: Int32Array, decays: Float64Array): Promise<NativeTensor>
  /** Cosines of these means and the target. Shapes: → [n, decays], float64. */
  exponentialCosines(samples: NativeSamples, ids: Int32Array, decays: Float64Array): Promise<NativeTensor>
  /**
   * Contrastive loss of queries against a pool, at a temperature of exp(log). Query i leaves out the columns
   * excluded[first[i] … first[i + 1]). Returns the losses, and the gradients of their mean at the unit queries and at `log`.
   *
   * Shapes: queries [n, dim], targets [n, dim], pool [columns, dim].
   */
  contrast(
    queries: NativeTensor,
    targets: NativeTensor,
    pool: NativeTensor,
    o: {
      first: Int32Array
      excluded: Int32Array
      log: number
      /** Logarithm of the share of all rows that the pool holds; 0 for queries and columns of one group. */
      logQ: number
      groups?: { queries: Int32Array; columns: Int32Array }
    },
  ): Promise<{ loss: Float64Array; gradient: NativeTensor; log: number }>
  /** Exact t-SNE. Shapes: x [n, dim] → places [n, 2], float64. */
  tsne(x: NativeTensor, o: { perplexity: number; iterations: number }): Promise<{ places: NativeTensor; divergence: number }>
  // native/binding/retrieval-exports.cpp
  /** Vectors to search more than once: the lengths of their rows are computed once. Shapes: vectors [rows, dim], float16 or float32. */
  bank(vectors: NativeTensor): NativeBank
  bankDispose(bank: NativeBank): void
  /** Query i excludes the rows excluded[first[i] … first[i + 1]); with `sums` it is Σ weights · parts over its part of the rows and weights. */
  retrieve(
    queries: NativeTensor,
    bank: NativeBank | NativeTensor,
    rows: { target: Int32Array; first: Int32Array; excluded: Int32Array },
    k: number,
    sums?: QuerySums,
  ): Promise<Retrieval>
  // native/binding/training-exports.cpp
  trainer(
    model: NativeModel,
    samples: NativeSamples,
    ids: Int32Array,
    o: TrainerOptions & { ranks?: NativeRanks | undefined },
  ): Promise<NativeTrainer>
  trainerRun(trainer: NativeTrainer, epoch: number, from: number, rates: Float64Array): Promise<number>
  /** With ranks, all of them stop after the same step; `stopped` says so. */
  trainerStop(trainer: NativeTrainer): void
  /** With ranks, the run of each ends after the same step; `paused` says so. */
  trainerPause(trainer: NativeTrainer): void
  trainerProgress(trainer: NativeTrainer): { steps: number; windows: number; loss: number; stopped: boolean; paused: boolean }
  trainerStepsPerEpoch(trainer: NativeTrainer): number
  trainerSteps(trainer: NativeTrainer): StepsPlan
  trainerSums(trainer: NativeTrainer, set?: TrainerSums): TrainerSums
  trainerTemperature(trainer: NativeTrainer, set?: TrainerTemperature): TrainerTemperature
  /** The optimizer's own tensors; disposing the trainer disposes them. */
  trainerState(trainer: NativeTrainer): TrainerState
  /** The same for `savePt` on rank 0 of ranks that share the state: tensors that have no memory before. */
  trainerWhole(trainer: NativeTrainer): TrainerState
  /** Gives rank 0 this rank's part of the state while it saves. */
  trainerServe(trainer: NativeTrainer): Promise<undefined>
  trainerSetSteps(trainer: NativeTrainer, steps: number): void
  trainerSwap(trainer: NativeTrainer): Promise<undefined>
  /** With a trainer whose ranks share its state, `value` may hold tensors of `trainerWhole`. */
  savePt(path: string, value: unknown, trainer?: NativeTrainer): Promise<undefined>
  // native/binding/script-exports.cpp
  scriptSave(model: NativeModel, path: string, source: string): Promise<undefined>
  scriptLoad(path: string, device: string, dtype?: DType): Promise<NativeScript>
  scriptRun(script: NativeScript, inputs: readonly NativeTensor[]): Promise<NativeTensor>
  scriptDispose(script: NativeScript): void
  // native/binding/text-exports.cpp
  /** Runs a textModel on the token ids of all texts, one after the other; pools leave out the first `skip` tokens. Shapes: → [texts or tokens, dim]. */
  textEncode(model: NativeModel, ids: Int32Array, lengths: Int32Array, skip?: number): Promise<Float32Array>
  // native/binding/t5-exports.cpp
  t5(settings: T5Settings, weights: Readonly<Record<string, NativeTensor>>): Promise<NativeT5>
  t5Encode(t5: NativeT5, x: NativeTensor, mask: NativeTensor): Promise<NativeTensor>
  /** Logits of given ids, computed step by step. Shapes: ids [batch, n] → [batch, n, tokens]. */
  t5Logits(t5: NativeT5, encoded: NativeTensor, mask: NativeTensor, ids: NativeTensor): Promise<NativeTensor>
  t5Generate(t5: NativeT5, encoded: NativeTensor, mask: NativeTensor, o: T5Search, flag: NativeStopFlag): Promise<Int32Array[]>
  t5Dispose(t5: NativeT5): void
  stopFlag(): NativeStopFlag
  raiseFlag(flag: NativeStopFlag): void
  // native/binding/addon.cpp
  /** Stops running work; if it still runs after 1 s, exits the process with this code. */
  leave(code: number): void
}
export type T5Settings = Record<'maxDistance' | 'eps' | 'logitScale', number>
export type T5Search = Record<'longest' | 'shortest' | 'beams' | 'returned' | 'lengthPenalty', number>
