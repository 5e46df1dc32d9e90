import { LvmError } from '../errors.js'
import { joinBytes } from '../files/cache-entry.js'
import { stage } from '../stages.js'
import { permutation } from '../statistics/random.js'
import { call, Tensor } from '../torch/tensor.js'
import { meanTarget, type Rows, sparse } from './baselines-rows.js'
import { type Form, kept } from './kept-fits.js'
import { fitMixture, MEANS } from './memories.js'
import { dualEquations } from './ridge-dual.js'
import { heldOut } from './ridge-held-out.js'
import {
  type Anchor,
  addMoments,
  type Inputs,
  type LinearMap,
  noMoments,
  normalEquations,
  type Precision,
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

/** Mean cosine on the held-out articles of the map for a power of ten as λ; undefined where it cannot be solved. */
type Judge = (exponent: number, dtype: Precision) => Promise<number | undefined>

/** Cosines of float32 maps that are nearer to one another are computed again from float64 maps. */
const CLOSE = 1e-4
/** Least λ that float32 has enough digits for. Units: the system's scale. */
const ROUGH = 0.1

/** Returns the exponent of the λ whose map has the highest mean cosine on the held-out articles, by hill climbing from the system's scale in half decades. */
async function bestExponent({ scale, rough: mayBeRough }: System, judge: Judge): Promise<number> {
  const middle = Math.round(Math.log10(scale || 1))
  let best = { exponent: middle, cosine: -1 }
  const improves = async (exponent: number): Promise<boolean> => {
    const rough = mayBeRough && 10 ** exponent >= ROUGH * scale ? await judge(exponent, 'float32') : undefined
    const near = rough === undefined || Math.abs(rough - best.cosine) < CLOSE
    if (near && best.cosine > -1) best.cosine = (await judge(best.exponent, 'float64')) ?? best.cosine
    const cosine = near ? await judge(exponent, 'float64') : rough
    if (cosine === undefined || cosine <= best.cosine) return false
    best = { exponent, cosine }
    return true
  }
  const climb = async (step: number) => {
    while (Math.abs(best.exponent + step - middle) <= REACH && (await improves(best.exponent + step)));
  }
  await improves(middle)
  await climb(-0.5)
  if (best.exponent === middle) await climb(0.5)
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
  const [all] = await kept(cache, 'ridge', train, RIDGE_FORM, () => fitted(train, [undefined], false))
  return all!
}

type Numbers = Omit<Ridge, keyof LinearMap> & { readonly shape: readonly number[] }
const RIDGE_FORM: Form<Ridge[], { readonly fits: readonly Numbers[] }> = {
  async pack(fits) {
    const parts: Float32Array[] = []
    const numbers: Numbers[] = []
    for (const { weight, bias, ...rest } of fits) {
      for (const tensor of [weight, bias]) parts.push((await tensor.data()) as Float32Array)
      numbers.push({ ...rest, shape: weight.shape })
    }
    return { about: { fits: numbers }, bytes: joinBytes(parts) }
  },
  unpack({ about, bytes }) {
    const values = new Float32Array(bytes.buffer)
    let at = 0
    const next = (shape: readonly number[]) => {
      const from = at
      at += shape.reduce((a, b) => a * b, 1)
      return Tensor.from(values.subarray(from, at), shape)
    }
    return about.fits.map(({ shape, ...rest }) => ({ ...rest, weight: next(shape), bias: next(shape.slice(1)) }))
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
export async function fitRidges(train: Rows, anchors: readonly Anchor[], cache?: string): Promise<RidgePair[]> {
  const name = `ridges ${JSON.stringify(anchors)}`
  const fits = await kept(cache, name, train, RIDGE_FORM, () => fitted(train, anchors, true))
  return anchors.map((_, i) => ({ all: fits[i]!, inner: fits[anchors.length + i]! }))
}

/** Returns the fits of all anchors on all windows, followed, in `pairs`, by those on the inner articles. */
async function fitted(train: Rows, anchors: readonly Anchor[], pairs: boolean): Promise<Ridge[]> {
  const { dim } = train.windows
  const inputs = await inputsFor(train)
  const { positions } = inputs
  const near = anchors.map((anchor) => anchor?.slice(-positions))
  const { inner, held } = innerSplit(train)
  const judged = sparse(held)
  using offset = await meanTarget(train)
  using moments = train.ids.length > positions * dim ? await noMoments(inputs, offset) : undefined
  const systemOf = async (rows: Rows, added: Rows, other?: Rows) => {
    if (moments === undefined) return dualEquations(rows, inputs, offset, { anchors: near, held: other })
    await stage('products', () => addMoments(moments, added))
    return normalEquations(moments, near)
  }
  const innerSystem = await systemOf(inner, inner, judged)
  const { lambdas, own } = await stage('choose λ', () => searched(innerSystem, judged, inputs, anchors.length, pairs))
  using system = await systemOf(train, held)
  return [...(await stage('solve', () => solvedFor(system, lambdas, inputs))), ...own]
}

/** Chooses λ for each anchor; a λ that several of them try is solved once. With `keep` also returns the maps of the chosen ones. */
async function searched(system: System, held: Rows, inputs: Inputs, anchors: number, keep: boolean) {
  using owned = system
  using judge = heldOut(held, inputs)
  const solutions = new Map<string, Promise<readonly number[] | undefined>>()
  /** Mean cosines of the maps of all anchors. */
  const cosines = async (exponent: number, dtype: Precision) => {
    const all: number[] = []
    const outputs = await owned.outputs?.(10 ** exponent)
    for (const one of outputs ?? []) {
      all.push(await judge.outputCosine(one))
      one.dispose()
    }
    if (owned.outputs) return outputs && all
    const maps = await owned.solve(10 ** exponent, dtype)
    for (const map of maps ?? []) {
      all.push(await judge.cosine(map))
      disposeMap(map)
    }
    return maps && all
  }
  const once = (exponent: number, dtype: Precision) => {
    const key = `${exponent} ${dtype}`
    if (!solutions.has(key)) solutions.set(key, cosines(exponent, dtype))
    return solutions.get(key)!
  }
  const lambdas: number[] = []
  for (let i = 0; i < anchors; i++)
    lambdas.push(10 ** (await bestExponent(owned, async (exponent, dtype) => (await once(exponent, dtype))?.[i])))
  return { lambdas, own: keep ? await solvedFor(owned, lambdas, inputs) : [] }
}

/** Solves a system for the λ of each anchor. */
async function solvedFor(system: System, lambdas: readonly number[], inputs: Inputs): Promise<Ridge[]> {
  const fits: Ridge[] = []
  for (const lambda of new Set(lambdas))
    for (const [i, map] of required(await system.solve(lambda), lambda).entries())
      if (lambdas[i] === lambda) fits[i] = { ...map, lambda, ...inputs }
      else disposeMap(map)
  return fits
}

function required(maps: readonly LinearMap[] | undefined, lambda: number): readonly LinearMap[] {
  if (maps === undefined)
    throw new LvmError('NATIVE', `ridge: expected positive definite equations at λ = ${lambda} but they are not`)
  return maps
}
