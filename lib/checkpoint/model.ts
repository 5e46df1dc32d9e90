import { parse } from 'node:path'
import { findArchitecture } from '../architectures/index.js'
import { asyncDoor, count, only, optional, taken, threadCount, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeModel, native } from '../native.js'
import { isCausal } from '../spec/architecture.js'
import { type Contexts, contextsOf } from '../spec/contexts.js'
import { countParameters } from '../spec/count.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { readable } from '../torch/lists.js'
import { useMultiplier } from '../torch/multiplier.js'
import { type ProcessSettings, processSettings, useSettings, withSettings } from '../torch/process-settings.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { Tensor } from '../torch/tensor.js'
import { checkGolden } from './golden.js'
import { openModel } from './open-model.js'
import { findRun, isPlainFolder, runName } from './run-folder.js'
import { type RunManifest, weightsDtype, weightsFile } from './run-manifest.js'
import { verifyRun } from './run-store.js'
import { numbers, openStepper, requireVectors, type Stepper } from './stepper.js'

export interface LoadOptions {
  /** cpu, cuda[:n], mps or auto. */
  readonly device?: string
  /** Those the run was trained with unless given; of this model only. */
  readonly threads?: number
  /** Folder of runs, for a RUN that is a name. */
  readonly root?: string
  /** Of a quantised run: multiply with its dequantised numbers, as other programs do, instead of with the quickest kernels. */
  readonly exact?: boolean
}

/** What a prediction is asked for with. */
export interface ModelOptions {
  /** Vectors in each context; as in the training unless given. */
  readonly context?: number
  /** What the head gives, in the scale of the loss, instead of unit vectors. */
  readonly raw?: boolean
}
const PREDICTED = only({ context: optional(count), raw: optional(yesOrNo) })
const STEPPED = only({ batch: optional(count), raw: optional(yesOrNo) })

/** A run that is loaded and verified. Free it with `dispose()` (or `using`). */
export class Model {
  readonly dim: number
  readonly context: number
  readonly parameters: number
  /** Whether every position sees only those before it, so that vectors may be fed one at a time. */
  readonly causal: boolean
  /** The context lengths that it takes: some models are built for so many positions and no more. */
  readonly contexts: Contexts
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
    /** Threads and multiplier that its predictions are computed with. */
    readonly settings: ProcessSettings,
  ) {
    this.dim = manifest.dim
    this.context = manifest.context
    this.parameters = manifest.parameters
    this.causal = isCausal(findArchitecture(manifest.model), manifest.options.model)
    this.contexts = contextsOf(manifest.spec)
    this.weights = manifest.files[weightsFile(manifest)]!.sha256
  }

  /**
   * The vector that follows each context, of unit length unless `raw` is asked for.
   *
   * Shapes: Float32Array of batch · context · dim → batch · dim; Tensor [batch, context, dim] → [batch, dim].
   * Errors: BAD_ARGUMENT, BAD_OPTION for a shape that does not fit; DATA_NOT_FINITE.
   */
  predict(x: Float32Array, options?: ModelOptions): Promise<Float32Array>
  predict(x: Tensor, options?: Pick<ModelOptions, 'raw'>): Promise<Tensor>
  predict(x: Float32Array | Tensor, options?: ModelOptions): Promise<Float32Array | Tensor> {
    return this.run('predict', x, options, false)
  }
  /** The vector that follows each prefix of the context; causal models only. Shapes: as predict, with all positions. */
  predictAll(x: Float32Array, options?: ModelOptions): Promise<Float32Array>
  predictAll(x: Tensor, options?: Pick<ModelOptions, 'raw'>): Promise<Tensor>
  async predictAll(x: Float32Array | Tensor, options?: ModelOptions): Promise<Float32Array | Tensor> {
    this.requireCausal('predictAll')
    return this.run('predictAll', x, options, true)
  }
  private requireCausal(owner: string): void {
    if (this.causal) return
    const { model } = this.manifest
    throw new LvmError('BAD_OPTION', `${owner}: expected a causal model but ${model} sees the whole context at every position`)
  }
  /** Errors: BAD_OPTION for more or fewer vectors than the model was built for. */
  requireContext(owner: string, length: number, what = 'contexts', hint?: string): void {
    const { shortest, longest } = this.contexts
    if (length >= shortest && length <= longest) return
    if (length === 0) throw new LvmError('BAD_ARGUMENT', `${owner}: expected ${what} of at least one vector but received none`)
    const built = shortest === longest ? `${longest} vectors` : `at most ${longest} vectors`
    throw new LvmError(
      'BAD_OPTION',
      `${owner}: expected ${what} of ${built}, as this ${this.manifest.model} was built for, but received ${length}`,
      { hint: hint ?? `train one with --context ${length}, or an architecture that takes any length, such as lstm or s4` },
    )
  }
  private async run(
    owner: string,
    x: Float32Array | Tensor,
    options: ModelOptions | undefined,
    all: boolean,
  ): Promise<Float32Array | Tensor> {
    const { context = this.context, raw = false } = taken(owner, { options: PREDICTED }, [options])[0] as ModelOptions
    if (readable(owner, () => x instanceof Tensor)) {
      const given = x as Tensor
      if (given.shape.length === 3) this.requireContext(owner, given.shape[1]!)
      return Tensor.wrap(await withSettings(this.settings, () => native.modelPredict(this.native, given.native, all, raw)))
    }
    this.requireContext(owner, context)
    requireVectors(owner, x, context * this.dim)
    using input = Tensor.from(x, [x.length / (context * this.dim), context, this.dim])
    return numbers(await withSettings(this.settings, () => native.modelPredict(this.native, input.native, all, raw)))
  }

  /** A state that is fed one vector at a time, and predicts the next after each; causal models only. */
  stepper(options?: { batch?: number; raw?: boolean }): Stepper {
    const { batch = 1, raw = false } = taken('stepper', { options: STEPPED }, [options])[0] as { batch?: number; raw?: boolean }
    this.requireCausal('stepper')
    return openStepper(this.native, {
      settings: this.settings,
      dim: this.dim,
      batch,
      raw,
      require: (fed) => this.requireContext('stepper', fed, 'texts'),
    })
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
  options: only({ device: optional(word), threads: optional(threadCount), root: optional(word), exact: optional(yesOrNo) }),
}

