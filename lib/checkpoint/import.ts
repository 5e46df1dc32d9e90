import { writeFile } from 'node:fs/promises'
import { findArchitecture } from '../architectures/index.js'
import { badOption, LvmError } from '../errors.js'
import { packageVersion } from '../libtorch/paths.js'
import { type NativeTensor, native } from '../native.js'
import type { Architecture } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { useThreads } from '../torch/device.js'
import { claimRun } from './claim.js'
import { runFolder } from './folder.js'
import { goldenRows } from './golden.js'
import { jsonHash } from './hash.js'
import { BEST, CONFIG, HISTORY, type History, type RunFacts } from './run.js'
import type { Store } from './store.js'
import { disposeAll, readWeights, type Tensors } from './weights.js'

export interface ImportOptions {
  /** A .pt file with a state dict, or with one under `model_state_dict`. */
  readonly file: string
  readonly model: string
  readonly name?: string
  readonly overwrite?: boolean
  /** Folder of runs. */
  readonly out?: string
  /** The encoder of the vectors it was trained on. */
  readonly space?: string
  readonly context?: number
}
/** What came of an import. */
export interface Imported {
  readonly version: 1
  readonly run: string
  readonly model: string
  readonly parameters: number
  readonly options: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

/** Names that the PRD's Python classes and wrappers use, as ours. */
const RENAMED: readonly [RegExp, string][] = [
  [/^((module|_orig_mod)\.)+/, ''],
  [/^input_proj\./, 'in_proj.'],
  [/^output_proj\./, 'head.'],
  [/^(lstm|blocks|transformer_decoder)\./, 'core.$1.'],
]
/** Tables that are computed, not learned. */
const COMPUTED = /(^|\.)(pos_encoder|pos_encoding|positional_encoding|pe)(\.pe)?$/

const renamed = (name: string) => RENAMED.reduce((result, [from, to]) => result.replace(from, to), name)

/** What a checkpoint says of itself: `args` as a dict; of our own files that is config.json. */
function argsOf(rest: Map<unknown, unknown>): { args: Record<string, unknown>; options: Record<string, unknown> } {
  const dict = (value: unknown) => (value instanceof Map ? Object.fromEntries(value) : {})
  const args = dict(rest.get('args'))
  const camel = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const own = Object.entries(dict(args.model_options)).filter(([, value]) => value !== null)
  return { args, options: Object.fromEntries(own.map(([key, value]) => [camel(key), value])) }
}

/** The options under which an architecture has tensors of just these names and shapes. */
function optionsFor(
  { name, fields, spec }: Architecture,
  tensors: Tensors,
  { args, options: own }: ReturnType<typeof argsOf>,
  context: number,
): { dim: number; options: Record<string, unknown>; node: Node } {
  const shape = (key: string) => tensors.get(key)?.shape
  const head = tensors.has('head.3.weight') ? 'mlp' : 'linear'
  const last = shape(head === 'mlp' ? 'head.3.weight' : 'head.weight')
  if (last?.length !== 2)
    throw new LvmError(
      'BAD_CHECKPOINT',
      `import: expected a head (head.weight or head.3.weight of shape [dim, width]) of ${name} but received ${last === undefined ? [...tensors.keys()].join(', ') : `[${last.join(', ')}]`}`,
    )
  const [dim, width] = last as [number, number]
  const layers =
    1 +
    Math.max(
      -1,
      ...[...tensors.keys()].flatMap((key) =>
        [...key.matchAll(/(?:blocks|layers)\.(\d+)\.|_l(\d+)$/g)].map((m) => Number(m[1] ?? m[2])),
      ),
    )
  const ffn = shape('core.transformer_decoder.layers.0.linear1.weight')?.[0]
  const heads = args.nhead ?? args.n_heads ?? args.heads
  const norm = [...tensors.keys()].some((key) => key.includes('.gru.')) ? 'post' : 'pre'
  const found: Record<string, unknown> = { ...own, width, layers, head, norm, ffn, ...(typeof heads === 'number' && { heads }) }
  const options = Object.fromEntries(Object.entries(found).filter(([key, value]) => key in fields && value !== undefined))
  return { dim, options, node: spec({ dim, context }, options).node }
}

/** Errors: BAD_CHECKPOINT names the first tensor that holds NaN or Inf. */
async function requireFinite(file: string, tensors: Tensors): Promise<void> {
  for (const [name, tensor] of tensors) {
    using finite = await tensor.op('aten::isfinite')
    using all = await finite.op('aten::all')
    if ((await all.item()) === 0)
      throw new LvmError('BAD_CHECKPOINT', `${file}: expected finite weights but "${name}" holds NaN or Inf`)
  }
}

/** Every tensor that is missing, unexpected or of another shape, in one error. */
function compare(file: string, want: readonly { name: string; tensor: NativeTensor }[], tensors: Tensors): void {
  const names = want.map(({ name }) => name)
  const missing = names.filter((name) => !tensors.has(name))
  const unexpected = [...tensors.keys()].filter((name) => !names.includes(name))
  const shown = (shape: readonly number[]) => `[${shape.join(', ')}]`
  const misshapen = want.flatMap(({ name, tensor }) => {
    const [wanted, got] = [shown(native.tensorShape(tensor)), shown(tensors.get(name)?.shape ?? [])]
    return !tensors.has(name) || got === wanted ? [] : [`${name}: ${got} instead of ${wanted}`]
  })
  if (missing.length + unexpected.length + misshapen.length === 0) return
  const listed = (things: readonly string[], what: string) => `${things.length} ${what} (${things.join(', ') || '–'})`
  throw new LvmError(
    'BAD_CHECKPOINT',
    `${file}: expected the tensors of this model but ${listed(missing, 'are missing')}, ${listed(unexpected, 'unexpected')} and ${listed(misshapen, 'of another shape')}`,
    {
      hint: 'check --model; see the names with: lvm-torch models show NAME',
    },
  )
}

/**
 * Turns a checkpoint of PyTorch into a run that evaluates at once.
 *
 * Errors: those of openPt; BAD_CHECKPOINT names every missing and unexpected tensor; RUN_EXISTS.
 */
export async function importCheckpoint(o: ImportOptions): Promise<Imported> {
  const architecture = findArchitecture(o.model)
  const { context = 5 } = o
  if (!Number.isSafeInteger(context) || context < 1) throw badOption('import', 'context', 'an integer ≥ 1', context)
  const folder = runFolder(o.name ?? architecture.folder, o.out)
  const store = await claimRun('import', folder, { overwrite: o.overwrite === true })
  try {
    return await importInto(store, architecture, o)
  } finally {
    await store.close()
  }
}

async function importInto(store: Store, architecture: Architecture, o: ImportOptions): Promise<Imported> {
  const { tensors: read, rest, warnings } = await readWeights(o.file)
  try {
    const tensors: Tensors = new Map(
      [...read].map(([name, tensor]) => [renamed(name), tensor] as const).filter(([name]) => !COMPUTED.test(name)),
    )
    const known = argsOf(rest)
    const context = o.context ?? (Number.isSafeInteger(known.args.context_length) ? (known.args.context_length as number) : 5)
    const { dim, options, node } = optionsFor(architecture, tensors, known, context)
    const { heads } = architecture.spec({ dim, context }, options).options
    const guessed = heads === options.heads ? [] : [`it does not say how many heads attend: ${heads}, as in the PRD, are taken`]
    const threads = useThreads(undefined)
    const model = await native.model(node, 'float32', 'cpu', null)
    try {
      const state = native.modelState(model)
      compare(o.file, state, tensors)
      await requireFinite(o.file, tensors)
      await native.modelLoad(model, Object.fromEntries([...tensors].map(([name, t]) => [name, t.native])))
      const parameters = countParameters(node)
      const number = (key: string) => (typeof rest.get(key) === 'number' ? (rest.get(key) as number) : null)
      const [epoch, valLoss, valCosine] = [number('epoch'), number('val_loss'), number('val_cosine')]
      const config = {
        version: 1,
        model: architecture.name,
        imported_from: o.file,
        model_options: options,
        vector_dim: dim,
        context_length: context,
        parameters,
      }
      const facts: RunFacts = {
        model: architecture.name,
        folder: architecture.folder,
        spec: node,
        spec_hash: jsonHash(node),
        dim,
        context,
        output: node.params.output as 'raw' | 'unit',
        parameters,
        weights_bytes: 4 * state.reduce((sum, { tensor }) => sum + native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0),
        options: { train: {}, model: options },
        data: null,
        split: null,
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
      const history: History = { version: 1, model: architecture.name, parameters, history: [], best_epoch: epoch }
      const value = {
        epoch: epoch ?? 0,
        model_state_dict: Object.fromEntries(state.map(({ name, tensor }) => [name, tensor])),
        val_loss: valLoss,
        val_cosine: valCosine,
        args: config,
      }
      const json = (document: unknown) => (path: string) => writeFile(path, `${JSON.stringify(document, null, 2)}\n`)
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
      return { version: 1, run: store.folder, model: architecture.name, parameters, options, warnings: [...warnings, ...guessed] }
    } finally {
      native.dispose(model)
    }
  } finally {
    disposeAll(read)
  }
}
