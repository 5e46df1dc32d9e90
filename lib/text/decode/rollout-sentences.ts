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
  readonly title: string | null
  /** Last sentence of the context. */
  readonly context: string
  /** For each step the true sentence, the cosine of the prediction with it, and the stored sentence nearest to the prediction; the context is left out of the search. */
  readonly steps: readonly { readonly target: string; readonly cosine: number; readonly nearest: StoredSentence | null }[]
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
    const read = Array.from(ids, (id) => Array.from({ length: windows.context }, (_, t) => windows.first[id]! + t))
    const found: Awaited<ReturnType<typeof nearestRows>>[] = []
    for (const prediction of predictions) found.push(await nearestRows(bank, prediction, { excluded: read, rows: base.rows }))
    return Array.from(ids, (id, i) => {
      const article = base.articles?.ids[windows.article[id]!] ?? null
      return {
        row: windows.target[id]!,
        article,
        title: article === null ? null : (base.titles?.get(article) ?? null),
        context: texts[windows.target[id]! - 1]!,
        steps: found.map(({ rows, cosines: near }, step) => ({
          target: texts[windows.target[id]! + step]!,
          cosine: cosines[step]![i]!,
          nearest: rows[i]! < 0 ? null : { row: rows[i]!, text: texts[rows[i]!]!, cosine: near[i]! },
        })),
      }
    })
  } finally {
    native.bankDispose(bank)
  }
}
