import { decimal, signedDecimal, span } from '../../show.js'
import type { LiveComparison, LiveVerdict, SampleRatio } from './live-entry.js'

/** Explains a wrong sample ratio. */
export const ratioSentence = ({ p, limit }: SampleRatio): string =>
  `sample ratio mismatch: clients are not divided as --split says (p ${p!.toExponential(1)}, limit ${limit}); find the lost or moved clients before you compare rewards`

const figures = ({ arm, difference, ci95 }: LiveComparison, control: string): string =>
  `mean reward of ${arm} minus ${control} ${signedDecimal(difference!)}, 95 % at all times: ${span(ci95, signedDecimal)}`

/** Decides between the arms of a split; the best arm that is better than the control is the one to use. */
export function liveVerdict(control: string, comparisons: readonly LiveComparison[], ratio: SampleRatio): LiveVerdict {
  if (!ratio.valid) return { decision: 'refused', arm: control, sentence: `no verdict: ${ratioSentence(ratio)}` }
  const judged = comparisons.filter(({ ci95 }) => ci95 !== null).toSorted((a, b) => b.difference! - a.difference!)
  const [best] = judged
  if (best === undefined) {
    const { arm, reason } = comparisons[0]!
    return { decision: 'early', arm, sentence: `no verdict yet: ${reason}` }
  }
  const { arm } = best
  if (best.ci95![0] > 0) return { decision: 'arm', arm, sentence: `use ${arm} (${figures(best, control)})` }
  const isBest = judged.length === comparisons.length && judged.every(({ ci95 }) => ci95![1] < 0)
  if (isBest) return { decision: 'control', arm: control, sentence: `use ${control} (${figures(best, control)})` }
  const open = judged.find(({ ci95 }) => ci95![1] >= 0) ?? best
  const least = `smallest that would have been detected: ${decimal(open.minimum_detectable!)}`
  return {
    decision: 'none',
    arm: open.arm,
    sentence: `no difference found yet (${figures(open, control)}; ${least}); looking again does not raise the error rate`,
  }
}
