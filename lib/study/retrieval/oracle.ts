import { targets } from '../../evaluate/baselines-rows.js'
import type { Chosen } from '../../evaluate/subject.js'
import type { Retrieval } from '../../native.js'
import { percent } from '../../show.js'
import { worths } from './retrieval-scores.js'
import type { Pool } from './search.js'
import { search } from './search.js'

/** Below this recall of the targets themselves no score of a pool means anything. */
export const ORACLE_LIMIT = 0.97

/** Whether a pool can be searched at all: how often a target finds itself first. */
export interface Oracle {
  readonly limit: number
  readonly top1: { readonly with_context: number; readonly without_context: number }
  readonly valid: boolean
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length

/** What two rankings of perfect predictions say about their pools. */
export function judgeOracle({ all, allowed }: Retrieval): Oracle {
  const top1 = { with_context: mean(worths(all, 'top1')), without_context: mean(worths(allowed, 'top1')) }
  return { limit: ORACLE_LIMIT, top1, valid: Math.min(top1.with_context, top1.without_context) >= ORACLE_LIMIT }
}

/** Searches for every target with the target. */
export const consultOracle = async (chosen: Chosen, pool: Pool): Promise<Oracle> =>
  judgeOracle(await search(pool, (at, count) => targets(chosen, chosen.ids.subarray(at, at + count))))

/** Why nothing is scored. */
export const oracleSentence = ({ top1, limit }: Oracle): string => {
  return `invalid: a perfect prediction finds its target first in ${percent(top1.with_context)} of the cases with the context in the pool and in ${percent(top1.without_context)} without it; ${percent(limit)} are required, because copies of a row cannot be told apart`
}
