import { findArchitecture, type ModelName } from '../architectures/index.js'
import { nameOrArchitecture, requireOwnName } from '../architectures/own.js'
import { ownFacts } from '../architectures/recorded.js'
import { claimRun } from '../checkpoint/claim.js'
import { runFolder } from '../checkpoint/run-folder.js'
import type { Store } from '../checkpoint/run-store.js'
import { longDoor } from '../control.js'
import { type Check, count, oneOf, only, optional, plainCopy, word, yesOrNo } from '../door.js'
import { badOption } from '../errors.js'
import { type Limits, resolveLimits, someLimits } from '../files/limits.js'
import { native } from '../native.js'
import { type Architecture, PRESETS, type Preset } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import { stage } from '../stages.js'
import { useThreads } from '../torch/device.js'
import { asOurs, type Ours } from './as-ours.js'
import { openWeights } from './open-weights.js'
import { misfit, type Placed, place, scaleInput } from './place-weights.js'
import { saveImported } from './save-imported.js'
import { headOf } from './trainer-classes.js'

export interface ImportOptions {
  /** PyTorch weights (.pt, .pth, .bin), .safetensors, or a folder in Hugging Face layout. */
  readonly file: string
  /** Name of the model, or what `architecture()` of `lvm-torch/spec` returns; its weights have the names of its declaration. */
  readonly model: ModelName | Architecture
  /** Options of an architecture of one's own, beside those that the file says. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Name of the run; the folder of the model unless given. */
  readonly name?: string
  /** Replace an existing run. */
  readonly overwrite?: boolean
  /** Folder of runs. */
  readonly out?: string
  /** Encoder of the vectors that the model was trained on. */
  readonly space?: string
  /** Vectors in a context. */
  readonly context?: number
  /** Dimension of the vectors, for published weights; default 768. */
  readonly dim?: number
  /** Preset to build for published weights, which fill its first layers; by default a model of their own shape. */
  readonly preset?: Preset
  /** Stricter limits on untrusted files than the defaults in SECURITY.md. */
  readonly limits?: Partial<Limits>
}
/** Result of an import. */
export interface Imported {
  readonly version: 1
  readonly run: string
  readonly model: string
  readonly parameters: number
  readonly options: Readonly<Record<string, unknown>>
  /** Names of tensors. */
  readonly weights: Placed
  readonly warnings: readonly string[]
}

/** Shape and options of the model to fill. */
interface Target {
  readonly dim: number
  readonly context: number
  readonly options: Readonly<Record<string, unknown>>
}

const someOptions: Check = {
  expected: 'an object of options',
  accepts: (value) => plainCopy(value) !== undefined,
  convert: plainCopy,
}
const IMPORT = {
  o: only({
    file: word,
    model: nameOrArchitecture,
    options: optional(someOptions),
    name: optional(word),
    overwrite: optional(yesOrNo),
    out: optional(word),
    space: optional(word),
    context: optional(count),
    dim: optional(count),
    preset: optional(oneOf(PRESETS)),
    limits: optional(someLimits),
  }),
}

/**
 * Imports weights as a run. Weights trained on vectors can be evaluated at once; published weights lack the input and output layers
 * for vectors, which are initialised with seed 0.
 *
 * Errors: those of openWeights; BAD_CHECKPOINT names every missing and unexpected tensor; RUN_EXISTS.
 */
export const importCheckpoint = longDoor('import', IMPORT, async (o: ImportOptions): Promise<Imported> => {
  const architecture = typeof o.model === 'string' ? findArchitecture(o.model) : requireOwnName(o.model)
  if (o.options !== undefined && ownFacts(architecture) === undefined)
    throw badOption('import', 'options', 'no value for a model of this package, whose weights say their options,', o.options)
  const folder = runFolder(o.name ?? architecture.folder, o.out)
  const store = await claimRun('import', folder, { overwrite: o.overwrite === true })
  try {
    return await importInto(store, architecture, o)
  } finally {
    await store.close()
  }
})

