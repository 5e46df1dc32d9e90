import { parse } from 'node:path'
import { findArchitecture } from '../architectures/index.js'
import { asyncDoor, count, only, optional, word, yesOrNo } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { type NativeModel, type NativeStepper, type NativeTensor, native } from '../native.js'
import { isCausal } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { Tensor } from '../torch/tensor.js'
import { findRun, runName } from './folder.js'
import { checkGolden } from './golden.js'
import { jsonHash } from './hash.js'
import { openModel } from './open-model.js'
import { type RunManifest, weightsDtype, weightsFile } from './run.js'
import { verifyRun } from './store.js'

export interface LoadOptions {
  /** cpu, cuda[:n], mps or auto. */
  readonly device?: string
  /** Those the run was trained with unless given. */
  readonly threads?: number
  /** Folder of runs, for a RUN that is a name. */
  readonly root?: string
  /** Of a quantised run: multiply with its dequantised numbers, as other programs do, instead of with the quickest kernels. */
  readonly exact?: boolean
}

/** Feeds a model one vector per row at a time. */
export interface Stepper {
  /** Shapes: Float32Array of batch · dim → the same, unit vectors. */
  step(x: Float32Array): Promise<Float32Array>
  reset(): Promise<void>
  dispose(): void
}

/** Errors: BAD_ARGUMENT for anything but a Float32Array of one or more times `size` numbers. */
function requireVectors(owner: string, x: unknown, size: number): asserts x is Float32Array {
  const length = x instanceof Float32Array ? x.length : 0
  if (length > 0 && length % size === 0) return
  const received = length > 0 ? length : x instanceof Float32Array ? 'none' : Object.prototype.toString.call(x).slice(8, -1)
  throw new LvmError(
    'BAD_ARGUMENT',
    `${owner}: expected a Float32Array of a multiple of ${size} numbers but received ${received}`,
    {
      hint: 'a batch of contexts lies row after row; their length, if not that of the training, is {context}',
    },
  )
}

async function numbers(handle: NativeTensor): Promise<Float32Array> {
  using output = Tensor.wrap(handle)
  using single = await output.to({ device: 'cpu', dtype: 'float32' })
  return (await single.data()) as Float32Array
}

/** A run that is loaded and verified. Free it with `dispose()` (or `using`). */
export class Model {
  readonly dim: number
  readonly context: number
  readonly parameters: number
  /** Whether every position sees only those before it, so that vectors may be fed one at a time. */
  readonly causal: boolean
  /** SHA-256 of the file of weights. */
  readonly weights: string
  constructor(
    readonly native: NativeModel,
    /** Folder of the run. */
    readonly folder: string,
    /** What it is called: its name below the folder of runs, or its path. */
    readonly name: string,
    readonly manifest: RunManifest,
    readonly device: string,
    readonly fileBytes: number,
    readonly loadMs: number,
  ) {
    this.dim = manifest.dim
    this.context = manifest.context
    this.parameters = manifest.parameters
    this.causal = isCausal(findArchitecture(manifest.model), manifest.options.model)
    this.weights = manifest.files[weightsFile(manifest)]!.sha256
  }

  /**
   * The vector that follows each context, of unit length.
   *
   * Shapes: Float32Array of batch · context · dim → batch · dim; Tensor [batch, context, dim] → [batch, dim].
   * Errors: BAD_ARGUMENT, BAD_OPTION for a shape that does not fit; DATA_NOT_FINITE.
   */
  predict(x: Float32Array, options?: { context?: number }): Promise<Float32Array>
  predict(x: Tensor): Promise<Tensor>
  predict(x: Float32Array | Tensor, options: { context?: number } = {}): Promise<Float32Array | Tensor> {
    return this.run(x, options, false)
  }
  /** The vector that follows each prefix of the context; causal models only. Shapes: as predict, with all positions. */
  predictAll(x: Float32Array, options?: { context?: number }): Promise<Float32Array>
  predictAll(x: Tensor): Promise<Tensor>
  async predictAll(x: Float32Array | Tensor, options: { context?: number } = {}): Promise<Float32Array | Tensor> {
    this.requireCausal('predictAll')
    return this.run(x, options, true)
  }
  private requireCausal(owner: string): void {
    if (this.causal) return
    const { model } = this.manifest
    throw new LvmError('BAD_OPTION', `${owner}: expected a causal model but ${model} sees the whole context at every position`)
  }
  private async run(
    x: Float32Array | Tensor,
    { context = this.context }: { context?: number },
    all: boolean,
  ): Promise<Float32Array | Tensor> {
    if (x instanceof Tensor) return Tensor.wrap(await native.modelPredict(this.native, x.native, all))
    if (!Number.isSafeInteger(context) || context < 1) throw badOption('predict', 'context', 'an integer ≥ 1', context)
    requireVectors('predict', x, context * this.dim)
    using input = Tensor.from(x, [x.length / (context * this.dim), context, this.dim])
    return numbers(await native.modelPredict(this.native, input.native, all))
  }

