import type { BaselineFigures } from '../baselines/baselines.js'
import {
  type Baseline,
  type BaselineName,
  contextMean,
  copyLast,
  exponentialMeanOf,
  exponentialMixtureOf,
  HEURISTICS,
  mixtureIn,
} from '../baselines/baselines-fit.js'
import { type Rows, targets } from '../baselines/baselines-rows.js'
import type { Base } from '../data/base.js'
import { contextOf, lastOf, lengthOf } from '../data/windows.js'
import { cut } from '../errors.js'
import { native } from '../native.js'
import { atQuantiles } from '../statistics/at-quantiles.js'
import { nearestRows, type StoredSentence } from '../text/decode/sentence-bank.js'
import type { DecoderHead, Generator } from '../text/decode/sentence-generator.js'
import { call, type Tensor } from '../torch/tensor.js'
import { vectorsOfLength } from '../torch/unit-vectors.js'
import type { RunEntry } from './results-file.js'

export const SENTENCES = 'sentences.json'
/** Windows of each run, context sentences of each window, and characters of each sentence that are kept. */
const [WINDOWS, CONTEXT, CHARACTERS] = [10, 5, 500] as const

/** One window as sentences. */
export interface WindowSentences {
  readonly row: number
  readonly article: string | null
  readonly title: string | null
  /** The last sentences of the context, the oldest first. */
  readonly context: readonly string[]
  /** True next sentence, and the cosine of the prediction with its vector. */
  readonly target: string
  readonly cosine: number
  /** Stored sentence nearest to the prediction, and the same for the baseline. */
  readonly nearest: StoredSentence | null
  /** Sentence that a decoder generated of the prediction, with the cosine of its own vector; null without a decoder. */
  readonly decoded: { readonly text: string; readonly cosine: number } | null
  readonly baseline: { readonly cosine: number; readonly nearest: StoredSentence | null }
}

/** One run in sentences.json. */
export interface SentencesEntry
  extends Pick<RunEntry, 'run' | 'model' | 'weights_sha256' | 'rows' | 'trained_on' | 'data' | 'n'> {
  /** Rule that chose the windows, and what the search left out, in words. */
  readonly chosen: string
  readonly baseline: BaselineName
  /** Decoder of the generated sentences; null without one. */
  readonly decoder: DecoderHead | null
  readonly windows: readonly WindowSentences[]
}

/** Words for the rule that chooses windows by their cosine. */
export const byQuantiles = (count: number): string =>
  `${count} windows at evenly spaced quantiles of the cosine with the true next vector, the lowest first`

/** Returns the best of the heuristics by the figures of an evaluation, ready to predict. */
export function bestHeuristic(figures: Readonly<Partial<Record<BaselineName, BaselineFigures>>>): Baseline {
  const known = HEURISTICS.filter((name) => figures[name] !== undefined)
  const best = known.reduce((a, b) => (figures[b]!.cosine > figures[a]!.cosine ? b : a))
  if (best === 'exponential_mean') return exponentialMeanOf(figures[best]!.params.decay!)
  if (best === 'exponential_mixture') return exponentialMixtureOf(mixtureIn(figures[best]!.params))
  return best === 'context_mean' ? contextMean : copyLast
}

async function cosines(a: Tensor, b: Tensor): Promise<Float64Array> {
  using x = await a.to({ device: 'cpu', dtype: 'float64' }).ready()
  using y = await b.to({ device: 'cpu', dtype: 'float64' }).ready()
  using cosine = await x.op('aten::cosine_similarity', y, -1, 1e-12)
  return (await cosine.data()) as Float64Array
}

/** Windows to describe, and who predicts them. */
export interface Described {
  readonly rows: Rows & { readonly base: Base }
  /** Cosine of the prediction of each window with its target. */
  readonly cosine: Float64Array
  predict(ids: Int32Array): Promise<Tensor>
  readonly baseline: Baseline
  readonly generator?: Generator | undefined
}

