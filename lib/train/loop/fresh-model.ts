import { findArchitecture, type ModelName, type OwnOptions } from '../../architectures/index.js'
import { TrainableModel } from '../../checkpoint/trainable-model.js'
import { asyncDoor, count, oneOf, optional, withFields, word } from '../../door.js'
import { type NativeModel, native } from '../../native.js'
import { PRESETS, type Preset } from '../../spec/architecture.js'
import { countParameters } from '../../spec/count.js'
import type { Node } from '../../spec/ops.js'
import { resolveDevice } from '../../torch/device.js'

/** Options of `createModel`: the name of the model, the shape of its data, and the options of that model. */
export type CreateOptions = {
  [M in ModelName]: {
    /** Name of the model. */
    readonly model: M
    /** Dimension of the vectors. */
    readonly dim: number
    /** Vectors in a context, 5 unless given; some models are built for one length. */
    readonly context?: number
    /** Sizes to begin from; `target` unless given. */
    readonly preset?: Preset
    /** Seed of the initial weights and of dropout. */
    readonly seed?: number
    /** cpu, cuda[:n], mps or auto; the CPU unless given. */
    readonly device?: string
  } & OwnOptions<M>
}[ModelName]

/** A model that is no run yet, with random weights; `saveModel` makes a run of it. */
export class FreshModel extends TrainableModel {
  readonly parameters: number
  readonly dim: number
  constructor(
    readonly native: NativeModel,
    readonly name: ModelName,
    readonly spec: Node,
    /** Options of the model. */
    readonly options: Readonly<Record<string, unknown>>,
    readonly context: number,
    readonly device: string,
    protected override readonly seed: number,
  ) {
    super()
    this.parameters = countParameters(spec)
    this.dim = spec.params.dim as number
  }
}

const nonNegative = { expected: 'an integer ≥ 0', accepts: (value: unknown) => value === 0 || count.accepts(value) }
const CREATE = {
  options: withFields({
    model: word,
    dim: count,
    context: optional(count),
    preset: optional(oneOf(PRESETS)),
    seed: optional(nonNegative),
    device: optional(word),
  }),
}

/**
 * Builds a model with random weights, for a training loop of one's own.
 *
 * Errors: BAD_OPTION, BAD_SPEC, DEVICE_UNAVAILABLE, OUT_OF_MEMORY.
 */
export const createModel = asyncDoor('createModel', CREATE, async (o: CreateOptions): Promise<FreshModel> => {
  const { model: name, dim, context = 5, preset = 'target', seed = 0, device = 'cpu', ...own } = o
  const architecture = findArchitecture(name)
  const { node, options } = architecture.spec({ dim, context }, { ...architecture.presets[preset], ...own })
  const place = resolveDevice(device)
  const made = await native.model(node, 'float32', place, seed)
  return new FreshModel(made, name, node, options, context, place, seed)
})
