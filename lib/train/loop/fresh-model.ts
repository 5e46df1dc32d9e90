import { findArchitecture, type ModelName, type OwnOptions } from '../../architectures/index.js'
import { nameOrArchitecture } from '../../architectures/own.js'
import { TrainableModel } from '../../checkpoint/trainable-model.js'
import { asyncDoor, count, oneOf, optional, withFields, word } from '../../door.js'
import { type NativeModel, native } from '../../native.js'
import type { Given } from '../../options.js'
import { type Architecture, PRESETS, type Preset } from '../../spec/architecture.js'
import { countParameters } from '../../spec/count.js'
import type { Node } from '../../spec/ops.js'
import { resolveDevice } from '../../torch/device.js'
import { requireOwn } from '../own-model.js'

/** The shape of a new model, and where it begins. */
interface Shape {
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
}
/** Options of `createModel`: the name of the model, the shape of its data, and the options of that model. */
export type CreateOptions = {
  [M in ModelName]: {
    /** Name of the model. */
    readonly model: M
  } & Shape &
    OwnOptions<M>
}[ModelName]
/** Options of `createModel` for one's own architecture: those of `CreateOptions`, with the options of that architecture. */
export type OwnCreateOptions<A extends Architecture = Architecture> = {
  /** What `architecture()` of `lvm-torch/spec` returns. */
  readonly model: A
} & Shape &
  Given<A['fields']>

/** A model that is no run yet, with random weights; `saveModel` makes a run of it. */
export class FreshModel extends TrainableModel {
  readonly parameters: number
  readonly dim: number
  readonly name: string
  constructor(
    readonly native: NativeModel,
    readonly architecture: Architecture,
    readonly spec: Node,
    /** Options of the model. */
    readonly options: Readonly<Record<string, unknown>>,
    readonly context: number,
    readonly device: string,
    protected override readonly seed: number,
  ) {
    super()
    this.name = architecture.name
    this.parameters = countParameters(spec)
    this.dim = spec.params.dim as number
  }
}

const nonNegative = { expected: 'an integer ≥ 0', accepts: (value: unknown) => value === 0 || count.accepts(value) }
const CREATE = {
  options: withFields({
    model: nameOrArchitecture,
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
export const createModel = asyncDoor(
  'createModel',
  CREATE,
  async <A extends Architecture = never>(o: CreateOptions | OwnCreateOptions<A>): Promise<FreshModel> => {
    const { model, dim, context = 5, preset = 'target', seed = 0, device = 'cpu', ...own } = o
    const architecture = typeof model === 'string' ? findArchitecture(model) : requireOwn(model)
    const { node, options } = architecture.spec({ dim, context }, { ...architecture.presets[preset], ...own })
    const place = resolveDevice(device)
    const made = await native.model(node, 'float32', place, seed)
    return new FreshModel(made, architecture, node, options, context, place, seed)
  },
)
