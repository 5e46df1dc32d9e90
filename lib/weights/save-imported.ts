import { ownFacts } from '../architectures/recorded.js'
import { goldenRows } from '../checkpoint/golden.js'
import { BEST, CONFIG, HISTORY, type History, type RunFacts } from '../checkpoint/run-manifest.js'
import type { Store } from '../checkpoint/run-store.js'
import { storedBytes } from '../checkpoint/run-weights.js'
import { jsonHash } from '../files/hash.js'
import { packageVersion } from '../libtorch/paths.js'
import { type NativeModel, native } from '../native.js'
import type { Architecture } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'

interface ImportedModel {
  readonly file: string
  readonly space?: string | undefined
  readonly dim: number
  readonly context: number
  readonly options: Readonly<Record<string, unknown>>
  readonly node: Node
  readonly model: NativeModel
  /** Entries of the file other than the weights. */
  readonly rest: ReadonlyMap<unknown, unknown>
  readonly threads: number
}

async function factsOf(architecture: Architecture, o: ImportedModel): Promise<RunFacts> {
  const { dim, context, options, node, model, threads } = o
  const own = ownFacts(architecture)
  return {
    model: architecture.name,
    folder: architecture.folder,
    ...(own !== undefined && { architecture: own }),
    spec: node,
    spec_hash: jsonHash(node),
    dim,
    context,
    output: node.params.output as 'raw' | 'unit',
    parameters: countParameters(node),
    weights_bytes: storedBytes(model, 4),
    options: { train: {}, model: { ...options } },
    data: null,
    split: null,
    audit: null,
    init: null,
    seed: 0,
    threads,
    multiplier: native.multiplier(),
    device: 'cpu',
    precision: 'fp32',
    versions: { lvm_torch: packageVersion(), libtorch: native.libtorchVersion(), node: process.versions.node },
    command_line: [],
    golden: await goldenRows(model, { context, dim, device: 'cpu', dtype: 'float32', names: ['best_model'] }),
    progress: null,
    train_seconds: null,
  }
}

/** Saves a model with imported weights as a run. */
export async function saveImported(store: Store, architecture: Architecture, o: ImportedModel): Promise<void> {
  const { dim, context, options, node, model, rest } = o
  const parameters = countParameters(node)
  const number = (key: string) => (typeof rest.get(key) === 'number' ? (rest.get(key) as number) : null)
  const epoch = number('epoch')
  const config = {
    version: 1,
    model: architecture.name,
    imported_from: o.file,
    model_options: options,
    vector_dim: dim,
    context_length: context,
    parameters,
  }
  const facts = await factsOf(architecture, o)
  const history: History = { version: 1, model: architecture.name, parameters, history: [], best_epoch: epoch }
  const value = {
    epoch: epoch ?? 0,
    model_state_dict: Object.fromEntries(native.modelState(model).map(({ name, tensor }) => [name, tensor])),
    val_loss: number('val_loss'),
    val_cosine: number('val_cosine'),
    args: config,
  }
  const json = (document: unknown) => `${JSON.stringify(document, null, 2)}\n`
  await store.save({
    files: {
      [BEST]: async (path) => {
        await native.savePt(path, value)
      },
      [HISTORY]: json(history),
      [CONFIG]: json(config),
    },
    manifest: { ...facts, imported_from: o.file, space: o.space ?? null },
    bytes: facts.weights_bytes,
  })
}