  /** A state that is fed one vector at a time, and predicts the next after each; causal models only. */
  stepper({ batch = 1 }: { batch?: number } = {}): Stepper {
    this.requireCausal('stepper')
    if (!Number.isSafeInteger(batch) || batch < 1) throw badOption('stepper', 'batch', 'an integer ≥ 1', batch)
    const stepper: NativeStepper = native.stepper(this.native, batch)
    const dim = this.dim
    return {
      async step(x) {
        requireVectors('stepper', x, dim)
        using input = Tensor.from(x, [x.length / dim, dim])
        return numbers(await native.stepperStep(stepper, input.native))
      },
      reset: async () => {
        await native.stepperReset(stepper)
      },
      dispose: () => native.dispose(stepper),
    }
  }

  dispose(): void {
    native.dispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** That the spec in a manifest is the one it was hashed as, and what its own architecture describes today. Errors: BAD_CHECKPOINT, FOREIGN_FORWARD. */
function checkSpec(run: string, { model, spec, spec_hash, dim, context, options, parameters }: RunManifest): void {
  if (jsonHash(spec) !== spec_hash)
    throw new LvmError('BAD_CHECKPOINT', `${run}: expected a spec with hash ${spec_hash} but its hash is ${jsonHash(spec)}`)
  const { node } = findArchitecture(model).spec({ dim, context }, options.model)
  if (jsonHash(node) !== spec_hash) {
    throw new LvmError(
      'FOREIGN_FORWARD',
      `${run}: expected the spec of ${model} with hash ${jsonHash(node)} but the run has ${spec_hash}`,
    )
  }
  if (countParameters(spec) !== parameters) {
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${run}: expected ${countParameters(spec)} parameters but the manifest says ${parameters}`,
    )
  }
}

/** A manifest can be whole and yet not describe a model: its errors are those of the checkpoint, not of whoever loads it. */
function asCheckpointError(run: string, error: unknown): LvmError {
  if (error instanceof LvmError && !['BAD_OPTION', 'BAD_SPEC', 'BAD_ARGUMENT'].includes(error.code)) return error
  return new LvmError('BAD_CHECKPOINT', `${run}: expected a manifest that describes a model (${(error as Error).message})`, {
    cause: error,
  })
}

const LOAD = {
  run: word,
  options: only({ device: optional(word), threads: optional(count), root: optional(word), exact: optional(yesOrNo) }),
}

/**
 * Loads the best weights of a run, after every hash and the golden rows were checked.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const load = asyncDoor('load', LOAD, async (run: string, options: LoadOptions = {}): Promise<Model> => {
  const start = performance.now()
  const { threads } = options
  const folder = await findRun(run, options.root)
  const { path, manifest: facts } = await verifyRun(folder)
  const manifest = facts as RunManifest
  const name = runName(folder, options.root)
  const device = resolveDevice(options.device ?? 'auto')
  const file = weightsFile(manifest)
  let model: NativeModel | undefined
  try {
    checkSpec(name, manifest)
    useThreads(threads ?? manifest.threads)
    const replaced = await useMultiplier(manifest.multiplier)
    if (replaced !== undefined) warnRuledOut(replaced)
    const check = { run: name, name: parse(file).name, dim: manifest.dim, device, dtype: weightsDtype(manifest) }
    const opened = await openModel(name, folder, path, manifest, { device, exact: options.exact === true })
    model = opened.model
    const { approximate } = opened
    const close = checkGolden(model, manifest.golden, { ...check, approximate })
    if (!approximate) await close
    else if (
      await close.then(
        () => false,
        () => true,
      )
    ) {
      native.dispose(model)
      warnRuledOut(`${name}: its kernels for few bits are too coarse on this machine: the weights were dequantised instead`)
      model = (await openModel(name, folder, path, manifest, { device, exact: true })).model
      await checkGolden(model, manifest.golden, check)
    }
  } catch (error) {
    if (model !== undefined) native.dispose(model)
    throw asCheckpointError(name, error)
  }
  const bytes = manifest.files[file]!.bytes
  return new Model(model, folder, name, manifest, device, bytes, performance.now() - start)
})
