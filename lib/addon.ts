import type { DType } from './files/element.js'

/** A spec as C++ reads it; `Node` of lib/spec/ops.ts says which ops there are. */
export interface SpecNode {
  readonly op: string
  readonly name?: string
  readonly tied?: true
  readonly params: Readonly<Record<string, number | boolean | string>>
  readonly of: readonly SpecNode[]
}

declare const handle: unique symbol
/** Things that live in C++. Opaque here: every fact about them is asked of the addon. */
export interface NativeTensor {
  readonly [handle]: 'tensor'
}
export interface NativeModel {
  readonly [handle]: 'model'
}
export interface NativeSamples {
  readonly [handle]: 'samples'
}
export interface NativeTrainer {
  readonly [handle]: 'trainer'
}
export interface NativeStepper {
  readonly [handle]: 'stepper'
}

export interface NativeScript {
  readonly [handle]: 'script'
}

export type { DType } from './files/element.js'
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array

/** What a call takes from JavaScript and gives back, once handles are unwrapped. */
export type NativeValue = NativeTensor | number | bigint | boolean | string | null | undefined | NativeValue[]

export type Multiplier = 'aten' | 'onednn'

/** How a matrix [out, in] is stored: as it is, the other way round, or as a convolution of one tap [out, in, 1]. */
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

/** Where the targets of some queries stand in one pool, and what stands first there. */
export interface Ranking {
  /** Per query, rows more similar to it than its target, and other rows exactly as similar. */
  ahead: Int32Array
  tied: Int32Array
  /** Its k nearest rows, the nearest first; −1 where the pool is smaller. Shapes: [queries, k], and so are the next two. */
  rows: Int32Array
  /** Of these rows with the query, and with the target. */
  cosines: Float64Array
  toTarget: Float64Array
}
export interface Retrieval {
  /** The whole bank is the pool. */
  all: Ranking
  /** The excluded rows are left out of it. */
  allowed: Ranking
}

