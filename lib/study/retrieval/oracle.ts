import { targets } from '../../baselines/baselines-rows.js'
import { type Placed, type Pool, placeTargets } from '../../evaluate/search.js'
import type { Chosen } from '../../evaluate/subject.js'
import { percent } from '../../show.js'
import { scoresByWindow } from './retrieval-scores.js'

/** The targets themselves must reach this Top-1 recall, or the pool is not scored. */
export const ORACLE_LIMIT = 0.97

/** Top-1 recall when each target is its own query: it shows whether a pool can be searched. */
export interface Oracle {
  readonly limit: number
  readonly top1: { readonly with_context: number; readonly without_context: number }
  readonly valid: boolean
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length

/** Judges the pools with and without the context by the rankings of perfect predictions. */
export function judgeOracle({ all, allowed }: Placed): Oracle {
  const top1 = { with_context: mean(scoresByWindow(all, 'top1')), without_context: mean(scoresByWindow(allowed, 'top1')) }
  return { limit: ORACLE_LIMIT, top1, valid: Math.min(top1.with_context, top1.without_context) >= ORACLE_LIMIT }
}

/** Joins the checks of pools that are searched in turn, weighted by their windows. */
export function joinOracles(parts: readonly { readonly oracle: Oracle; readonly windows: number }[]): Oracle {
  const all = parts.reduce((sum, { windows }) => sum + windows, 0)
  const of = (pool: keyof Oracle['top1']) =>
    parts.reduce((sum, { oracle, windows }) => sum + oracle.top1[pool] * windows, 0) / all
  const top1 = { with_context: of('with_context'), without_context: of('without_context') }
  return { limit: ORACLE_LIMIT, top1, valid: parts.every(({ oracle }) => oracle.valid) }
}

/** Searches the pool with the targets as queries. */
export const consultOracle = async (chosen: Chosen, pool: Pool): Promise<Oracle> =>
  judgeOracle(await placeTargets(pool, (at, count) => targets(chosen, chosen.ids.subarray(at, at + count))))

/** Explains why a pool is not scored. */
export const oracleSentence = ({ top1, limit }: Oracle): string => {
  return `invalid: a perfect prediction finds its target first in ${percent(top1.with_context)} of the queries with the context in the pool and in ${percent(top1.without_context)} without it; ${percent(limit)} are required; copies of a row cannot be told apart`
}
