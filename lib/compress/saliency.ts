import { contexts, targets } from '../baselines/baselines-rows.js'
import type { Chosen } from '../evaluate/subject.js'
import { type NativeModel, native } from '../native.js'
import { sampled } from '../statistics/random.js'
import { Tensor } from '../torch/tensor.js'
import type { Side, UnitGroup } from './prune-units.js'

/** Training windows for the gradients; BATCH of them at a time. */
const WINDOWS = 1024
const BATCH = 64

/** Tensors by weight name that saliency is computed from: weights, or weights times the gradients of one batch. */
export type Weighing = ReadonlyMap<string, Tensor>

/** Returns the weights of a model by name. */
export const weightsOf = (model: NativeModel): Map<string, Tensor> =>
  new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))

/** Yields weights times gradients for each batch; the tensors are freed before the next batch. */
async function* products(model: NativeModel, rows: Pick<Chosen, 'base' | 'windows' | 'ids'>): AsyncGenerator<Weighing> {
  const weights = weightsOf(model)
  const ids = sampled(rows.ids, WINDOWS, 0)
  for (let at = 0; at < ids.length; at += BATCH) {
    const part = ids.subarray(at, at + BATCH)
    using x = await contexts(rows, part)
    using y = await targets(rows, part)
    const seen = new Map(
      Object.entries(await native.modelExamine(model, x.native, y.native)).map(([name, t]) => [name, Tensor.wrap(t)]),
    )
    const weighed = new Map<string, Tensor>()
    for (const [name, weight] of weights) {
      const gradient = seen.get(`grad/${name}`)
      if (gradient !== undefined) weighed.set(name, await gradient.op('aten::mul.Tensor', weight))
    }
    for (const tensor of seen.values()) tensor.dispose()
    yield weighed
    for (const tensor of weighed.values()) tensor.dispose()
  }
}

/** Sums a tensor over all axes but that of the units. Shapes: → [units] float64. */
async function alongSide(tensor: Tensor, { axis, parts }: Side, units: number): Promise<Tensor> {
  using front = await tensor.op('aten::movedim.int', axis, 0)
  using each = await front.op('aten::reshape', [parts, units, -1])
  using wide = await each.to({ dtype: 'float64' }).ready()
  return wide.op('aten::sum.dim_IntList', [0, 2])
}

async function ofGroup(weighing: Weighing, { sides, units }: UnitGroup): Promise<Float64Array> {
  const sum = new Float64Array(units)
  for (const side of sides) {
    const tensor = weighing.get(side.tensor)
    if (tensor === undefined) continue
    using one = await alongSide(tensor, side, units)
    ;((await one.data()) as Float64Array).forEach((value, i) => {
      sum[i]! += value
    })
  }
  return sum
}

async function squares(weights: Weighing): Promise<Map<string, Tensor>> {
  const found = new Map<string, Tensor>()
  for (const [name, tensor] of weights) found.set(name, await tensor.op('aten::square'))
  return found
}

export type Saliency = 'magnitude' | 'first-order'

/**
 * Returns the saliency of each unit of each group: its squared norm, or the mean over batches of the squared first-order change of
 * the loss when the unit is removed.
 *
 * Source: Molchanov et al. 2019, arXiv:1906.10771, eq. 8.
 */
export async function unitSaliency(
  model: NativeModel,
  groups: readonly UnitGroup[],
  kind: Saliency,
  rows: Pick<Chosen, 'base' | 'windows' | 'ids'>,
): Promise<Float64Array[]> {
  const found = groups.map(({ units }) => new Float64Array(units))
  const add = async (weighing: Weighing, how: (value: number) => number) => {
    for (const [g, group] of groups.entries()) {
      const sums = await ofGroup(weighing, group)
      sums.forEach((value, i) => {
        found[g]![i]! += how(value)
      })
    }
  }
  if (kind === 'first-order') {
    for await (const weighing of products(model, rows)) await add(weighing, (value) => value * value)
    return found
  }
  const squared = await squares(weightsOf(model))
  await add(squared, (value) => value)
  for (const tensor of squared.values()) tensor.dispose()
  return found
}

/** Returns the saliency of each weight of matrices, by the same two criteria. The caller frees the tensors. */
export async function weightSaliency(
  model: NativeModel,
  names: readonly string[],
  kind: Saliency,
  rows: Pick<Chosen, 'base' | 'windows' | 'ids'>,
): Promise<Map<string, Tensor>> {
  const weights = weightsOf(model)
  if (kind === 'magnitude') return squares(new Map(names.map((name) => [name, weights.get(name)!])))
  const sums = new Map<string, Tensor>()
  for await (const weighing of products(model, rows)) {
    for (const name of names) {
      using square = await weighing.get(name)!.op('aten::square')
      const sum = sums.get(name)
      if (sum === undefined) sums.set(name, await square.op('aten::clone'))
      else await sum.op('aten::add_.Tensor', square)
    }
  }
  return sums
}

/** Counts the numbers up to a limit. */
async function countUpTo(all: Iterable<Tensor>, limit: number): Promise<number> {
  let count = 0
  for (const tensor of all) {
    using small = await tensor.op('aten::le.Scalar', limit)
    using sum = await small.op('aten::sum')
    count += await sum.item()
  }
  return count
}

/** Returns the quantile of all numbers at a share, exact up to rounding; bisection needs no sorting and no copy. */
export async function threshold(all: readonly Tensor[], share: number): Promise<number> {
  const total = all.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  let high = 0
  for (const tensor of all) {
    using most = await tensor.op('aten::max')
    high = Math.max(high, await most.item())
  }
  if (share * total < 1) return -1
  let [from, to] = [Math.log(Math.max(high, 1e-300)) - 80, Math.log(Math.max(high, 1e-300))]
  for (let i = 0; i < 40; i++) {
    const middle = (from + to) / 2
    if ((await countUpTo(all, Math.exp(middle))) <= share * total) from = middle
    else to = middle
  }
  return Math.exp(from)
}
