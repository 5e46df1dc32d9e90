import type { Stored } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeModel, native } from '../native.js'
import { kebab } from '../show.js'
import { type Architecture, type Shape, wrapperFields } from '../spec/architecture.js'
import { Tensor } from '../torch/tensor.js'
import { depthOf, layerOf, type Ours } from './as-ours.js'

/** What became of every tensor, by its name. */
export interface Placed {
  readonly loaded: readonly string[]
  /** Of the model, what keeps the values it was drawn with. */
  readonly new: readonly string[]
  /** Of the file, layers beyond those of the model. */
  readonly cut: readonly string[]
  /** Of the file, what has no place in a model of vectors, or is not read. */
  readonly dropped: readonly string[]
}

/** The most names that an error lists; a model may have thousands. */
const SHOWN = 40
const cutList = (names: readonly string[]) =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`
const sizes = (shape: readonly number[]) => `[${shape.join(', ')}]`

/** Options as they are typed. */
function flags(options: readonly (readonly [string, unknown])[]): string {
  const typed = ([key, value]: readonly [string, unknown]) =>
    typeof value === 'boolean' ? `--${value ? '' : 'no-'}${kebab(key)}` : `--${kebab(key)} ${value}`
  return options.map(typed).join(' ')
}

/** Of the options that weights were made with, layers aside, those that would make another model than the given ones. */
function unlike(architecture: Architecture, shape: Shape, given: Readonly<Record<string, unknown>>, { options }: Ours) {
  const { node } = architecture.spec(shape, given)
  const differs = ([key, value]: [string, unknown]) => {
    if (key === 'layers') return false
    try {
      return jsonHash(architecture.spec(shape, { ...given, [key]: value }).node) !== jsonHash(node)
    } catch {
      return true // it fits only together with others
    }
  }
  return Object.entries(options).filter(differs)
}

/** What may well be another than it was: how the core is wrapped, and what is dropped at random. */
const FREE = [...Object.keys(wrapperFields), 'dropout']

/**
 * How to make the model that weights fit, as flags, and a warning when it differs from this one in what no shape shows.
 */
export function misfit(architecture: Architecture, shape: Shape, given: Readonly<Record<string, unknown>>, ours: Ours) {
  const differing = unlike(architecture, shape, given, ours)
  const core = differing.filter(([key]) => !FREE.includes(key))
  return {
    fit: flags(differing),
    warnings: core.length === 0 ? [] : [`the weights were made with ${flags(core)}, unlike this model`],
  }
}

/** Writes a tensor of a file into a model. Errors: BAD_CHECKPOINT for NaN or Inf. */
async function write(path: string, name: string, stored: Stored, into: Tensor): Promise<void> {
  using tensor = await stored.read()
  using finite = await tensor.op('aten::isfinite')
  using all = await finite.op('aten::all')
  if ((await all.item()) === 0)
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected finite weights but "${name}" holds NaN or Inf`)
  await into.change('aten::copy_', tensor)
}

/**
 * Puts weights into a model. With `layerwise` the file need not cover it: layers that only one of them has, and what stands
 * around the core, may be missing on either side.
 *
 * Errors: BAD_CHECKPOINT names every tensor that is missing, unexpected or of another shape, and gives `hint`.
 */
export async function place(
  model: NativeModel,
  { tensors, dropped, form, outside }: Ours,
  o: { path: string; layerwise: boolean; hint: string },
): Promise<Placed> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const names = [...state.keys()]
  const given = [...tensors.keys()]
  const beyond = (name: string, depth: number) => o.layerwise && (layerOf(name) ?? -1) >= depth
  const [ours, theirs] = [depthOf(names), depthOf(given)]
  // What published weights call a head is of tokens, even where the name is ours.
  const loaded = names.filter((name) => tensors.has(name) && (form === undefined || name.startsWith('core.')))
  const filled = new Set(loaded)
  const absent = names.filter((name) => !filled.has(name))
  const isNew = (name: string) => o.layerwise && (!name.startsWith('core.') || beyond(name, theirs))
  const missing = absent.filter((name) => !isNew(name))
  const left = new Set(dropped)
  const others = given.filter((name) => !filled.has(name) && !left.has(name))
  // counters, masks and tables, and what is not read, are no part of the function
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
  for (const name of loaded) await write(o.path, name, tensors.get(name)!, state.get(name)!)
  return {
    loaded,
    new: absent,
    cut: others.filter((name) => !isBeside(name)),
    dropped: [...dropped.filter((name) => !filled.has(name)), ...others.filter(isBeside), ...outside],
  }
}

/** The mean square of a tensor. */
async function meanSquare(tensor: Tensor): Promise<number> {
  using wide = await tensor.to({ dtype: 'float32' })
  using squared = await wide.op('aten::square')
  using mean = await squared.op('aten::mean')
  return mean.item()
}

/** Scales a new first layer so that what it makes of vectors is as large as the tokens that the core is used to. */
export async function scaleInput(model: NativeModel, tokens: Stored, spec: { dim: number; inputScale: unknown }): Promise<void> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const [weight, bias] = [state.get('in_proj.weight'), state.get('in_proj.bias')]
  if (weight === undefined || bias === undefined) return
  using table = await tokens.read()
  const component = spec.inputScale === 'none' ? 1 / spec.dim : 1 // mean square of the components of a unit vector as it comes in
  const now = component * spec.dim * (await meanSquare(weight)) + (await meanSquare(bias))
  const factor = Math.sqrt((await meanSquare(table)) / now)
  if (!(Number.isFinite(factor) && factor > 0)) return
  for (const tensor of [weight, bias]) await tensor.change('aten::mul_', factor)
}
