import { join } from 'node:path'
import { type RunEntry, readDocument, VALIDATION_RESULTS } from '../evaluate/results-file.js'
import { RETRIEVAL_RESULTS, type RetrievalEntry } from '../study/retrieval/retrieval-entry.js'

interface Metric {
  readonly direction: 'max' | 'min'
  /** Command that computes it; null for a figure of the training itself. */
  readonly verb: 'evaluate' | 'retrieve' | null
  readonly about: string
}
const evaluated = { verb: 'evaluate', direction: 'max' } as const
const retrieved = { verb: 'retrieve', direction: 'max' } as const

/** Figures that an experiment can optimise. */
export const METRICS = {
  val_cosine: { verb: null, direction: 'max', about: 'validation cosine of the best epoch' },
  val_loss: { verb: null, direction: 'min', about: 'validation loss of the best epoch' },
  cosine: { ...evaluated, about: 'mean cosine on the validation windows' },
  cosine_centred: { ...evaluated, about: 'mean cosine after the mean of the training targets is subtracted' },
  skill: { ...evaluated, about: 'mean cosine less that of the best baseline' },
  'hit@1': { ...retrieved, about: 'share of targets that retrieval ranks first' },
  'hit@5': { ...retrieved, about: 'share of targets among the first 5' },
  'hit@10': { ...retrieved, about: 'share of targets among the first 10' },
  'hit@20': { ...retrieved, about: 'share of targets among the first 20' },
  mrr: { ...retrieved, about: 'mean reciprocal rank of the target' },
} as const satisfies Record<string, Metric>
export type MetricName = keyof typeof METRICS
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[]

/** A metric from the results of `evaluate` or `retrieve` in a folder; undefined when there is none of that run. */
export async function readMetric(folder: string, run: string, metric: MetricName): Promise<number | null | undefined> {
  const isOf = (entry: { readonly run: string }) =>
    entry.run === run || entry.run.endsWith(`/${run}`) || entry.run.endsWith(`\\${run}`)
  if (METRICS[metric].verb === 'retrieve') {
    const { runs } = await readDocument<RetrievalEntry>(folder, RETRIEVAL_RESULTS)
    const entry = runs.find(isOf)
    const name = metric === 'mrr' ? 'mrr' : (metric.replace('hit@', 'top') as 'top1')
    return entry && (entry.scores?.with_context[name].value ?? null)
  }
  const { runs } = await readDocument<RunEntry>(join(folder), VALIDATION_RESULTS)
  const entry = runs.find(isOf)
  if (entry === undefined) return undefined
  if (metric === 'cosine') return entry.cosine.mean
  return metric === 'skill' ? (entry.skill?.value ?? null) : entry.cosine_centred
}
