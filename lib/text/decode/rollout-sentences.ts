import type { Base } from '../../data/base.js'
import type { Windows } from '../../data/windows.js'
import { native } from '../../native.js'
import { atQuantiles } from '../../statistics/at-quantiles.js'
import type { Tensor } from '../../torch/tensor.js'
import { nearestRows, requireTexts, type StoredSentence } from './sentence-bank.js'

/** Rollouts that are shown as sentences. */
const SHOWN = 3

/** One rollout as sentences. */
export interface RolloutSentences {
  /** Row of the first vector to predict. */
  readonly row: number
  readonly article: string | null
  /** Last sentence of the context. */
  readonly context: string
  /** For each step the true sentence, the cosine of the prediction with it, and the stored sentence nearest to the prediction. */
  readonly steps: readonly { readonly target: string; readonly cosine: number; readonly nearest: StoredSentence }[]
}

/** Chooses rollouts at evenly spaced quantiles of the cosine of their first step. */
export const shownRollouts = (firstCosines: readonly number[]): Int32Array => atQuantiles(Float64Array.from(firstCosines), SHOWN)

/** Describes rollouts as sentences. Shapes: predictions [ids, dim] for each step. Errors: TEXT_MISSING. */
export async function rolloutSentences(
  { base, windows, ids }: { base: Base; windows: Windows; ids: Int32Array },
  predictions: readonly Tensor[],
  cosines: readonly (readonly number[])[],
): Promise<RolloutSentences[]> {
  const texts = await requireTexts(base, 'data')
  const bank = native.bank(base.vectors.native)
  try {
    const found: Awaited<ReturnType<typeof nearestRows>>[] = []
    for (const prediction of predictions) found.push(await nearestRows(bank, prediction))
    return Array.from(ids, (id, i) => ({
      row: windows.target[id]!,
      article: base.articles?.ids[windows.article[id]!] ?? null,
      context: texts[windows.target[id]! - 1]!,
      steps: found.map(({ rows, cosines: near }, step) => ({
        target: texts[windows.target[id]! + step]!,
        cosine: cosines[step]![i]!,
        nearest: { row: rows[i]!, text: texts[rows[i]!]!, cosine: near[i]! },
      })),
    }))
  } finally {
    native.bankDispose(bank)
  }
}
