import { architectures } from '../architectures/index.js'
import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { LvmError, shown } from '../errors.js'
import type { Architecture } from '../spec/architecture.js'
import type { WeightsFile } from './open-weights.js'
import { unwrapped } from './prefixes.js'
import { type Published, recognised } from './published.js'
import { argsOf, CLASSES, optionsOf } from './trainer-classes.js'

/** Weights by our names, and what their file says and shows of the model they are from. */
export interface Ours {
  readonly tensors: StoredTensors
  /** Names in the file of what has no place in a model of vectors. */
  readonly dropped: readonly string[]
  /** The table of tokens that is dropped. */
  readonly tokens: Stored | undefined
  /** Options of the architecture, those that are not known left out. */
  readonly options: Readonly<Record<string, unknown>>
  /** Options that no tensor shows and nothing says. */
  readonly unseen: readonly string[]
  readonly form: Published | undefined
  readonly args: Readonly<Record<string, unknown>>
  /** Names in the file of what belongs to something else than the model. */
  readonly outside: readonly string[]
}

/** The layer that a tensor is in, by its name; none for what stands before and after them. */
export const layerOf = (name: string): number | undefined => {
  const [, dotted, after] = /\.(?:h|layers|blocks)\.(\d+)\.|_l(\d+)$/.exec(name) ?? []
  return dotted === undefined && after === undefined ? undefined : Number(dotted ?? after)
}
/** One more than the highest number of a layer in the names. */
export const depthOf = (names: readonly string[]): number =>
  names.reduce((depth, name) => Math.max(depth, 1 + (layerOf(name) ?? -1)), 0)

/** No model has more; a name may have any number in it. */
const MOST_LAYERS = 1024

/** Errors: BAD_CHECKPOINT for a config.json that describes another function. */
function checkConfig({ path, config }: WeightsFile, { about, only = {} }: Published): void {
  for (const [key, allowed] of Object.entries(only)) {
    if (config[key] === undefined || config[key] === null || allowed.includes(config[key])) continue
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${path}: expected ${allowed.map(shown).join(' or ')} for "${key}" in config.json but received ${shown(config[key])}`,
      { hint: `of ${about}, only weights that were trained so can be used` },
    )
  }
}

/** Gives weights our names, and finds the options they were made with. Errors: BAD_CHECKPOINT for weights of another model. */
export function asOurs(architecture: Architecture, file: WeightsFile): Ours {
  const { tensors: bare, outside } = unwrapped(file)
  const form = recognised([...bare.keys()])
  const { args, own } = argsOf(file.rest)
  const of = form?.model ?? architectures.find(({ name }) => name === args.model)?.name ?? architecture.name
  if (of !== architecture.name) {
    throw new LvmError('BAD_CHECKPOINT', `${file.path}: expected weights of ${architecture.name} but they are of ${of}`, {
      hint: `check the model: these are for ${of}`,
    })
  }
  if (form !== undefined) checkConfig(file, form)
  const { renamed, dropped } = form ?? CLASSES
  const named = new Map([...bare].map(([name, stored]) => [renamed.reduce((n, [from, to]) => n.replace(from, to), name), stored]))
  const changed = form?.change?.(named) ?? named
  const names = [...changed.keys()]
  const depth = depthOf(names)
  if (depth > MOST_LAYERS)
    throw new LvmError('BAD_CHECKPOINT', `${file.path}: expected at most ${MOST_LAYERS} layers but its names count ${depth}`)
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
