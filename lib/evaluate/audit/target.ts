import { quantile } from '../statistics.js'
import { cos, count, type Finding, finding, some } from './findings.js'
import { judge, SURE, surelyAbove } from './judge.js'
import type { Clusters } from './table.js'
import type { WindowCosines } from './windows.js'

/** Cosine that a model gains by copying from its context, from which it fails; fewer windows are texts that repeat. */
const [WORTH, FEW] = [0.01, 3]
/** The share of sound pairs that are more alike than a limit, and by how much the share of targets may be larger. */
const [TAIL, EXCESS] = [0.01, 0.02]

/** Whether one of two counts of paired windows is larger by more than chance: articles are the same in both. */
const surelyMore = (a: number, b: number): boolean => a - b > SURE * Math.sqrt(a + b)

/**
 * Whether targets are in their own contexts: as one of the vectors, or blended into one.
 *
 * A target is compared with the vector that stands so many rows before it, the last vector of the context with the one that stands as many
 * rows before that: in sound data both are equally alike. Shapes: clusters run over windows.
 * Source: own.
 */
export async function targetInContext(windows: WindowCosines, clusters: Clusters): Promise<Finding> {
  const { ids, toTarget, toLast, copied, repeated } = windows
  if (ids.length === 0 || toLast.length === 0)
    return finding('TARGET_IN_CONTEXT', 'PASS', 'contexts of one vector do not say whether they hold their target')
  const over = (f: (i: number) => number) =>
    judge(
      Float64Array.from(ids, (_, i) => f(i)),
      ids,
      clusters,
    )
  const adjacent = toLast[0]!.reduce((a, b) => a + b, 0) / ids.length
  const sum = (flags: Uint8Array) => flags.reduce((a, b) => a + b, 0)
  const [number, repeats] = [sum(copied), sum(repeated)]
  const holds = surelyMore(number, repeats)
  const worth = (Math.max(0, number - repeats) / ids.length) * (1 - adjacent)
  const figures = { copies: number, share: number / ids.length, worth, windows: ids.length }
  const rows = () => [...ids.keys()].filter((i) => copied[i] === 1).map((i) => ids[i]!)
  const told = `${some(number, 'target')} of ${count(ids.length)} in their own context above a cosine of .98`
  if (holds && worth > WORTH && number >= FEW)
    return finding('TARGET_IN_CONTEXT', 'FAIL', `${told}, worth ${cos(worth)} of the cosine`, figures, rows())
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
  if (holds) return finding('TARGET_IN_CONTEXT', 'WARN', `${told}, worth ${cos(worth)} of the cosine`, figures, rows())
  return finding(
    'TARGET_IN_CONTEXT',
    'PASS',
    `contexts hold no more of their targets than of their last vectors: ${told}`,
    figures,
  )
}
