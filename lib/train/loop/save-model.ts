import { type OwnFacts, ownFacts } from '../../architectures/recorded.js'
import { claimRun } from '../../checkpoint/claim.js'
import { goldenRows } from '../../checkpoint/golden.js'
import { Model } from '../../checkpoint/model.js'
import { runFolder } from '../../checkpoint/run-folder.js'
import { BEST, CONFIG, HISTORY, type RunFacts, SPLIT } from '../../checkpoint/run-manifest.js'
import { storedBytes } from '../../checkpoint/run-weights.js'
import { splitText } from '../../data/split-file.js'
import { asyncDoor, only, optional, word, yesOrNo } from '../../door.js'
import { LvmError, shown } from '../../errors.js'
import { jsonHash } from '../../files/hash.js'
import { packageVersion } from '../../libtorch/paths.js'
import { native } from '../../native.js'
import { countParameters } from '../../spec/count.js'
import type { Node } from '../../spec/ops.js'
import { dataFacts, splitFacts } from '../save.js'
import { FreshModel } from './fresh-model.js'
import { WindowSet } from './window-set.js'

export interface SaveModelOptions {
  /** Name of the run; the folder of the model unless given. */
  readonly name?: string
  /** Folder of runs. */
  readonly out?: string
  /** Replace an existing run. */
  readonly overwrite?: boolean
  /** Windows that the model was trained on; `evaluate` then judges the run on their validation part. */
  readonly windows?: WindowSet
}

/** What a run says about its model. */
interface Described {
  readonly model: string
  readonly folder: string
  readonly architecture: OwnFacts | undefined
  readonly spec: Node
  readonly options: Readonly<Record<string, unknown>>
  readonly dim: number
  readonly context: number
  readonly device: string
  readonly seed: number
}
function described(model: FreshModel | Model): Described {
  const { native: _, dim, context, device } = model
  if (model instanceof FreshModel) {
    const { architecture, spec, options } = model
    const { name, folder } = architecture
    return { model: name, folder, architecture: ownFacts(architecture), spec, options, dim, context, device, seed: 0 }
  }
  const { manifest } = model
  if (manifest.quantized !== undefined)
    throw new LvmError('BAD_ARGUMENT', 'saveModel: expected a model whose weights are not quantised')
  return {
    model: manifest.model,
    folder: manifest.folder,
    architecture: manifest.architecture,
    spec: manifest.spec,
    options: manifest.options.model,
    dim,
    context,
    device,
    seed: manifest.seed,
  }
}

async function factsOf(model: FreshModel | Model, windows: WindowSet | undefined): Promise<RunFacts> {
  const { model: name, folder, architecture, spec, options, dim, context, device, seed } = described(model)
  return {
    model: name,
    folder,
    ...(architecture && { architecture }),
    spec,
    spec_hash: jsonHash(spec),
    dim,
    context,
    output: spec.params.output as 'raw' | 'unit',
    parameters: countParameters(spec),
    weights_bytes: storedBytes(model.native, 4),
    options: { train: {}, model: { ...options } },
    data: windows === undefined ? null : await dataFacts({ train: windows, val: windows }),
    split: windows === undefined ? null : splitFacts(windows.split),
    audit: null,
    init: null,
    seed,
    threads: native.threads(),
    multiplier: native.multiplier(),
    device,
    precision: 'fp32',
    versions: { lvm_torch: packageVersion(), libtorch: native.libtorchVersion(), node: process.versions.node },
    command_line: [],
    golden: await goldenRows(model.native, { context, dim, device, dtype: 'float32', names: ['best_model'] }),
    progress: null,
    train_seconds: null,
  }
}

const json = (document: unknown) => `${JSON.stringify(document, null, 2)}\n`
const SAVE = {
  model: { expected: 'a model', accepts: (value: unknown) => value instanceof FreshModel || value instanceof Model },
  options: only({
    name: optional(word),
    out: optional(word),
    overwrite: optional(yesOrNo),
    windows: optional({ expected: 'the result of openWindows()', accepts: (value: unknown) => value instanceof WindowSet }),
  }),
}

/**
 * Saves a model that a loop of one's own trained as a run, and returns its folder.
 *
 * Errors: RUN_EXISTS, RUN_LOCKED, NO_DISK; BAD_ARGUMENT for windows of another shape; DATA_NOT_FINITE for weights with NaN or Inf.
 */
export const saveModel = asyncDoor(
  'saveModel',
  SAVE,
  async (model: FreshModel | Model, o: SaveModelOptions = {}): Promise<string> => {
    const { windows } = o
    if (windows !== undefined && windows.dim !== model.dim)
      throw new LvmError(
        'BAD_ARGUMENT',
        `saveModel: expected windows of dimension ${model.dim} but received ${shown(windows.dim)}`,
      )
    const facts = await factsOf(model, windows)
    const store = await claimRun('saveModel', runFolder(o.name ?? facts.folder, o.out), { overwrite: o.overwrite === true })
    try {
      const { model: name, parameters, dim, context } = facts
      const config = {
        version: 1,
        model: name,
        model_options: facts.options.model,
        vector_dim: dim,
        context_length: context,
        parameters,
      }
      const state = Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
      const value = { epoch: 0, model_state_dict: state, val_loss: null, val_cosine: null, args: config }
      await store.save({
        files: {
          [BEST]: async (path) => {
            await native.savePt(path, value)
          },
          [HISTORY]: json({ version: 1, model: name, parameters, history: [], best_epoch: null }),
          [CONFIG]: json(config),
          ...(windows && { [SPLIT]: splitText(windows.split, windows) }),
        },
        manifest: { ...facts },
        bytes: facts.weights_bytes,
      })
      return store.folder
    } finally {
      await store.close()
    }
  },
)
