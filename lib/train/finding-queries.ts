import { type Baseline, exponentialMeanOf } from '../baselines/baselines-fit.js'
import type { Rows } from '../baselines/baselines-rows.js'
import { type Form, kept } from '../baselines/kept-fits.js'
import { innerSplit } from '../baselines/ridge.js'
import { decayWeights } from '../baselines/window-products.js'
import { placeEach, placeSums, type SummedQuery, sharedVectors } from '../evaluate/place-sums.js'
import { openPool } from '../evaluate/pool.js'
import { type Placed, ranks } from '../evaluate/search.js'
import { joinBytes } from '../files/cache-entry.js'
import { sampled } from '../statistics/random.js'
import { Tensor } from '../torch/tensor.js'
import { type Axes, axesOf, type Whitening, whiteningBy } from './whitening.js'

/** Queries without a network that are fitted to find targets, not to be near them. */
export type FindingName = 'exponential_mean_top10' | 'whitened_mean'
type Finding = Baseline<FindingName>
/** The exponential mean of a decay, less `centre`, times `map`. Shapes: centre [dim], map [dim, dim], float32. */
export interface WhitenedMean extends Finding {
  readonly decay: number
  readonly centre: Tensor
  readonly map: Tensor
}

/** Most windows that a decay, and then a whitening, is chosen on. */
const FINDING_WINDOWS = 512
const DECAYS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
/** Powers of the inverse covariance (1/2: whitened), and shares of the mean variance that are added to it. */
const WHITENINGS = [0.5, 0.75, 1].flatMap((power) => [0.02, 0.2, 2].map((shrink) => ({ power, shrink })))
/** Decays of a whitened mean beside that of the mean which is not whitened. */
const SHIFTS = [-0.2, -0.1, 0.1]

type Trained = Parameters<typeof openPool>[0] & Rows
type Faded = Whitening & { readonly decay: number }

const whitened = async (axes: Axes, o: Faded): Promise<WhitenedMean> => {
  const { centre, map } = await whiteningBy(axes, o)
  return whitenedBy(o, centre, map)
}

/** Returns the exponential mean, less `centre`, times `map`. */
function whitenedBy(o: Faded, centre: Tensor, map: Tensor): WhitenedMean {
  const faded = exponentialMeanOf(o.decay)
  return {
    name: 'whitened_mean',
    params: { ...o },
    decay: o.decay,
    centre,
    map,
    dispose() {
      map.dispose()
      centre.dispose()
    },
    async predict(rows, ids) {
      using x = await faded.predict(rows, ids)
      using centred = await x.op('aten::sub.Tensor', centre)
      return await centred.op('aten::mm', map)
    },
  }
}

/**
 * Fits a decay by Top-10 on a seeded sample of training windows, and a whitening and its decay on held-out training articles, or reads
 * them from the folder `cache`. Targets are searched in their own base without what the windows have seen.
 */
export const fitFinding = (train: Trained, cache?: string): Promise<[Finding, WhitenedMean]> =>
  kept(cache, 'finding', train, FINDING_FORM, () => fitted(train))

async function fitted(train: Trained): Promise<[Finding, WhitenedMean]> {
  const sample = { ...train, ids: sampled(train.ids, FINDING_WINDOWS, 0) }
  using pool = disposing(await openPool(sample))
  const decaying = DECAYS.map(meanOf)
  const shared = train.windows.length === undefined && sharedVectors(sample) > 1
  const placed = shared
    ? await placeSums(sample, pool, decaying.map(sumOf(sample)))
    : await placeEach(sample, pool, reads(sample, decaying))
  const hitsOf = ({ allowed }: Placed) => ranks(allowed).filter((rank) => rank <= 10).length
  const mean = bestOf(decaying, placed.map(hitsOf))
  return [mean, await fitWhitening(train, mean.params.decay!)]
}

const disposing = <T extends { dispose(): void }>(one: T) => ({ ...one, [Symbol.dispose]: () => one.dispose() })
const reads = (rows: Rows, queries: readonly Finding[]) => queries.map((query) => (ids: Int32Array) => query.predict(rows, ids))

/** A softened Top-10, 1 for the first place and 1/2 for the eleventh: its mean over few windows varies less than a share of hits. */
const softHits = ({ allowed }: Placed): number => ranks(allowed).reduce((sum, rank) => sum + 10 / (rank + 9), 0)

/**
 * Chooses power and shrinkage near a decay, then a decay near it, on training articles whose vectors the covariance has not seen: on its own
 * vectors it would be shrunk too much.
 */
async function fitWhitening(train: Trained, near: number): Promise<WhitenedMean> {
  const { inner, held } = innerSplit(train)
  const [seen, judged] = held.ids.length > 0 ? [inner, held] : [train, train]
  const sample = { ...train, ids: sampled(judged.ids, FINDING_WINDOWS, 0) }
  using pool = disposing(await openPool(sample))
  using axes = await axesOf(seen)
  const scores = new Map<Faded, number>()
  const score = async (whitenings: readonly Faded[]) => {
    const queries = await Promise.all(whitenings.map((o) => whitened(axes, o)))
    const placed = await placeEach(sample, pool, reads(sample, queries))
    for (const query of queries) query.dispose()
    for (const [i, o] of whitenings.entries()) scores.set(o, softHits(placed[i]!))
    return [...scores].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
  }
  const best = await score(WHITENINGS.map((o) => ({ decay: near, ...o })))
  const decays = SHIFTS.map((shift) => Math.round(100 * (near + shift)) / 100).filter((decay) => decay >= 0 && decay < 1)
  const chosen = await score(decays.map((decay) => ({ ...best, decay })))
  using all = await axesOf(train)
  return await whitened(all, chosen)
}

const sumOf =
  (rows: Rows) =>
  (query: Finding): SummedQuery => ({
    weights: [...decayWeights(rows.windows.context, query.params.decay!), 0],
    predict: (ids) => query.predict(rows, ids),
  })
const meanOf = (decay: number): Finding => ({ ...exponentialMeanOf(decay), name: 'exponential_mean_top10' })

const FINDING_FORM: Form<[Finding, WhitenedMean], { readonly decay: number; readonly whitening: Faded; readonly dim: number }> = {
  async pack([mean, { params, centre, map }]) {
    const about = { decay: mean.params.decay!, whitening: params as unknown as Faded, dim: centre.shape[0]! }
    return { about, bytes: joinBytes([await centre.data(), await map.data()]) }
  },
  unpack({ about: { decay, whitening, dim }, bytes }) {
    const values = new Float32Array(bytes.buffer)
    const [centre, map] = [Tensor.from(values.subarray(0, dim), [dim]), Tensor.from(values.subarray(dim), [dim, dim])]
    return [meanOf(decay), whitenedBy(whitening, centre, map)]
  },
}

/** Returns the first of the queries that find most, and disposes of the others. */
function bestOf<Q extends Finding>(queries: readonly Q[], hits: readonly number[]): Q {
  const best = queries[hits.indexOf(Math.max(...hits))]!
  for (const query of queries) if (query !== best) query.dispose()
  return best
}
