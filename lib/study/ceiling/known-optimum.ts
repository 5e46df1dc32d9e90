import type { Base } from '../../data/base.js'
import { type Kind, optimum, RECIPES } from '../../data/synth-process.js'
import type { Interval } from '../../evaluate/metrics.js'

/** The most that any predictor can reach on average, and how that is known. */
export interface UpperBound {
  readonly cosine: number
  readonly why: string
}

/**
 * The optimum of a corpus that `synth` drew, as its card names it; of other data no upper bound can be proved.
 *
 * A predictor that surely does better (its interval lies above) shows that the vectors are not those of the card.
 */
export function upperBound({ card }: Pick<Base, 'card'>, reached: Interval): UpperBound | null {
  const kind = /^synthetic (\w+) \d+ \d+$/.exec(card?.space ?? '')?.[1]
  if (card?.source !== 'lvm-torch synth' || kind === undefined || !Object.hasOwn(RECIPES, kind)) return null
  const cosine = optimum(RECIPES[kind as Kind]).forward
  if (reached !== null && reached[0] > cosine) return null
  return { cosine, why: `the optimum of the process that synth draws "${kind}" from` }
}
