import { architectures } from '../architectures/index.js'
import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { LvmError, shown } from '../errors.js'
import type { Architecture } from '../spec/architecture.js'
import type { WeightsFile } from './open-weights.js'
import { unwrapped } from './prefixes.js'
import { type Published, recognised } from './published.js'
import { argsOf, CLASSES, optionsOf } from './trainer-classes.js'

/** Weights under our names, and the facts their file gives about the model. */
export interface Ours {
  readonly tensors: StoredTensors
  /** Names of tensors that a model of vectors does not have, such as token embeddings. */
  readonly dropped: readonly string[]
  /** The dropped token embedding. */
  readonly tokens: Stored | undefined
  /** Known options of the architecture. */
  readonly options: Readonly<Record<string, unknown>>
  /** Options that neither shapes nor config.json determine. */
  readonly unseen: readonly string[]
  readonly form: Published | undefined
  readonly args: Readonly<Record<string, unknown>>
  /** Names of tensors in the file that are outside the model. */
  readonly outside: readonly string[]
}

/** Index of the layer a tensor name is in; undefined outside the layers. */
export const layerOf = (name: string): number | undefined => {
  const [, dotted, after] = /\.(?:h|layers|blocks)\.(\d+)\.|_l(\d+)$/.exec(name) ?? []
  return dotted === undefined && after === undefined ? undefined : Number(dotted ?? after)
}
/** Number of layers that tensor names imply: the highest layer index plus one. */
export const depthOf = (names: readonly string[]): number =>
  names.reduce((depth, name) => Math.max(depth, 1 + (layerOf(name) ?? -1)), 0)

/** Names may contain any number; a larger one is refused. */
const MOST_LAYERS = 1024

const otherModel = (path: string, model: string, of: string): LvmError =>
  new LvmError('BAD_CHECKPOINT', `${path}: expected weights of ${model} but they are of ${of}`, {
    hint: `check the model: these are for ${of}`,
  })

/** Errors: BAD_CHECKPOINT when config.json has a setting that changes the forward pass. */
function checkConfig({ path, config }: WeightsFile, { about, only = {} }: Published): void {
  for (const [key, allowed] of Object.entries(only)) {
    if (config[key] === undefined || config[key] === null || allowed.includes(config[key])) continue
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${path}: expected ${allowed.map(shown).join(' or ')} for "${key}" in config.json but received ${shown(config[key])}`,
      { hint: `for ${about}, only weights trained with this setting can be used` },
    )
  }
}

/** Weights of one's own architecture, under the names of its declaration. Errors: BAD_CHECKPOINT for weights of another model. */
function asDeclared({ name, fields }: Architecture, file: WeightsFile): Ours {
  const { tensors, outside } = unwrapped(file)
  const { args, own } = argsOf(file.rest)
  if (architectures.some((known) => known.name === args.model)) throw otherModel(file.path, name, String(args.model))
  const head = tensors.has('head.3.weight') ? 'mlp' : 'linear'
  const options = Object.fromEntries(Object.entries({ head, ...own }).filter(([key]) => key in fields))
  return { tensors, dropped: [], tokens: undefined, options, unseen: [], form: undefined, args, outside }
}

/** Renames weights to our names, and finds the options of their model. Errors: BAD_CHECKPOINT for weights of another model. */
export function asOurs(architecture: Architecture, file: WeightsFile): Ours {
  if (!architectures.includes(architecture)) return asDeclared(architecture, file)
  const { tensors: bare, outside } = unwrapped(file)
  const form = recognised([...bare.keys()])
  const { args, own } = argsOf(file.rest)
  const of = form?.model ?? architectures.find(({ name }) => name === args.model)?.name ?? architecture.name
  if (of !== architecture.name) throw otherModel(file.path, architecture.name, of)
  if (form !== undefined) checkConfig(file, form)
  const { renamed, dropped } = form ?? CLASSES
  const named = new Map([...bare].map(([name, stored]) => [renamed.reduce((n, [from, to]) => n.replace(from, to), name), stored]))
  const changed = form?.change?.(named) ?? named
  const names = [...changed.keys()]
  const depth = depthOf(names)
  if (depth > MOST_LAYERS)
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${file.path}: expected at most ${MOST_LAYERS} layers but the tensor names imply ${depth}`,
    )
  const shape = (name: string) => changed.get(name)?.shape ?? []
  const found = form?.options(shape, depth, file.config, names) ?? { ...optionsOf(changed, args), ...own }
  const options = Object.entries(found).filter(
    ([key, value]) => key in architecture.fields && value !== undefined && value !== null,
  )
  return {
    tensors: changed,
    dropped: names.filter((name) => dropped.test(name)),
    tokens: [...bare].find(([name, { shape }]) => form?.tokens.test(name) && shape.length === 2)?.[1],
    options: Object.fromEntries(options),
    unseen: (form?.unseen ?? []).filter((key) => key in architecture.fields && found[key] === undefined),
    form,
    args,
    outside,
  }
}
