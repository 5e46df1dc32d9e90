import type { Interval } from '../../evaluate/metrics.js'
import { signedDecimal, span } from '../../show.js'
import { pairedDifference } from '../../statistics/estimates.js'
import { QUERY_NAMES, type QueryName } from './queries.js'

/** Decision between the model and the best heuristic. */
export interface Verdict {
  /** `model`, `heuristic`, `tie` (the heuristic costs nothing) or `unknown` (too few articles). */
  readonly decision: 'model' | 'heuristic' | 'tie' | 'unknown'
  readonly score: 'top10'
  readonly pool: 'without_context'
  /** The best of the heuristics. */
  readonly against: QueryName
  /** Score of the model minus score of the heuristic, over the same windows. */
  readonly difference: number
  readonly ci95: Interval
  readonly sentence: string
}

function decide(ci95: Interval): Verdict['decision'] {
  if (ci95 === null) return 'unknown'
  if (ci95[0] > 0) return 'model'
  return ci95[1] < 0 ? 'heuristic' : 'tie'
}

const SENTENCES: Readonly<Record<Verdict['decision'], (rival: string) => string>> = {
  model: (rival) => `use the model: it finds more targets in its first ten than the best heuristic, ${rival}`,
  heuristic: (rival) => `use the heuristic: ${rival} finds more targets in its first ten than the model`,
  tie: (rival) => `use the heuristic: the model is not told apart from ${rival}, which costs nothing`,
  unknown: (rival) => `no verdict against ${rival}`,
}

/** Compares the model's Top-10 hits with those of the best heuristic. Shapes: one hit for each window, the same windows in all arrays. */
export async function judge(
  model: Float64Array,
  heuristics: ReadonlyMap<QueryName, Float64Array>,
  articles: Int32Array,
  seed: number,
): Promise<Verdict> {
  const sum = (hits: Float64Array) => hits.reduce((a, b) => a + b, 0)
  const [against, rival] = [...heuristics].reduce((best, next) => (sum(next[1]) > sum(best[1]) ? next : best))
  const { mean: difference, ci95, reason } = await pairedDifference(model, rival, articles, { seed })
  const decision = decide(ci95)
  const interval = ci95 === null ? `, ${reason}` : `, 95 %: ${span(ci95, signedDecimal)}`
  const sentence = `${SENTENCES[decision](QUERY_NAMES[against])} (Top-10 ${signedDecimal(difference)}${interval}; context left out of the pool)`
  return { decision, score: 'top10', pool: 'without_context', against, difference, ci95, sentence }
}
