import { stage } from '../stages.js'
import { call, Tensor } from '../torch/tensor.js'
import { blocks, contexts, meanTarget, type Rows, sparse } from './baselines-rows.js'
import { kept, plain } from './kept-fits.js'
import { applyMixture, exponentialMeans, fitDecay, fitMixture, MEANS, type Mixture } from './memories.js'
import { applyRidge, fitRidge } from './ridge.js'
import { decayWeights, type WindowProducts, windowProducts } from './window-products.js'

/** Names of the baselines, in the order of the table. */
export const BASELINES = ['mean_vector', 'copy_last', 'context_mean', 'exponential_mean', 'exponential_mixture', 'ridge'] as const
export type BaselineName = (typeof BASELINES)[number]

/** Baselines that need no matrix, and so are searched for beside a model. */
export const HEURISTICS = [
  'copy_last',
  'context_mean',
  'exponential_mean',
  'exponential_mixture',
] as const satisfies readonly BaselineName[]

/** A predictor without a neural network. */
export interface Baseline<Name extends string = BaselineName> {
  readonly name: Name
  readonly params: Readonly<Record<string, number>>
  /** Returns predictions that are not normalised. Shapes: [n, dim], float32. */
  predict(rows: Rows, ids: Int32Array): Promise<Tensor>
  dispose(): void
}

/** Exponential mean of the contexts. Shapes: [n, dim]. */
async function faded(rows: Rows, ids: Int32Array, decay: number): Promise<Tensor> {
  if (rows.windows.length === undefined) return weighted(rows, ids, decayWeights(rows.windows.context, decay))
  using means = await exponentialMeans(rows, ids, [decay])
  return means.op('aten::squeeze.dim', 1)
}

/** Weighted sum of the context vectors; the first weight belongs to the oldest vector. Shapes: [n, dim]. */
export async function weighted(rows: Rows, ids: Int32Array, weights: readonly number[]): Promise<Tensor> {
  using x = await contexts(rows, ids)
  using row = Tensor.from(weights, [1, weights.length])
  using sum = await row.op('aten::matmul', x) // [n, 1, dim]
  return sum.op('aten::squeeze.dim', 1)
}

const nothing = () => {}

export const copyLast: Baseline = {
  name: 'copy_last',
  params: {},
  dispose: nothing,
  async predict(rows, ids) {
    using last = await contexts(rows, ids, 1)
    return last.op('aten::squeeze.dim', 1)
  },
}

export const contextMean: Baseline = {
  name: 'context_mean',
  params: {},
  dispose: nothing,
  predict: (rows, ids) => faded(rows, ids, 1),
}

export async function meanVector(train: Rows): Promise<Baseline> {
  using mean = await meanTarget(train)
  const row = await mean.to({ dtype: 'float32' }).ready()
  return {
    name: 'mean_vector',
    params: {},
    dispose: () => row.dispose(),
    async predict(rows, ids) {
      using spread = await row.op('aten::expand', [ids.length, rows.windows.dim])
      return spread.op('aten::contiguous')
    },
  }
}

/** Returns the exponential mean with a known decay. */
export const exponentialMeanOf = (decay: number): Baseline => ({
  name: 'exponential_mean',
  params: { decay },
  dispose: nothing,
  predict: (rows, ids) => faded(rows, ids, decay),
})
export async function exponentialMean(train: Rows, cache?: string, shared?: SharedProducts): Promise<Baseline> {
  const { decay } = await kept(cache, 'decay', train, plain<{ decay: number }>(), async () => ({
    decay: await fitDecay(sparse(train), await shared?.get()),
  }))
  return exponentialMeanOf(decay)
}

/** A list as parameters with numbered names. */
const numbered = (name: string, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(values.map((value, i) => [`${name}_${i + 1}`, value]))

/** Returns the mixture of exponential means with known decays and weights. */
export const exponentialMixtureOf = (mixture: Mixture): Baseline => ({
  name: 'exponential_mixture',
  params: { ...numbered('decay', mixture.decays), ...numbered('weight', mixture.weights) },
  dispose: nothing,
  predict: (rows, ids) => applyMixture(mixture, rows, ids),
})

/** Returns the mixture that the parameters of its baseline describe. */
export function mixtureIn(params: Readonly<Record<string, number>>): Mixture {
  const named = (prefix: string) => Object.entries(params).flatMap(([name, value]) => (name.startsWith(prefix) ? [value] : []))
  return { decays: named('decay_'), weights: named('weight_') }
}

async function ridge(train: Rows, cache?: string): Promise<Baseline> {
  const fit = await fitRidge(train, cache)
  const { lambda, positions, decays, weight, bias } = fit
  return {
    name: 'ridge',
    params: { lambda, ...(decays === undefined ? { positions } : numbered('decay', decays)) },
    dispose() {
      weight.dispose()
      bias.dispose()
    },
    predict: (rows, ids) => applyRidge(fit, rows, ids),
  }
}

/** Products of the windows that several baselines are fitted on, made when the first of them needs them. */
function sharedProducts(train: Rows) {
  let made: Promise<WindowProducts | undefined> | undefined
  return {
    get: () => (made ??= windowProducts(sparse(train))),
    async [Symbol.asyncDispose]() {
      ;(await made?.catch(() => undefined))?.[Symbol.dispose]() // whoever asked for them has the error
    },
  }
}
type SharedProducts = ReturnType<typeof sharedProducts>

type Fit = (train: Rows, cache?: string, shared?: SharedProducts) => Promise<Baseline>
const FITS: Readonly<Record<BaselineName, Baseline | Fit>> = {
  mean_vector: meanVector,
  copy_last: copyLast,
  context_mean: contextMean,
  exponential_mean: exponentialMean,
  exponential_mixture: async (train, cache, shared) =>
    exponentialMixtureOf(
      await kept(cache, 'mixture', train, plain<Mixture>(), async () => fitMixture(sparse(train), MEANS, await shared?.get())),
    ),
  ridge,
}

/** Fits the named baselines on training windows, or reads fits from the folder `cache`; without training windows, returns only those that need no fitting. */
export async function fitBaselines(
  train: Rows | undefined,
  { names = BASELINES, cache }: { readonly names?: readonly BaselineName[]; readonly cache?: string | undefined } = {},
): Promise<Baseline[]> {
  const fitted: Baseline[] = []
  await using shared = train && sharedProducts(train)
  for (const name of names) {
    const fit = FITS[name]
    if (typeof fit !== 'function') fitted.push(fit)
    else if (train !== undefined) fitted.push(await stage(`fit ${name}`, () => fit(train, cache, shared)))
  }
  return fitted
}

/** Returns one baseline's predictions for all given windows. Shapes: [n, dim], float32. */
export async function predictBaseline(baseline: Baseline, rows: Rows): Promise<Tensor> {
  const parts: Tensor[] = []
  for (const ids of blocks(rows)) parts.push(await baseline.predict(rows, ids))
  const all = (await call('aten::cat', [parts])) as Tensor
  for (const part of parts) part.dispose()
  return all
}
