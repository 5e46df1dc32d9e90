import type { BaselineResults } from '../baselines/baselines.js'
import { BASELINES, type BaselineName } from '../baselines/baselines-fit.js'
import { LvmError } from '../errors.js'
import type { Scores } from '../native.js'
import { describe, meanByArticle, pairedDifference } from '../statistics/estimates.js'

export type Interval = readonly [number, number] | null

/** The part of a run's entry in validation_results.json that is computed from its scores. */
export interface Metrics {
  readonly n: number
  readonly articles: number
  /** MSE of the raw output; null for a model trained on unit outputs. */
  readonly mse_raw: number | null
  /** MSE of the normalised output. */
  readonly mse_unit: number
  readonly cosine: {
    readonly mean: number
    readonly sd: number
    readonly median: number
    readonly p10: number
    readonly ci95: Interval
  }
  /** Mean cosine after the training targets' mean is subtracted from prediction and target; null without training rows. */
  readonly cosine_centred: number | null
  /** Length of the raw output. */
  readonly output_norm: { readonly mean: number; readonly sd: number }
  readonly baselines: BaselineResults['figures']
  /** Mean cosine minus that of the best baseline on the same windows. */
  readonly skill: { readonly value: number; readonly ci95: Interval; readonly against: BaselineName }
  /** Why there are no intervals. */
  readonly ci95_note: string | null
}

/** Returns the baseline with the highest mean cosine; on ties the first in the table. Errors: DATA_TOO_FEW without baselines. */
export function bestBaseline({ figures }: Pick<BaselineResults, 'figures'>): BaselineName {
  const known = BASELINES.filter((name) => figures[name] !== undefined)
  if (known.length === 0) throw new LvmError('DATA_TOO_FEW', 'metrics: expected at least one baseline but received none')
  return known.reduce((best, name) => (figures[name]!.cosine > figures[best]!.cosine ? name : best))
}

function checkScores(scores: Scores, n: number): void {
  if (n === 0) throw new LvmError('DATA_TOO_FEW', 'metrics: expected at least one window to evaluate but received none')
  for (const [key, values] of Object.entries(scores) as [keyof Scores, Float64Array][]) {
    if (values.length !== n)
      throw new LvmError('BAD_ARGUMENT', `metrics: expected ${n} values of "${key}" but received ${values.length}`)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0)
      throw new LvmError('DIVERGED', `metrics: expected finite scores but "${key}" of window ${bad} is ${values[bad]}`)
  }
}

/**
 * Computes a run's metrics from its scores, with confidence intervals clustered by article.
 *
 * Shapes: scores, articles and the baselines' cosines have one entry per window, in the same order.
 * Errors: DATA_TOO_FEW without windows; DIVERGED when a score is not finite.
 */
export async function metrics(o: {
  readonly scores: Scores
  readonly articles: Int32Array
  readonly output: 'raw' | 'unit'
  readonly baselines: BaselineResults
  readonly seed?: number
}): Promise<Metrics> {
  const { scores, articles, baselines } = o
  checkScores(scores, articles.length)
  const seed = o.seed ?? 0
  const against = bestBaseline(baselines)
  const estimate = await meanByArticle(scores.cosine, articles, { seed })
  const skill = await pairedDifference(scores.cosine, baselines.cosines[against]!, articles, { seed })
  const { mean, sd } = describe(scores.norm)
  return {
    n: estimate.n,
    articles: estimate.articles,
    mse_raw: o.output === 'raw' ? describe(scores.mseRaw).mean : null,
    mse_unit: describe(scores.mseUnit).mean,
    cosine: { ...describe(scores.cosine), ci95: estimate.ci95 },
    cosine_centred: baselines.centre && describe(scores.cosineCentred).mean,
    output_norm: { mean, sd },
    baselines: baselines.figures,
    skill: { value: skill.mean, ci95: skill.ci95, against },
    ci95_note: estimate.reason,
  }
}
