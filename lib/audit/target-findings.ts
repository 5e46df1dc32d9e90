import { quantile } from '../statistics/estimates.js'
import { cos, count, type Finding, finding, type Level, some } from './audit-findings.js'
import { judge, SURE, surelyAbove } from './sure-estimate.js'
import type { Clusters } from './unit-table.js'
import { targetLag, type WindowCosines } from './window-cosines.js'

/** Cosine that a model gains by copying from its context, from which it fails. */
const WORTH = 0.01
/** The share of sound pairs that are more alike than a limit, and by how much the share of targets may be larger. */
const [TAIL, EXCESS] = [0.01, 0.02]

/** Whether one of two counts of paired windows is larger by more than chance: articles are the same in both. */
const surelyMore = (a: number, b: number): boolean => a - b > SURE * Math.sqrt(a + b)

/** Near-copies of targets in their own contexts, beside those of the last vectors among the vectors before them. */
function copiesIn({ ids, toLast, copied, repeated }: WindowCosines) {
  const adjacent = toLast[0]!.reduce((a, b) => a + b, 0) / ids.length
  const sum = (flags: Uint8Array) => flags.reduce((a, b) => a + b, 0)
  const [number, repeats] = [sum(copied), sum(repeated)]
  const worth = (Math.max(0, number - repeats) / ids.length) * (1 - adjacent)
  const level: Level = !surelyMore(number, repeats) ? 'PASS' : worth > WORTH ? 'FAIL' : 'WARN'
  return {
    level,
    told: `${some(number, 'target')} and ${some(repeats, 'last vector')} of ${count(ids.length)} windows are in their own context above a cosine of .98`,
    worth,
    figures: { copies: number, share: number / ids.length, worth, windows: ids.length },
    rows: [...ids.keys()].filter((i) => copied[i] === 1).map((i) => ids[i]!),
  }
}

type Copies = ReturnType<typeof copiesIn>
const copiesFinding = ({ level, told, worth, figures, rows }: Copies): Finding =>
  level === 'PASS'
    ? finding(
        'TARGET_IN_CONTEXT',
        level,
        `contexts do not surely hold more of their targets than of their last vectors: ${told}`,
        figures,
      )
    : finding('TARGET_IN_CONTEXT', level, `${told}, worth ${cos(worth)} of the cosine`, figures, rows)

/**
 * Whether targets are blended into a vector of their contexts.
 *
 * A target is compared with the vector that stands so many rows before it, the last vector of the context with the one that stands as many
 * rows before that: in sound data both are equally alike. Shapes: clusters run over windows.
 * Source: own.
 */
async function blended(
  { ids, toTarget, toLast }: WindowCosines,
  clusters: Clusters,
  { figures }: Copies,
): Promise<Finding | undefined> {
  const over = (f: (i: number) => number) =>
    judge(
      Float64Array.from(ids, (_, i) => f(i)),
      ids,
      clusters,
    )
  for (const [j, control] of toLast.entries()) {
    const values = toTarget[j]!
    const nearer = await over((i) => values[i]! - control[i]!)
    const limit = quantile(control.slice().sort(), 1 - TAIL)
    const above = (of: Float64Array) => of.reduce((n, cosine) => n + Number(cosine > limit), 0)
    const more = (above(values) - above(control)) / ids.length
    const mean = surelyAbove(nearer, WORTH)
    if (!mean && !(surelyMore(above(values), above(control)) && more > EXCESS)) continue
    const place = j === 0 ? 'the last vector of the context' : `the vector ${j + 1} rows before the target`
    const why = mean
      ? `by ${cos(nearer.mean)} more than vectors as far apart inside contexts are`
      : `${(100 * more).toFixed(1)} % of the targets more than 99 % of vectors as far apart inside contexts are`
    return finding(
      'TARGET_IN_CONTEXT',
      'FAIL',
      `${place} is like the target, ${why}: it seems to hold part of it`,
      { ...figures, lag: j + 1, excess: nearer.mean, tail: more },
      [...ids.keys()].filter((i) => values[i]! > limit).map((i) => ids[i]!),
    )
  }
  return undefined
}

/**
 * Whether targets of sequences are where they should be: right after their contexts, and not inside them.
 *
 * A target that is a copy from its context is as far from the last vector as that copy, so copies are judged before the distance. A
 * blended target is looked for only where the distance is right: any other makes targets unlike what is expected.
 */
export async function sequenceTargets(windows: WindowCosines, clusters: Clusters): Promise<Finding[]> {
  const lag = await targetLag(windows, clusters)
  if (windows.ids.length === 0 || windows.toLast.length === 0)
    return [lag, finding('TARGET_IN_CONTEXT', 'PASS', 'contexts of one vector do not say whether they hold their target')]
  const copies = copiesIn(windows)
  if (copies.level !== 'FAIL')
    return lag.level === 'FAIL' ? [lag] : [lag, (await blended(windows, clusters, copies)) ?? copiesFinding(copies)]
  const explained = lag.level === 'FAIL' && lag.figures.lag !== 0
  const hidden = 'copies of the targets in their contexts hide how far away targets are'
  return [explained ? finding('TARGET_LAG', 'PASS', hidden, lag.figures) : lag, copiesFinding(copies)]
}
