import { decimal, signedDecimal, span } from '../../show.js'
import type { LiveComparison, LiveVerdict, SampleRatio } from './live-entry.js'

/** Explains a wrong sample ratio. */
export const ratioSentence = ({ p, limit }: SampleRatio): string =>
  `sample ratio mismatch: clients are not divided as --split says (p ${p!.toExponential(1)}, limit ${limit}); find the lost or moved clients before you compare rewards`

const figures = ({ arm, difference, ci95 }: LiveComparison, control: string): string =>
  `mean reward of ${arm} minus ${control} ${signedDecimal(difference!)}, 95 % at all times: ${span(ci95, signedDecimal)}`

/** Decides between the arms of a split; the arm with the highest mean of those found better than the control is the one to use. */
export function liveVerdict(control: string, comparisons: readonly LiveComparison[], ratio: SampleRatio): LiveVerdict {
  if (!ratio.valid) return { decision: 'refused', arm: control, sentence: `no verdict: ${ratioSentence(ratio)}` }
  const judged = comparisons.filter(({ ci95 }) => ci95 !== null).toSorted((a, b) => b.difference! - a.difference!)
  const better = judged.find(({ ci95 }) => ci95![0] > 0)
  if (better !== undefined)
    return { decision: 'arm', arm: better.arm, sentence: `use ${better.arm} (${figures(better, control)})` }
  const open = judged.find(({ ci95 }) => ci95![1] >= 0)
  const early = comparisons.find(({ ci95 }) => ci95 === null)
  if (open === undefined && early !== undefined)
    return { decision: 'early', arm: early.arm, sentence: `no verdict yet: ${early.reason}` }
  if (open === undefined)
    return { decision: 'control', arm: control, sentence: `use ${control} (${figures(judged[0]!, control)})` }
  const least = `smallest that would have been detected: ${decimal(open.minimum_detectable!)}`
  return {
    decision: 'none',
    arm: open.arm,
    sentence: `no difference found yet (${figures(open, control)}; ${least}); looking again does not raise the error rate`,
  }
}