/** Generates a sentence for each prediction. Shapes: raw [n, dim]. */
async function generate(generator: Generator, raw: Tensor, base: Base): Promise<WindowSentences['decoded'][]> {
  using vectors = await vectorsOfLength(raw, base.norms.mean)
  const written = await generator.write(vectors)
  return written.map(({ text, cosine }) => ({ text: cut(text, CHARACTERS), cosine }))
}

/**
 * Finds the sentences nearest to the predictions of a model and of a baseline, without those of the context, and generates others.
 *
 * Shapes: nearest 2 · ids, generated ids.
 */
async function search({ rows, predict, baseline, generator }: Described, ids: Int32Array) {
  const { base, windows } = rows
  using raw = await predict(ids)
  using said = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  using rival = await baseline.predict(rows, ids)
  using both = (await call('aten::cat', [[said, rival]])) as Tensor
  const read = Array.from(ids, (id) => [...contextOf(windows, id)])
  const bank = native.bank(base.vectors.native)
  try {
    using truth = await targets(rows, ids)
    return {
      ...(await nearestRows(bank, both, { excluded: [...read, ...read], rows: base.rows })),
      rival: await cosines(rival, truth),
      decoded: generator && (await generate(generator, raw, base)),
    }
  } finally {
    native.bankDispose(bank)
  }
}

/** Describes windows at evenly spaced quantiles of the cosine as sentences; undefined when the rows have none. */
export async function windowSentences(o: Described, count: number = WINDOWS): Promise<WindowSentences[] | undefined> {
  const { base, windows, ids: all } = o.rows
  if (base.kind !== 'base' || (await base.textsOf([0])) === undefined) return undefined
  const order = atQuantiles(o.cosine, count)
  const ids = order.map((i) => all[i]!)
  const found = await search(o, ids)
  const shown = (id: number) => {
    const rows = Array.from({ length: Math.min(CONTEXT, lengthOf(windows, id)) }, (_, t) => lastOf(windows, id) - t)
    return rows.reverse()
  }
  const wanted = [...found.rows.filter((row) => row >= 0), ...Array.from(ids, (id) => [...shown(id), windows.target[id]!]).flat()]
  const texts = await base.textsOf(wanted)
  if (texts === undefined) return undefined
  const text = (row: number) => cut(texts.get(row)!, CHARACTERS)
  const nearest = (at: number): StoredSentence | null =>
    found.rows[at]! < 0 ? null : { row: found.rows[at]!, text: text(found.rows[at]!), cosine: found.cosines[at]! }
  return Array.from(ids, (id, i) => {
    const article = base.articles?.ids[windows.article[id]!] ?? null
    return {
      row: windows.target[id]!,
      article,
      title: article === null ? null : (base.titles?.get(article) ?? null),
      context: shown(id).map(text),
      target: text(windows.target[id]!),
      cosine: o.cosine[order[i]!]!,
      nearest: nearest(i),
      decoded: found.decoded?.[i] ?? null,
      baseline: { cosine: found.rival[i]!, nearest: nearest(ids.length + i) },
    }
  })
}

/** Describes ten windows of an evaluated run as sentences; undefined when the data has no sentences. */
export async function sentencesOf(entry: RunEntry, o: Omit<Described, 'baseline'>): Promise<SentencesEntry | undefined> {
  const { run, model, weights_sha256, rows, trained_on, data, n } = entry
  const baseline = bestHeuristic(entry.baselines)
  const windows = await windowSentences({ ...o, baseline })
  if (windows === undefined) return undefined
  const chosen = `${byQuantiles(windows.length)}; sentences of the context are left out of the search`
  const subject = { run, model, weights_sha256, rows, trained_on: trained_on ?? null, data, n }
  return { ...subject, chosen, baseline: baseline.name, decoder: o.generator?.head ?? null, windows }
}
