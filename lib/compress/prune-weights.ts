import { architectureOf } from '../architectures/recorded.js'
import type { Model } from '../checkpoint/model.js'
import { matricesOf } from '../checkpoint/quantize-matrix.js'
import type { Pruning, RunManifest } from '../checkpoint/run-manifest.js'
import { badOption } from '../errors.js'
import type { Chosen } from '../evaluate/subject.js'
import { type Piece, pieceOf } from '../files/write-safetensors.js'
import { native } from '../native.js'
import type { Options } from '../options.js'
import { Tensor } from '../torch/tensor.js'
import type { pruneFields } from './prune-fields.js'
import { placesOf, type UnitGroup, unitGroups } from './prune-units.js'
import { threshold, unitSaliency, weightSaliency } from './saliency.js'

export type Settings = Options<typeof pruneFields>

/** Pruned weights, and the options of the model that has their shapes. */
export interface PrunedWeights {
  readonly pieces: readonly Piece[]
  readonly options: Readonly<Record<string, unknown>>
  readonly removed: Pruning['removed']
  readonly zeros: number
}

const byValue = (values: Float64Array) => [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
/** Returns the options of a run's model, with defaults filled in. */
export const optionsOf = (manifest: RunManifest) => architectureOf(manifest).spec(manifest, manifest.options.model).options

/** Removes the units with the lowest saliency from every layer. Errors: BAD_OPTION. */
export async function withoutUnits(model: Model, kind: 'heads' | 'neurons', o: Settings, rows: Chosen): Promise<PrunedWeights> {
  const { manifest } = model
  const groups = unitGroups(manifest.model, manifest.spec, kind)
  const options = optionsOf(manifest)
  const key = kind === 'heads' ? 'heads' : 'ffn'
  if (!(key in options)) throw badOption('prune', 'structured', 'none (the model has no option for their number)', kind)
  const units = groups[0]!.units
  const left = Math.max(1, Math.round(units * (1 - o.sparsity)))
  const saliency = await unitSaliency(model.native, groups, o.saliency, rows)
  const cuts = new Map<string, { axis: number; places: number[] }[]>()
  const state = new Map(native.modelState(model.native).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  for (const [g, group] of groups.entries()) {
    const kept = byValue(saliency[g]!)
      .slice(0, left)
      .sort((a, b) => a - b)
    for (const side of group.sides) {
      const places = placesOf(kept, units, side, state.get(side.tensor)!.shape[side.axis]!)
      cuts.set(side.tensor, [...(cuts.get(side.tensor) ?? []), { axis: side.axis, places }])
    }
  }
  const pieces = [...state].map(([name, tensor]): Piece => {
    const shape = tensor.shape
    for (const { axis, places } of cuts.get(name) ?? []) shape[axis] = places.length
    return { name, shape, dtype: tensor.dtype, make: () => cut(tensor, cuts.get(name) ?? []) }
  })
  const headDim = options.headDim ?? Number(options.width) / Number(options.heads)
  return {
    pieces,
    options: kind === 'heads' ? { heads: left, ...('headDim' in options && { headDim }) } : { ffn: left },
    removed: groups.map(({ at }: UnitGroup) => ({ at, units, left })),
    zeros: 0,
  }
}

/** Keeps the given rows and columns of a tensor. */
async function cut(tensor: Tensor, cuts: readonly { axis: number; places: readonly number[] }[]): Promise<Tensor> {
  let whole = await tensor.to({ device: 'cpu' }).ready()
  for (const { axis, places } of cuts) {
    using before = whole
    using index = Tensor.from(BigInt64Array.from(places, BigInt))
    whole = await before.op('aten::index_select', axis, index)
  }
  return whole
}

/** Sets the weights with the lowest saliency in all matrices to zero. */
export async function withoutWeights(model: Model, o: Settings, rows: Chosen): Promise<PrunedWeights> {
  const names = matricesOf(model.native).map(({ name }) => name)
  const saliency = await weightSaliency(model.native, names, o.saliency, rows)
  const limit = await threshold([...saliency.values()], o.sparsity)
  let [zeros, all] = [0, 0]
  for (const tensor of saliency.values()) {
    using small = await tensor.op('aten::le.Scalar', limit)
    using count = await small.op('aten::sum')
    zeros += await count.item()
    all += tensor.shape.reduce((a, b) => a * b, 1)
  }
  const pieces = native.modelState(model.native).map(({ name, tensor }): Piece => {
    const weight = Tensor.wrap(tensor)
    const by = saliency.get(name)
    if (by === undefined) return pieceOf(name, weight)
    const make = async () => {
      using small = await by.op('aten::le.Scalar', limit)
      using thin = await weight.op('aten::masked_fill.Scalar', small, 0)
      return thin.to({ device: 'cpu' }).ready()
    }
    return { name, shape: weight.shape, dtype: weight.dtype, make }
  })
  return { pieces, options: {}, removed: [], zeros: zeros / all }
}
