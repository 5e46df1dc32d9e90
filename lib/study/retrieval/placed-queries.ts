import { mixtureIn } from '../../baselines/baselines-fit.js'
import { targets } from '../../baselines/baselines-rows.js'
import { baselinesCache, type Form, kept } from '../../baselines/kept-fits.js'
import { rowsKey } from '../../baselines/rows-key.js'
import { decayWeights } from '../../baselines/window-products.js'
import { placeConstant, placeSums, type SummedQuery, sharedVectors } from '../../evaluate/place-sums.js'
import { type Placed, type Places, type Pool, placeTargets } from '../../evaluate/search.js'
import type { Chosen } from '../../evaluate/subject.js'
import { joinBytes } from '../../files/cache-entry.js'
import { stage } from '../../stages.js'
import { judgeOracle } from './oracle.js'
import { fitQueries, QUERY_NAMES, type Query, type QueryName } from './queries.js'

/** Places of the targets by a query without a network. */
export interface PlacedQuery {
  readonly name: QueryName
  readonly params: Readonly<Record<string, number>>
  readonly found: Placed
}
/** Places of the targets by the targets themselves and by all queries without a network; no queries when the pool cannot be searched. */
export interface PlacedQueries {
  readonly oracle: Placed
  readonly queries: readonly PlacedQuery[]
}

/** Weights of the last vectors of a context, the oldest first, in a query that is their sum; undefined for other queries. */
function weightsOf({ name, params }: Query, { context, length }: Chosen['windows']): readonly number[] | undefined {
  if (name === 'copy_last') return [1]
  if (length !== undefined) return undefined
  if (name === 'context_mean') return decayWeights(context, 1)
  if (name === 'exponential_mean' || name === 'exponential_mean_top10') return decayWeights(context, params.decay!)
  if (name !== 'exponential_mixture') return undefined
  const { decays, weights } = mixtureIn(params)
  const means = decays.map((decay) => decayWeights(context, decay))
  return Array.from({ length: context }, (_, j) => weights.reduce((sum, weight, k) => sum + weight * means[k]![j]!, 0))
}

/** Places of the targets as queries, and of the queries that are sums of context vectors. */
async function placedTogether(chosen: Chosen, pool: Pool, queries: readonly Query[]) {
  const shared = sharedVectors(chosen)
  const perfect = (ids: Int32Array) => targets(chosen, ids)
  if (shared === 0) {
    const { ids } = chosen
    const search = () => placeTargets(pool, (at, count) => perfect(ids.subarray(at, at + count)))
    return { oracle: await stage('targets as queries', search), summed: new Map<Query, Placed>() }
  }
  const weighted = (of: readonly number[], target: number) => [...new Array<number>(shared - of.length).fill(0), ...of, target]
  const sums: SummedQuery[] = [{ weights: weighted([], 1), predict: perfect }]
  const summed: Query[] = []
  for (const query of queries) {
    const weights = weightsOf(query, chosen.windows)
    if (weights === undefined || weights.length > shared) continue
    summed.push(query)
    sums.push({ weights: weighted(weights, 0), predict: (ids) => query.predict(chosen, ids) })
  }
  const [oracle, ...others] = await stage('targets and sums as queries', () => placeSums(chosen, pool, sums))
  return { oracle: oracle!, summed: new Map(summed.map((query, i) => [query, others[i]!])) }
}

/** Places of the targets by one query. */
async function placedBy(query: Query, chosen: Chosen, pool: Pool): Promise<Placed> {
  if (query.name !== 'mean_vector')
    return placeTargets(pool, (at, count) => query.predict(chosen, chosen.ids.subarray(at, at + count)))
  using mean = await query.predict(chosen, chosen.ids.subarray(0, 1))
  return await placeConstant(pool, mean)
}

async function placed(chosen: Chosen, pool: Pool, say: (line: string) => void): Promise<PlacedQueries> {
  say('fitting the baselines')
  const fitted = await stage('fit the baselines', () => fitQueries(chosen))
  try {
    say('searching with the targets, to check the pool, and with sums of the context')
    const { oracle, summed } = await placedTogether(chosen, pool, fitted)
    if (!judgeOracle(oracle).valid) return { oracle, queries: [] }
    const queries: PlacedQuery[] = []
    for (const query of fitted) {
      const { name, params } = query
      const own = summed.get(query)
      if (own === undefined) say(`searching with ${QUERY_NAMES[name]}`)
      queries.push({ name, params, found: own ?? (await stage(name, () => placedBy(query, chosen, pool))) })
    }
    return { oracle, queries }
  } finally {
    for (const query of fitted) query.dispose()
  }
}

type About = { readonly queries: readonly Omit<PlacedQuery, 'found'>[] }
const FORM: Form<PlacedQueries, About> = {
  async pack({ oracle, queries }) {
    const lists = [oracle, ...queries.map(({ found }) => found)].flatMap(({ all, allowed }) =>
      [all, allowed].flatMap(({ ahead, tied }) => [ahead, tied]),
    )
    return { about: { queries: queries.map(({ name, params }) => ({ name, params })) }, bytes: joinBytes(lists) }
  },
  unpack({ about: { queries }, bytes }) {
    const values = new Int32Array(bytes.buffer)
    const n = values.length / (4 * (queries.length + 1))
    const list = (i: number) => values.subarray(i * n, (i + 1) * n)
    const places = (i: number): Places => ({ ahead: list(i), tied: list(i + 1) })
    const of = (i: number): Placed => ({ all: places(4 * i), allowed: places(4 * i + 2) })
    return { oracle: of(0), queries: queries.map((query, i) => ({ ...query, found: of(i + 1) })) }
  },
}

/** Places of the targets by all queries that need no run, from the cache or kept there. Errors: DIVERGED when a query is not finite. */
export function placeQueries(
  chosen: Chosen,
  pool: Pool,
  { exclude, say }: { readonly exclude: string; readonly say: (line: string) => void },
): Promise<PlacedQueries> {
  const { train } = chosen
  const name = `places ${exclude} ${pool.base.hash} ${train === undefined} ${rowsKey(chosen)}`
  return kept(baselinesCache(), name, train ?? chosen, FORM, () => placed(chosen, pool, say))
}
