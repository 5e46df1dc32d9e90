import { LvmError } from '../errors.js'
import { permutation } from '../statistics/random.js'
import { call, type Tensor } from '../torch/tensor.js'
import { contexts, meanCosine, meanTarget, type Rows } from './baselines-rows.js'
import { addMoments, dualEquations, type LinearMap, noMoments, normalEquations, type System } from './ridge-systems.js'

/** More inputs than this would take gigabytes: of a longer context only the last vectors that fit are read. */
const MOST_FEATURES = 8192
/** The share of the training articles on which λ is judged. */
const INNER = 0.2
/** How many decades from its natural size λ is sought. */
const REACH = 4

/** Ridge regression of the target on the flattened context. */
export interface Ridge extends LinearMap {
  readonly lambda: number
  /** How many of the last context vectors are read. */
  readonly positions: number
}

/** Shapes: [n, dim]. */
export async function applyRidge({ weight, bias, positions }: Ridge, rows: Rows, ids: Int32Array): Promise<Tensor> {
  using x = await contexts(rows, ids, positions)
  using flat = await x.op('aten::flatten.using_ints', 1, -1)
  return (await call('aten::addmm', [bias, flat, weight])) as Tensor
}

/** A fifth of the articles, drawn once and for all, against the rest; with one article, its last fifth. */
export function innerSplit(rows: Rows): { inner: Rows; held: Rows } {
  const { windows, ids } = rows
  const articles = [...new Set(ids.map((id) => windows.article[id]!))].sort((a, b) => a - b)
  const drawn = [...permutation(articles.length, 0)].slice(0, Math.max(1, Math.round(INNER * articles.length)))
  const heldArticles = new Set(drawn.map((i) => articles[i]!))
  const cut = Math.ceil((1 - INNER) * ids.length)
  const isHeld = (id: number, i: number) => (articles.length > 1 ? heldArticles.has(windows.article[id]!) : i >= cut)
  return { inner: { ...rows, ids: ids.filter((id, i) => !isHeld(id, i)) }, held: { ...rows, ids: ids.filter(isHeld) } }
}

/** The power of ten, to half a decade, that gives the held articles their highest mean cosine: uphill from the natural size of λ. */
async function bestLambda(system: System, held: Rows, positions: number, anchor?: Anchor): Promise<number> {
  const middle = Math.round(Math.log10(system.scale || 1))
  let best = { exponent: middle, cosine: -1 }
  const improves = async (exponent: number): Promise<boolean> => {
    const lambda = 10 ** exponent
    const map = await system.solve(lambda, anchor)
    if (map === undefined) return false
    using weight = map.weight
    using bias = map.bias
    const cosine = await meanCosine(held, (ids) => applyRidge({ weight, bias, positions, lambda }, held, ids))
    if (!(cosine > best.cosine)) return false
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
  return 10 ** best.exponent
}

/** Weights of the last positions, which a map is pulled towards; undefined for none. */
export type Anchor = readonly number[] | undefined
/** A ridge regression of all training windows, and the one of the inner articles that its λ was judged with. */
export interface RidgePair {
  readonly all: Ridge
  readonly inner: Ridge
}

/**
 * Ridge regression with an intercept; λ is chosen on a fifth of the training articles, then all of them are fitted.
 *
 * Of inputs wider than 8192 numbers only the last context vectors are read. With fewer windows than inputs the dual form is solved.
 * Source: Hoerl & Kennard 1970; Saunders, Gammerman & Vovk 1998 (dual form).
 */
export async function fitRidge(train: Rows): Promise<Ridge> {
  const [{ all, inner }] = (await fitRidges(train, [undefined])) as [RidgePair]
  disposeMap(inner)
  return all
}

export function disposeMap({ weight, bias }: LinearMap): void {
  weight.dispose()
  bias.dispose()
}

/** The same for several anchors at the cost of little more than one; each has a λ of its own. */
export async function fitRidges(train: Rows, anchors: readonly Anchor[]): Promise<RidgePair[]> {
  const { context, dim } = train.windows
  const positions = Math.min(context, Math.max(1, Math.floor(MOST_FEATURES / dim)))
  const near = anchors.map((anchor) => anchor?.slice(-positions))
  const { inner, held } = innerSplit(train)
  using offset = await meanTarget(train)
  return train.ids.length > positions * dim
    ? await fitWide(inner, held, positions, offset, near)
    : await fitSmall(train, inner, held, positions, offset, near)
}

async function fitWide(inner: Rows, held: Rows, positions: number, offset: Tensor, anchors: readonly Anchor[]) {
  using moments = await noMoments(positions, offset)
  await addMoments(moments, inner)
  const first = await searched(await normalEquations(moments), held, positions, anchors)
  await addMoments(moments, held)
  return await refitted(await normalEquations(moments), first, positions, anchors)
}

async function fitSmall(train: Rows, inner: Rows, held: Rows, positions: number, offset: Tensor, anchors: readonly Anchor[]) {
  const first = await searched(await dualEquations(inner, positions, offset), held, positions, anchors)
  return refitted(await dualEquations(train, positions, offset), first, positions, anchors)
}

async function searched(system: System, held: Rows, positions: number, anchors: readonly Anchor[]): Promise<Ridge[]> {
  using owned = system
  const fits: Ridge[] = []
  for (const anchor of anchors)
    fits.push(await solved(owned, await bestLambda(owned, held, positions, anchor), positions, anchor))
  return fits
}

async function refitted(
  system: System,
  first: readonly Ridge[],
  positions: number,
  anchors: readonly Anchor[],
): Promise<RidgePair[]> {
  using owned = system
  const pairs: RidgePair[] = []
  for (const [i, inner] of first.entries()) pairs.push({ inner, all: await solved(owned, inner.lambda, positions, anchors[i]) })
  return pairs
}

async function solved(system: System, lambda: number, positions: number, anchor: Anchor): Promise<Ridge> {
  const map = await system.solve(lambda, anchor)
  if (map === undefined)
    throw new LvmError('NATIVE', `ridge: expected positive definite equations at λ = ${lambda} but they are not`)
  return { ...map, lambda, positions }
}