async function importInto(store: Store, architecture: Architecture, o: ImportOptions): Promise<Imported> {
  const limits = resolveLimits('import', o.limits)
  const file = await stage('read', () => openWeights(o.file, o.out, limits))
  const ours = asOurs(architecture, file)
  const { dim, context, options } = ours.form === undefined ? ofVectors(architecture, ours, o) : ofTokens(architecture, ours, o)
  const { node, options: taken } = architecture.spec({ dim, context }, options)
  const isOwn = ownFacts(architecture) !== undefined
  const kept = isOwn ? defined(taken) : options
  const guessed = guesses(architecture, ours, taken)
  const threads = useThreads(undefined)
  const model = await native.model(node, 'float32', 'cpu', ours.form === undefined ? null : 0)
  try {
    const { fit, warnings: unlike } = misfit(architecture, { dim, context }, options, ours)
    const how = { path: o.file, layerwise: ours.form !== undefined, hint: hintOf(isOwn, fit) }
    const weights = await stage('place', () => place(model, ours, how))
    if (ours.tokens !== undefined && weights.new.includes('in_proj.weight'))
      await scaleInput(model, ours.tokens, { dim, inputScale: node.params.inputScale })
    const parameters = countParameters(node)
    const run = { ...o, dim, context, options: kept, node, model, rest: file.rest, threads }
    await stage('save', () => saveImported(store, architecture, run))
    const warnings = [...file.warnings, ...guessed, ...unlike, ...leftOut(weights, ours)]
    return { version: 1, run: store.folder, model: architecture.name, parameters, options: kept, weights, warnings }
  } finally {
    native.dispose(model)
  }
}

/** What to do about tensors that do not fit. */
function hintOf(isOwn: boolean, fit: string): string {
  if (isOwn) return 'see the names with: lvm-torch models show --model-file FILE; options of the architecture change the shapes'
  return fit === '' ? 'check --model; see the names with: lvm-torch models show NAME' : `they fit without --preset: ${fit}`
}

/** Warning about tensors of the file that no known form of the model has. */
function leftOut({ dropped }: Placed, ours: Ours): string[] {
  const known = new Set(ours.dropped)
  const names = dropped.filter((name) => !known.has(name))
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  return names.length === 0
    ? []
    : [`not read, because they are not weights of the model: ${names.slice(0, 10).join(', ')}${more}`]
}

const defined = (options: Target['options']): Target['options'] =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

/** Target for weights trained on vectors: their own shape and options. */
function ofVectors({ name }: Architecture, { tensors, args, options }: Ours, o: ImportOptions): Target {
  const { dim } = headOf(name, tensors)
  if (o.dim !== undefined && o.dim !== dim) throw badOption('import', 'dim', `${dim}, the dimension of the weights,`, o.dim)
  if (o.preset !== undefined)
    throw badOption('import', 'preset', 'no value for weights trained on vectors, which keep their shape,', o.preset)
  const said = Number.isSafeInteger(args.context_length) ? (args.context_length as number) : 5
  return { dim, context: o.context ?? said, options: { ...options, ...o.options } }
}

/** Target for published weights: their own shape, or a preset. */
function ofTokens({ presets }: Architecture, { options }: Ours, { dim = 768, context = 5, preset }: ImportOptions): Target {
  const named = PRESETS.find((name) => name === preset)
  return { dim, context, options: named === undefined ? { ...presets.checkpoint, ...options } : presets[named] }
}

/** Warnings about options that the weights do not determine. */
function guesses({ name }: Architecture, { form, unseen, options }: Ours, taken: Readonly<Record<string, unknown>>): string[] {
  if (form !== undefined) return unseen.map((key) => `the file does not say ${key}: using ${taken[key] ?? 'the default'}`)
  const { heads } = taken
  return heads === undefined || heads === options.heads
    ? []
    : [`the file does not say how many attention heads ${name} has: using ${heads}, as in the specification`]
}
