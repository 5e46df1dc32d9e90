import { type Contexts, contextsOf } from '../spec/contexts.js'
import type { RunFacts } from './run-manifest.js'

/**
 * Context lengths of a run's training: one, or with a history all from the shortest on.
 *
 * A model with a bound, such as learned positions, ends with the longest context of the training: it has not learned what lies beyond.
 */
export function trainedContexts({
  spec,
  context,
  history,
  min_history: shortest = 1,
}: Pick<RunFacts, 'spec' | 'context' | 'history' | 'min_history'>): Contexts {
  if (history === undefined) return { shortest: context, longest: context }
  const bound = Number.isFinite(contextsOf(spec).longest) ? context : Infinity
  return { shortest, longest: Math.min(history === 'article' ? Infinity : history, bound) }
}

/** A range of lengths, as a phrase: 5, 5 to 12, at least 5. */
export const lengthRange = ({ shortest, longest }: Contexts): string =>
  shortest === longest ? `${shortest}` : longest === Infinity ? `at least ${shortest}` : `${shortest} to ${longest}`

/** What a run reads before the vector it predicts, as a phrase. */
export const readsOf = ({ context, history, min_history }: Pick<RunFacts, 'context' | 'history' | 'min_history'>): string =>
  history === undefined
    ? `${context} vectors before the target`
    : `${history === 'article' ? 'all vectors' : `up to ${history} vectors`} before the target in its article, at least ${min_history}`
