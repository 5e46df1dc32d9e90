import { permutation } from '../data/random.js'
import { LvmError } from '../errors.js'
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
function innerSplit(rows: Rows): { inner: Rows; held: Rows } {
  const { windows, ids } = rows
  const articles = [...new Set(ids.map((id) => windows.article[id]!))].sort((a, b) => a - b)
  const drawn = [...permutation(articles.length, 0)].slice(0, Math.max(1, Math.round(INNER * articles.length)))
  const heldArticles = new Set(drawn.map((i) => articles[i]!))
  const cut = Math.ceil((1 - INNER) * ids.length)
  const isHeld = (id: number, i: number) => (articles.length > 1 ? heldArticles.has(windows.article[id]!) : i >= cut)
  return { inner: { ...rows, ids: ids.filter((id, i) => !isHeld(id, i)) }, held: { ...rows, ids: ids.filter(isHeld) } }
}

/** The power of ten, to half a decade, that gives the held articles their highest mean cosine: uphill from the natural size of λ. */
async function bestLambda(system: System, held: Rows, positions: number): Promise<number> {
  const middle = Math.round(Math.log10(system.scale || 1))
  let best = { exponent: middle, cosine: -1 }
  const improves = async (exponent: number): Promise<boolean> => {
    const lambda = 10 ** exponent
    const map = await system.solve(lambda)
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

/**
 * Ridge regression with an intercept; λ is chosen on a fifth of the training articles, then all of them are fitted.
 *
 * Of inputs wider than 8192 numbers only the last context vectors are read. With fewer windows than inputs the dual form is solved.
 * Source: Hoerl & Kennard 1970; Saunders, Gammerman & Vovk 1998 (dual form).
 */
export async function fitRidge(train: Rows): Promise<Ridge> {
  const { context, dim } = train.windows
  const positions = Math.min(context, Math.max(1, Math.floor(MOST_FEATURES / dim)))
  const { inner, held } = innerSplit(train)
  using offset = await meanTarget(train)
  return train.ids.length > positions * dim
    ? await fitWide(inner, held, positions, offset)
    : await fitSmall(train, inner, held, positions, offset)
}

async function fitWide(inner: Rows, held: Rows, positions: number, offset: Tensor): Promise<Ridge> {
  using moments = await noMoments(positions, offset)
  await addMoments(moments, inner)
  const lambda = await search(await normalEquations(moments), held, positions)
  await addMoments(moments, held)
  return await solved(await normalEquations(moments), lambda, positions)
}

async function fitSmall(train: Rows, inner: Rows, held: Rows, positions: number, offset: Tensor): Promise<Ridge> {
  const lambda = await search(await dualEquations(inner, positions, offset), held, positions)
  return solved(await dualEquations(train, positions, offset), lambda, positions)
}

async function search(system: System, held: Rows, positions: number): Promise<number> {
  using owned = system
  return await bestLambda(owned, held, positions)
}

async function solved(system: System, lambda: number, positions: number): Promise<Ridge> {
  using owned = system
  const map = await owned.solve(lambda)
  if (map === undefined)
    throw new LvmError('NATIVE', `ridge: expected positive definite equations at λ = ${lambda} but they are not`)
  return { ...map, lambda, positions }
}