/** Loads that may be begun anew while a writer removes the saves that they read. */
const ATTEMPTS = 20

async function open(run: string, options: LoadOptions = {}, alone = false, attempts = ATTEMPTS): Promise<Model> {
  const start = performance.now()
  const { threads } = options
  const folder = await findRun(run, options.root)
  const { path, manifest: facts } = await verifyRun(folder)
  const manifest = facts as RunManifest
  const name = runName(folder, options.root)
  const device = resolveDevice(options.device ?? 'auto')
  const file = weightsFile(manifest)
  const before = processSettings()
  let model: NativeModel | undefined
  try {
    checkSpec(name, manifest)
    useThreads(threads ?? manifest.threads, { recorded: threads === undefined ? name : undefined })
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
    if (alone) useSettings(before)
    const removed = path !== folder && !(await isPlainFolder(path)) // a writer has saved twice since
    if (removed && attempts > 1) return open(run, options, alone, attempts - 1)
    throw asCheckpointError(name, error)
  }
  const own = processSettings()
  if (alone) useSettings(before)
  const bytes = manifest.files[file]!.bytes
  return new Model(model, folder, name, manifest, device, bytes, performance.now() - start, own)
}

/**
 * Loads the best weights of a run, after every hash and the golden rows were checked, and has this process compute with its threads and
 * its multiplier from now on: for verbs.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const load = asyncDoor('load', LOAD, (run: string, options?: LoadOptions) => open(run, options))

let turn: Promise<unknown> = Promise.resolve()
/**
 * Loads the best weights of a run, after every hash and the golden rows were checked.
 *
 * The model keeps its threads and its multiplier to itself: other models and operators of this process compute with their own.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const loadAlone = asyncDoor('load', LOAD, (run: string, options?: LoadOptions) => {
  const loaded = turn.then(() => open(run, options, true)) // one after the other, so that each finds the settings of the process
  turn = loaded.catch(() => {})
  return loaded
})
