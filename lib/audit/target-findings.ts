import { count, counted } from '../show.js'
import { quantile } from '../statistics/estimates.js'
import { cos, type Finding, finding, type Level } from './audit-findings.js'
import { clusteredMean, SIGNIFICANT, significantlyAbove } from './clustered-mean.js'
import type { Clusters } from './unit-table.js'
import { targetLag, type WindowCosines } from './window-cosines.js'

/** Gain in cosine by copying from the context, above which the check fails. */
const WORTH = 0.01
/** Share of control pairs above the limit, and the smallest excess of targets at which the check fails. */
const [TAIL, EXCESS] = [0.01, 0.02]

/** Whether one of two counts over the same windows is significantly larger. */
const significantlyMore = (a: number, b: number): boolean => a - b > SIGNIFICANT * Math.sqrt(a + b)

/** Counts near-copies of targets in their own contexts; near-copies of the last vectors in the same contexts are the control. */
function copiesIn({ ids, toLast, copied, repeated }: WindowCosines) {
  const adjacent = toLast[0]!.reduce((a, b) => a + b, 0) / ids.length
  const sum = (flags: Uint8Array) => flags.reduce((a, b) => a + b, 0)
  const [number, repeats] = [sum(copied), sum(repeated)]
  const worth = (Math.max(0, number - repeats) / ids.length) * (1 - adjacent)
  const level: Level = !significantlyMore(number, repeats) ? 'PASS' : worth > WORTH ? 'FAIL' : 'WARN'
  return {
    level,
    summary: `${counted(number, 'target')} and ${counted(repeats, 'last vector')} of ${count(ids.length)} windows are in their own context with a cosine above .98`,
    worth,
    figures: { copies: number, share: number / ids.length, worth, windows: ids.length },
    rows: [...ids.keys()].filter((i) => copied[i] === 1).map((i) => ids[i]!),
  }
}

type Copies = ReturnType<typeof copiesIn>
const copiesFinding = ({ level, summary, worth, figures, rows }: Copies): Finding =>
  level === 'PASS'
    ? finding(
        'TARGET_IN_CONTEXT',
        level,
        `contexts do not contain significantly more targets than last vectors: ${summary}`,
        figures,
      )
    : finding('TARGET_IN_CONTEXT', level, `${summary}, worth ${cos(worth)} of the cosine`, figures, rows)

/**
 * Checks whether targets are blended into a vector of their contexts.
 *
 * Compares the target with the vector j rows before it, and as control the last context vector with the vector j rows before that: in
 * clean data both are equally similar. Shapes: clusters have one entry per window.
 * Source: own.
 */
async function blended(
  { ids, toTarget, toLast }: WindowCosines,
  clusters: Clusters,
  { figures }: Copies,
): Promise<Finding | undefined> {
  const over = (f: (i: number) => number) =>
    clusteredMean(
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
    const mean = significantlyAbove(nearer, WORTH)
    if (!mean && !(significantlyMore(above(values), above(control)) && more > EXCESS)) continue
    const place = j === 0 ? 'the last vector of the context' : `the vector ${j + 1} rows before the target`
    const why = mean
      ? `by ${cos(nearer.mean)} more than vectors inside contexts at the same distance`
      : `${(100 * more).toFixed(1)} % more of the targets than of the control pairs are above the 99th percentile`
    return finding(
      'TARGET_IN_CONTEXT',
      'FAIL',
      `${place} is too similar to the target, ${why}: it seems to contain part of the target`,
      { ...figures, lag: j + 1, excess: nearer.mean, tail: more },
      [...ids.keys()].filter((i) => values[i]! > limit).map((i) => ids[i]!),
    )
  }
  return undefined
}

/**
 * Checks that targets of sequences come right after their contexts and are not contained in them.
 *
 * A target copied from its context has the lag of that copy, so copies are checked before the lag. Blended targets are searched only
 * when the lag is right, because at another lag the control pairs do not fit.
 */
export async function sequenceTargets(windows: WindowCosines, clusters: Clusters): Promise<Finding[]> {
  const lag = await targetLag(windows, clusters)
  if (windows.ids.length === 0 || windows.toLast.length === 0)
    return [lag, finding('TARGET_IN_CONTEXT', 'PASS', 'contexts of one vector do not show whether they contain their target')]
  const copies = copiesIn(windows)
  if (copies.level !== 'FAIL')
    return lag.level === 'FAIL' ? [lag] : [lag, (await blended(windows, clusters, copies)) ?? copiesFinding(copies)]
  const explained = lag.level === 'FAIL' && lag.figures.lag !== 0
  const hidden = 'copies of the targets in their contexts hide the lag of the targets'
  return [explained ? finding('TARGET_LAG', 'PASS', hidden, lag.figures) : lag, copiesFinding(copies)]
}