/** The addon's whole surface. Arguments are already resolved when they get here. */
export interface Addon {
  // binding/tensor.cpp
  tensorFrom(data: TypedArray, shape: readonly number[], dtype: DType): NativeTensor
  tensorMap(path: string, offset: number, shape: readonly number[], dtype: DType): NativeTensor
  tensorRead(path: string, offset: number, shape: readonly number[], dtype: DType): Promise<NativeTensor>
  tensorShape(t: NativeTensor): number[]
  tensorDtype(t: NativeTensor): DType
  tensorDevice(t: NativeTensor): string
  tensorData(t: NativeTensor): Promise<ArrayBuffer>
  tensorTo(t: NativeTensor, device: string, dtype: DType | ''): Promise<NativeTensor>
  tensorGrad(t: NativeTensor): NativeTensor | undefined
  tensorBackward(t: NativeTensor): Promise<undefined>
  rowNorms(t: NativeTensor): Promise<Float64Array>
  dispose(thing: NativeTensor | NativeModel | NativeSamples | NativeTrainer | NativeStepper): void
  // binding/call.cpp
  call(op: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>): Promise<NativeValue>
  operators(): string[]
  // binding/device.cpp
  devices(): { name: string; type: string; memory: number | null }[]
  threads(): number
  setThreads(n: number): void
  cpuCapability(): string
  libtorchVersion(): string
  /** Which library multiplies float32 matrices on the processor; with a name, sets it. */
  multiplier(set?: Multiplier): Multiplier
  timeMultipliers(): Promise<Record<Multiplier, number>>
  /** Whether its products are right on this machine. */
  multiplierAgrees(kind: Multiplier): Promise<boolean>
  // binding/model.cpp
  describeOps(): Record<string, Record<string, string>>
  /** Matrices that are named in `later` have no numbers until they are packed. */
  model(spec: SpecNode, dtype: DType, device: string, seed: number | null, later?: readonly string[]): Promise<NativeModel>
  /** The live tensors: what is written into them changes the model, and they are disposed with it. Those with a layout are matrices that inputs are multiplied with. */
  modelState(model: NativeModel): { name: string; tensor: NativeTensor; trainable: boolean; layout?: Layout }[]
  modelLoad(model: NativeModel, values: Readonly<Record<string, NativeTensor>>): Promise<undefined>
  /** Gives a matrix the form that a kernel wants, or false where the kernel is wrong on this machine; its values and scales as native/kernels/packed-weights.h says. */
  modelPack(model: NativeModel, name: string, kernel: string, values: NativeTensor, scales: NativeTensor | null): Promise<boolean>
  /** Kernels that multiply wrongly on this machine. */
  wrongKernels(scheme: string, out: number, input: number): Promise<string[]>
  /** Milliseconds of a product by every kernel that is right, for each number of rows. */
  timeKernels(scheme: string, out: number, input: number, rows: Int32Array): Promise<Record<string, number[]>>
  /** Unit vectors, or with `raw` what the head gives. */
  modelPredict(model: NativeModel, x: NativeTensor, all: boolean, raw?: boolean): Promise<NativeTensor>
  modelExamine(model: NativeModel, x: NativeTensor, target: NativeTensor): Promise<Record<string, NativeTensor>>
  stepper(model: NativeModel, batch: number): NativeStepper
  stepperStep(stepper: NativeStepper, x: NativeTensor, raw?: boolean): Promise<NativeTensor>
  stepperReset(stepper: NativeStepper): Promise<undefined>
  // binding/evaluation.cpp
  samples(
    vectors: NativeTensor,
    targets: NativeTensor | null,
    first: Int32Array,
    target: Int32Array,
    context: number,
  ): NativeSamples
  score(raw: NativeTensor, samples: NativeSamples, ids: Int32Array, centre: NativeTensor | null): Promise<Scores>
  evaluate(
    model: NativeModel,
    samples: NativeSamples,
    ids: Int32Array,
    o: { batch: number; centre: NativeTensor | null },
  ): Promise<Scores>
  predict(model: NativeModel, samples: NativeSamples, ids: Int32Array, batch: number): Promise<NativeTensor>
  /** Exact t-SNE. Shapes: x [n, dim] → places [n, 2], float64. */
  tsne(x: NativeTensor, o: { perplexity: number; iterations: number }): Promise<{ places: NativeTensor; divergence: number }>
  // binding/retrieval.cpp
  /** Query i leaves out the rows excluded[first[i] … first[i + 1]). */
  retrieve(
    queries: NativeTensor,
    bank: NativeTensor,
    rows: { target: Int32Array; first: Int32Array; excluded: Int32Array },
    k: number,
  ): Promise<Retrieval>
  // binding/training.cpp
  trainer(model: NativeModel, samples: NativeSamples, ids: Int32Array, o: TrainerOptions): Promise<NativeTrainer>
  trainerRun(trainer: NativeTrainer, epoch: number, from: number, rates: Float64Array): Promise<number>
  trainerStop(trainer: NativeTrainer): void
  trainerProgress(trainer: NativeTrainer): { steps: number; loss: number }
  trainerStepsPerEpoch(trainer: NativeTrainer): number
  trainerSums(trainer: NativeTrainer, set?: TrainerSums): TrainerSums
  /** The live tensors of the optimizer, which are disposed with the trainer. */
  trainerState(trainer: NativeTrainer): {
    steps: number
    slots: { name: string; m: NativeTensor; v: NativeTensor; average?: NativeTensor }[]
  }
  trainerSetSteps(trainer: NativeTrainer, steps: number): void
  trainerSwap(trainer: NativeTrainer): Promise<undefined>
  savePt(path: string, value: unknown): Promise<undefined>
  // binding/script.cpp
  scriptSave(model: NativeModel, path: string, source: string): Promise<undefined>
  scriptLoad(path: string, device: string, dtype?: DType): Promise<NativeScript>
  scriptRun(script: NativeScript, inputs: readonly NativeTensor[]): Promise<NativeTensor>
  scriptDispose(script: NativeScript): void
  // binding/addon.cpp
  /** Ends all work that is under way, or else the process with this code. */
  leave(code: number): void
}

export interface TrainerOptions {
  batch: number
  accumulate: number
  loss: 'mse' | 'cosine'
  /** Products in bfloat16, whatever the weights are. */
  bf16: boolean
  /** Every position predicts its successor. */
  sequence: boolean
  /** Residual layers are computed again in the backward pass. */
  recompute: boolean
  /** What is zero in a matrix at the start stays zero. */
  keepZeros?: boolean
  seed: number
  weightDecay: number
  beta1: number
  beta2: number
  eps: number
  clip: number
  ema: number
  /** The decay rises to `ema` from the first steps on. */
  emaWarmup?: boolean
  /** Of its steps; as many as everything else has unless given. */
  threads?: number
}
/** Sums over the steps of the epoch so far; part of a checkpoint, so that a resumed epoch reports the same to the bit. */
export interface TrainerSums {
  loss: number
  gradNorm: number
  windows: number
  steps: number
}
