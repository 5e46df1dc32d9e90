import { LvmError } from '../errors.js'
import { joinBytes } from '../files/cache-entry.js'
import { permutation } from '../statistics/random.js'
import { call, Tensor } from '../torch/tensor.js'
import { blocks, cosineSum, meanTarget, type Rows, sparse, targets } from './baselines-rows.js'
import { type Form, kept } from './kept-fits.js'
import { fitMixture, MEANS } from './memories.js'
import {
  type Anchor,
  addMoments,
  dualEquations,
  type Inputs,
  type LinearMap,
  noMoments,
  normalEquations,
  read,
  type System,
} from './ridge-systems.js'

/** Maximum number of inputs, because the equations need its square in memory: of a longer context only the last vectors are read. */
const MOST_FEATURES = 8192
/** Share of the training articles held out to choose λ. */
const INNER = 0.2
/** Search range of λ. Units: decades on either side of the system's scale. */
const REACH = 4

/** Ridge regression of the target on the flattened context, or on exponential means of it. */
export interface Ridge extends LinearMap, Inputs {
  readonly lambda: number
}

/** Shapes: [n, dim]. */
export async function applyRidge({ weight, bias, ...inputs }: Ridge, rows: Rows, ids: Int32Array): Promise<Tensor> {
  using x = await read(inputs, rows, ids)
  using flat = await x.op('aten::flatten.using_ints', 1, -1)
  return (await call('aten::addmm', [bias, flat, weight])) as Tensor
}

/** Holds out a fifth of the articles, drawn with a fixed seed; of a single article, its last fifth. */
export function innerSplit(rows: Rows): { inner: Rows; held: Rows } {
  const { windows, ids } = rows
  const articles = [...new Set(ids.map((id) => windows.article[id]!))].sort((a, b) => a - b)
  const drawn = [...permutation(articles.length, 0)].slice(0, Math.max(1, Math.round(INNER * articles.length)))
  const heldArticles = new Set(drawn.map((i) => articles[i]!))
  const cut = Math.ceil((1 - INNER) * ids.length)
  const isHeld = (id: number, i: number) => (articles.length > 1 ? heldArticles.has(windows.article[id]!) : i >= cut)
  return { inner: { ...rows, ids: ids.filter((id, i) => !isHeld(id, i)) }, held: { ...rows, ids: ids.filter(isHeld) } }
}

/** Held-out inputs and targets up to this size are kept between two values of λ. Units: floats; 2²⁶ are 256 MB. */
const KEPT = 1 << 26

/** Judges maps by their mean cosine on held-out windows. */
function heldOut(held: Rows, inputs: Inputs) {
  const kept = new Map<number, readonly [Tensor, Tensor]>()
  const keep = held.ids.length * (inputs.positions + 1) * held.windows.dim <= KEPT
  const free = (block: readonly Tensor[]) => {
    for (const tensor of block) tensor.dispose()
  }
  const block = async (ids: Int32Array) => {
    using x = await read(inputs, held, ids)
    return [await x.op('aten::flatten.using_ints', 1, -1), await targets(held, ids)] as const
  }
  return {
    async cosine({ weight, bias }: LinearMap): Promise<number> {
      let sum = 0
      for (const [at, ids] of [...blocks(held)].entries()) {
        const [x, y] = kept.get(at) ?? (await block(ids))
        using prediction = (await call('aten::addmm', [bias, x, weight])) as Tensor
        sum += await cosineSum(prediction, y)
        if (keep) kept.set(at, [x, y])
        else free([x, y])
      }
      return sum / held.ids.length
    },
    [Symbol.dispose]() {
      for (const one of kept.values()) free(one)
    },
  }
}

type Solve = (exponent: number) => Promise<LinearMap | undefined>

/** Returns the exponent of the λ whose map has the highest mean cosine on the held-out articles, by hill climbing from the system's scale in half decades. */
async function bestExponent(system: System, held: ReturnType<typeof heldOut>, solve: Solve): Promise<number> {
  const middle = Math.round(Math.log10(system.scale || 1))
  let best = { exponent: middle, cosine: -1 }
  const improves = async (exponent: number): Promise<boolean> => {
    const map = await solve(exponent)
    if (map === undefined) return false
    const cosine = await held.cosine(map)
    if (cosine <= best.cosine) return false
    best = { exponent, cosine }
    return true
  }
  const climb = async (step: number) => {
    while (Math.abs(best.exponent + step - middle) <= REACH && (await improves(best.exponent + step)));
  }
  await improves(middle)
  await climb(1)
  if (best.exponent === middle) await climb(-1)
  const { exponent } = best
  for (const half of [-0.5, 0.5]) await improves(exponent + half)
  return best.exponent
}

/** A ridge regression on all training windows, and the one on the inner articles that chose λ. */
export interface RidgePair {
  readonly all: Ridge
  readonly inner: Ridge
}

/**
 * Fits a ridge regression with an intercept: chooses λ on a held-out fifth of the training articles, then fits all of them.
 *
 * Contexts of unequal lengths are read as exponential means. Inputs wider than 8192 numbers are cut to the last context vectors. With fewer windows than inputs the dual form is solved.
 * Source: Hoerl & Kennard 1970; Saunders, Gammerman & Vovk 1998 (dual form).
 */
export async function fitRidge(train: Rows, cache?: string): Promise<Ridge> {
  const [{ all, inner }] = (await fitRidges(train, [undefined], cache)) as [RidgePair]
  disposeMap(inner)
  return all
}

