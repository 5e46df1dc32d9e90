import type { Base } from '../../data/base.js'
import { type Kind, optimum, RECIPES } from '../../data/synth-process.js'
import type { Interval } from '../../evaluate/metrics.js'

/** Largest mean cosine that any predictor can reach, with the reason. */
export interface UpperBound {
  readonly cosine: number
  readonly why: string
}

/**
 * Returns the optimum of a corpus made by `synth`, as named in its card; for other data no upper bound can be proved.
 *
 * Returns null when a predictor's interval lies above the optimum, because then the vectors are not those of the card.
 */
export function upperBound({ card }: Pick<Base, 'card'>, reached: Interval): UpperBound | null {
  const kind = /^synthetic (\w+) \d+ \d+$/.exec(card?.space ?? '')?.[1]
  if (card?.source !== 'lvm-torch synth' || kind === undefined || !Object.hasOwn(RECIPES, kind)) return null
  const cosine = optimum(RECIPES[kind as Kind]).forward
  if (reached !== null && reached[0] > cosine) return null
  return { cosine, why: `the optimum of the process that synth draws "${kind}" from` }
}
