import { completed, type Stored } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeModel, native } from '../native.js'
import { kebab } from '../show.js'
import { type Architecture, type Shape, wrapperFields } from '../spec/architecture.js'
import { Tensor } from '../torch/tensor.js'
import { depthOf, layerOf, type Ours } from './as-ours.js'

/** Names of tensors by how they were placed. */
export interface Placed {
  readonly loaded: readonly string[]
  /** Tensors of the model that keep their random initial values. */
  readonly new: readonly string[]
  /** Tensors of the file in layers beyond those of the model. */
  readonly cut: readonly string[]
  /** Tensors of the file that the model does not have, or whose type is not read. */
  readonly dropped: readonly string[]
}

/** Most names in one error; a model may have thousands. */
const SHOWN = 40
const cutList = (names: readonly string[]) =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`
const sizes = (shape: readonly number[]) => `[${shape.join(', ')}]`

/** Options as command-line flags. */
function flags(options: readonly (readonly [string, unknown])[]): string {
  const typed = ([key, value]: readonly [string, unknown]) =>
    typeof value === 'boolean' ? `--${value ? '' : 'no-'}${kebab(key)}` : `--${kebab(key)} ${value}`
  return options.map(typed).join(' ')
}

/** Options of the weights, except `layers`, that would build a different model from the given options. */
function unlike(architecture: Architecture, shape: Shape, given: Readonly<Record<string, unknown>>, { options }: Ours) {
  const { node } = architecture.spec(shape, given)
  const differs = ([key, value]: [string, unknown]) => {
    if (key === 'layers') return false
    try {
      return jsonHash(architecture.spec(shape, { ...given, [key]: value }).node) !== jsonHash(node)
    } catch {
      return true // valid only together with other options
    }
  }
  return Object.entries(options).filter(differs)
}

/** Options that may differ without a warning: the layers around the core, and dropout. */
const MAY_DIFFER = [...Object.keys(wrapperFields), 'dropout']

/** Flags that build a model for these weights, and a warning when options that no shape shows differ from the given ones. */
export function misfit(architecture: Architecture, shape: Shape, given: Readonly<Record<string, unknown>>, ours: Ours) {
  const differing = unlike(architecture, shape, given, ours)
  const core = differing.filter(([key]) => !MAY_DIFFER.includes(key))
  return {
    fit: flags(differing),
    warnings: core.length === 0 ? [] : [`the weights were made with ${flags(core)}, unlike this model`],
  }
}

/** Writes a tensor of a file into a model. Errors: BAD_CHECKPOINT for NaN or Inf. */
export async function writeWeights(path: string, name: string, stored: Stored, into: Tensor): Promise<void> {
  using tensor = await stored.read()
  using finite = await tensor.op('aten::isfinite')
  using all = await finite.op('aten::all')
  if ((await all.item()) === 0)
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected finite weights but "${name}" holds NaN or Inf`)
  await into.change('aten::copy_', tensor)
}

/**
 * Copies weights into a model. With `layerwise`, model and file may each have layers that the other lacks, and the tensors around the
 * core may be missing.
 *
 * Errors: BAD_CHECKPOINT names every tensor that is missing, unexpected or of another shape, and gives `hint`.
 */
export async function place(
  model: NativeModel,
  { tensors: stored, dropped, form, outside }: Ours,
  o: { path: string; layerwise: boolean; hint: string },
): Promise<Placed> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const tensors = completed(stored, (name) => state.get(name)?.shape)
  const names = [...state.keys()]
  const given = [...tensors.keys()]
  const beyond = (name: string, depth: number) => o.layerwise && (layerOf(name) ?? -1) >= depth
  const [ours, theirs] = [depthOf(names), depthOf(given)]
  // A head of published weights predicts tokens, even under our name.
  const loaded = names.filter((name) => tensors.has(name) && (form === undefined || name.startsWith('core.')))
  const filled = new Set(loaded)
  const absent = names.filter((name) => !filled.has(name))
  const isNew = (name: string) => o.layerwise && (!name.startsWith('core.') || beyond(name, theirs))
  const missing = absent.filter((name) => !isNew(name))
  const left = new Set(dropped)
  const others = given.filter((name) => !filled.has(name) && !left.has(name))
  // counters, masks, tables and unread types do not change the forward pass
  const isBeside = (name: string) => tensors.get(name)!.unread !== undefined || tensors.get(name)!.isBuffer === true
  const unexpected = others.filter((name) => !beyond(name, ours) && !isBeside(name))
  const unread = loaded.flatMap((name) => {
    const what = tensors.get(name)!.unread
    return what === undefined ? [] : [`${name}: ${what}`]
  })
  const misshapen = loaded.flatMap((name) => {
    const [wanted, got] = [sizes(state.get(name)!.shape), sizes(tensors.get(name)!.shape)]
    return wanted === got || tensors.get(name)!.unread !== undefined ? [] : [`${name}: ${got} instead of ${wanted}`]
  })
  if (missing.length + unexpected.length + misshapen.length + unread.length > 0) {
    const listed = (things: readonly string[], what: string) => `${things.length} ${what} (${cutList(things) || '–'})`
    const also = unread.length > 0 ? `; ${listed(unread, 'are of a type that is not read')}` : ''
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${o.path}: expected the tensors of this model but ${listed(missing, 'are missing')}, ${listed(unexpected, 'unexpected')} and ${listed(misshapen, 'of another shape')}${also}`,
      { hint: o.hint },
    )
  }
  for (const name of loaded) await writeWeights(o.path, name, tensors.get(name)!, state.get(name)!)
  return {
    loaded,
    new: absent,
    cut: others.filter((name) => !isBeside(name)),
    dropped: [...dropped.filter((name) => !filled.has(name)), ...others.filter(isBeside), ...outside],
  }
}

async function meanSquare(tensor: Tensor): Promise<number> {
  using wide = await tensor.to({ dtype: 'float32' }).ready()
  using squared = await wide.op('aten::square')
  using mean = await squared.op('aten::mean')
  return mean.item()
}

/** Scales a new input layer so that its outputs have the mean square of the token embeddings the core was trained with. */
export async function scaleInput(model: NativeModel, tokens: Stored, spec: { dim: number; inputScale: unknown }): Promise<void> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const [weight, bias] = [state.get('in_proj.weight'), state.get('in_proj.bias')]
  if (weight === undefined || bias === undefined) return
  using table = await tokens.read()
  const component = spec.inputScale === 'none' ? 1 / spec.dim : 1 // mean square of the components of an input vector
  const now = component * spec.dim * (await meanSquare(weight)) + (await meanSquare(bias))
  const factor = Math.sqrt((await meanSquare(table)) / now)
  if (!(Number.isFinite(factor) && factor > 0)) return
  for (const tensor of [weight, bias]) await tensor.change('aten::mul_', factor)
}