type Numbers = Omit<Ridge, keyof LinearMap> & { readonly shape: readonly number[] }
const RIDGE_FORM: Form<RidgePair[], { readonly pairs: readonly (readonly [all: Numbers, inner: Numbers])[] }> = {
  async pack(pairs) {
    const parts: Float32Array[] = []
    const numbers = async ({ weight, bias, ...rest }: Ridge): Promise<Numbers> => {
      for (const tensor of [weight, bias]) parts.push((await tensor.data()) as Float32Array)
      return { ...rest, shape: weight.shape }
    }
    const about = []
    for (const { all, inner } of pairs) about.push([await numbers(all), await numbers(inner)] as const)
    return { about: { pairs: about }, bytes: joinBytes(parts) }
  },
  unpack({ about, bytes }) {
    const values = new Float32Array(bytes.buffer)
    let at = 0
    const next = (shape: readonly number[]) => {
      const from = at
      at += shape.reduce((a, b) => a * b, 1)
      return Tensor.from(values.subarray(from, at), shape)
    }
    const ridge = ({ shape, ...rest }: Numbers): Ridge => ({ ...rest, weight: next(shape), bias: next(shape.slice(1)) })
    return about.pairs.map(([all, inner]) => ({ all: ridge(all), inner: ridge(inner) }))
  },
}

export function disposeMap({ weight, bias }: LinearMap): void {
  weight.dispose()
  bias.dispose()
}

/** Contexts of one length are read as they are, up to a limit; of unequal ones the exponential means of the fitted mixture. */
async function inputsFor(train: Rows): Promise<Inputs> {
  const most = Math.max(1, Math.floor(MOST_FEATURES / train.windows.dim))
  if (train.windows.length === undefined) return { positions: Math.min(train.windows.context, most) }
  const { decays } = await fitMixture(sparse(train), Math.min(MEANS, most))
  return { positions: decays.length, decays }
}

/** Fits one ridge regression per anchor, each with its own λ, or reads them from the folder `cache`; the moments are computed once. */
export const fitRidges = (train: Rows, anchors: readonly Anchor[], cache?: string): Promise<RidgePair[]> =>
  kept(cache, `ridge ${JSON.stringify(anchors)}`, train, RIDGE_FORM, () => fittedRidges(train, anchors))

async function fittedRidges(train: Rows, anchors: readonly Anchor[]): Promise<RidgePair[]> {
  const { dim } = train.windows
  const inputs = await inputsFor(train)
  const { positions } = inputs
  const near = anchors.map((anchor) => anchor?.slice(-positions))
  const { inner, held } = innerSplit(train)
  using offset = await meanTarget(train)
  return train.ids.length > positions * dim
    ? await fitWide(inner, held, inputs, offset, near)
    : await fitSmall(train, inner, held, inputs, offset, near)
}

async function fitWide(inner: Rows, held: Rows, inputs: Inputs, offset: Tensor, anchors: readonly Anchor[]) {
  using moments = await noMoments(inputs, offset)
  await addMoments(moments, inner)
  const first = await searched(await normalEquations(moments, anchors), held, inputs, anchors.length)
  await addMoments(moments, held)
  return await refitted(await normalEquations(moments, anchors), first, inputs)
}

async function fitSmall(train: Rows, inner: Rows, held: Rows, inputs: Inputs, offset: Tensor, anchors: readonly Anchor[]) {
  const first = await searched(await dualEquations(inner, inputs, offset, anchors), held, inputs, anchors.length)
  return refitted(await dualEquations(train, inputs, offset, anchors), first, inputs)
}

/** Chooses λ for each anchor; a λ that several of them try is solved once. */
async function searched(system: System, held: Rows, inputs: Inputs, anchors: number): Promise<Ridge[]> {
  using owned = system
  using judge = heldOut(held, inputs)
  const solutions = new Map<number, readonly LinearMap[] | undefined>()
  const solve = async (exponent: number) => {
    if (!solutions.has(exponent)) solutions.set(exponent, await owned.solve(10 ** exponent))
    return solutions.get(exponent)
  }
  const fits: Ridge[] = []
  for (let i = 0; i < anchors; i++) {
    const exponent = await bestExponent(owned, judge, async (tried) => (await solve(tried))?.[i])
    const lambda = 10 ** exponent
    fits.push({ ...required(await solve(exponent), lambda)[i]!, lambda, ...inputs })
  }
  const chosen = new Set(fits.map(({ weight }) => weight))
  for (const map of [...solutions.values()].flatMap((maps) => maps ?? [])) if (!chosen.has(map.weight)) disposeMap(map)
  return fits
}

async function refitted(system: System, first: readonly Ridge[], inputs: Inputs): Promise<RidgePair[]> {
  using owned = system
  const all = new Map<Ridge, Ridge>()
  for (const lambda of new Set(first.map((inner) => inner.lambda))) {
    const maps = required(await owned.solve(lambda), lambda)
    for (const [i, inner] of first.entries())
      if (inner.lambda === lambda) all.set(inner, { ...maps[i]!, lambda, ...inputs })
      else disposeMap(maps[i]!)
  }
  return first.map((inner) => ({ inner, all: all.get(inner)! }))
}

function required(maps: readonly LinearMap[] | undefined, lambda: number): readonly LinearMap[] {
  if (maps === undefined)
    throw new LvmError('NATIVE', `ridge: expected positive definite equations at λ = ${lambda} but they are not`)
  return maps
}
