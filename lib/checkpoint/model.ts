import { inspect } from 'node:util'
import { architectureOf } from '../architectures/recorded.js'
import { checkedArguments, count, only, optional, yesOrNo } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { type NativeModel, native } from '../native.js'
import { count as shownCount } from '../show.js'
import { isCausal } from '../spec/architecture.js'
import { type Contexts, contextsOf } from '../spec/contexts.js'
import { readable } from '../torch/lists.js'
import { type ProcessSettings, withSettings } from '../torch/process-settings.js'
import { Tensor } from '../torch/tensor.js'
import { type RunManifest, weightsFile } from './run-manifest.js'
import { numbers, openStepper, requireVectors, type Stepper } from './stepper.js'
import { TrainableModel } from './trainable-model.js'
import { lengthRange, trainedContexts } from './trained-contexts.js'

/** Options of a prediction. */
export interface ModelOptions {
  /** Vectors per context; default: as in the training. Required for a run with a history, which reads contexts of many lengths. */
  readonly context?: number
  /** Return raw head outputs, in the scale of the loss, instead of unit vectors. */
  readonly raw?: boolean
}
const PREDICTED = only({ context: optional(count), raw: optional(yesOrNo) })
const STEPPED = only({ batch: optional(count), raw: optional(yesOrNo) })

/** A loaded and verified run; free it with `dispose()` or `using`. */
export class Model extends TrainableModel {
  readonly dim: number
  /** Vectors of the longest context of the training. */
  readonly context: number
  readonly parameters: number
  /** Whether no position sees later ones, so that vectors can be fed one at a time. */
  readonly causal: boolean
  /** Accepted context lengths; some models have a fixed number of positions. */
  readonly contexts: Contexts
  /** Context lengths of the training: one, or with a history a range. */
  readonly trained: Contexts
  /** SHA-256 of the weight file. */
  readonly weights: string
  constructor(
    readonly native: NativeModel,
    /** Folder of the run. */
    readonly folder: string,
    /** Name below the folder of runs, or path. */
    readonly name: string,
    readonly manifest: RunManifest,
    readonly device: string,
    readonly fileBytes: number,
    readonly loadMs: number,
    /** Threads and multiplier of its predictions. */
    readonly settings: ProcessSettings,
  ) {
    super()
    this.dim = manifest.dim
    this.context = manifest.context
    this.parameters = manifest.parameters
    this.causal = isCausal(architectureOf(manifest), manifest.options.model)
    this.contexts = contextsOf(manifest.spec)
    this.trained = trainedContexts(manifest)
    this.weights = manifest.files[weightsFile(manifest)]!.sha256
  }

  /**
   * Predicts the vector after each context; unit length unless `raw`.
   *
   * Shapes: Float32Array of batch · context · dim → batch · dim; Tensor [batch, context, dim] → [batch, dim].
   * Errors: BAD_ARGUMENT, BAD_OPTION for a shape that does not fit; DATA_NOT_FINITE.
   */
  predict(x: Float32Array, options?: ModelOptions): Promise<Float32Array>
  predict(x: Tensor, options?: Pick<ModelOptions, 'raw'>): Promise<Tensor>
  predict(x: Float32Array | Tensor, options?: ModelOptions): Promise<Float32Array | Tensor> {
    return this.run('predict', x, options, false)
  }
  /** Predicts the vector after each prefix of the context; causal models only. Shapes: as predict, with all positions. */
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
  /** The one context length of the training. Errors: BAD_OPTION for a run with a history. */
  private onlyContext(owner: string): number {
    const { shortest, longest } = this.trained
    if (shortest === longest) return longest
    const expected = `the number of vectors in each context (the training has contexts of ${lengthRange(this.trained)})`
    throw badOption(owner, 'context', expected, undefined, 'add { context: N }, or give a tensor of shape [batch, N, dim]')
  }
  private async run(
    owner: string,
    x: Float32Array | Tensor,
    options: ModelOptions | undefined,
    all: boolean,
  ): Promise<Float32Array | Tensor> {
    const { context: asked, raw = false } = checkedArguments(owner, { options: PREDICTED }, [options])[0] as ModelOptions
    if (readable(owner, () => x instanceof Tensor)) {
      const given = x as Tensor
      if (given.shape.length === 3) this.requireContext(owner, given.shape[1]!)
      return Tensor.wrap(await withSettings(this.settings, () => native.modelPredict(this.native, given.native, all, raw)))
    }
    const context = asked ?? this.onlyContext(owner)
    this.requireContext(owner, context)
    requireVectors(owner, x, context * this.dim)
    using input = Tensor.from(x, [x.length / (context * this.dim), context, this.dim])
    return numbers(await withSettings(this.settings, () => native.modelPredict(this.native, input.native, all, raw)))
  }

  /** Leaves out the manifest, whose golden rows are hundreds of kilobytes of text. */
  [inspect.custom](): string {
    const { name, manifest, parameters, dim, context, device } = this
    return `Model ${name} (${manifest.model}, ${shownCount(parameters)} parameters, dim ${dim}, context ${context}, ${device})`
  }
  /** Opens a stepper, which takes one vector at a time and predicts the next; causal models only. */
  stepper(options?: { batch?: number; raw?: boolean }): Stepper {
    const { batch = 1, raw = false } = checkedArguments('stepper', { options: STEPPED }, [options])[0] as {
      batch?: number
      raw?: boolean
    }
    this.requireCausal('stepper')
    return openStepper(this.native, {
      settings: this.settings,
      dim: this.dim,
      batch,
      raw,
      require: (fed) => this.requireContext('stepper', fed, 'texts'),
    })
  }
}
