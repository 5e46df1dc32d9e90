import { samplesOf } from '../baselines/baselines-rows.js'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import type { Interval } from '../evaluate/metrics.js'
import { openPool } from '../evaluate/pool.js'
import type { Chosen } from '../evaluate/subject.js'
import { type NativeModel, native } from '../native.js'
import { fixed, percent } from '../show.js'
import { requireGoing } from '../stages.js'
import { pairedDifference } from '../statistics/estimates.js'
import { searchWithModel } from '../study/retrieval/judge-retrieval.js'
import { scoresByWindow } from '../study/retrieval/retrieval-scores.js'

/** Scores of a model on each window. */
export interface Scored {
  readonly cosine: Float64Array
  /** 1 when the target is among the ten rows nearest to the prediction, else 0. */
  readonly top10: Float64Array
}
/** One figure of a run and of its compressed result, on the same windows. */
export interface Change {
  readonly parent: number
  readonly result: number
  /** parent − result; its 95 % interval is by article. */
  readonly drop: number
  readonly ci95: Interval
  readonly limit: number
  readonly pass: boolean
}
/** Loss of a compression, and whether it is within the limits. */
export interface Gate {
  /** train, val, test or all. */
  readonly rows: string
  readonly n: number
  readonly articles: number
  readonly cosine: Change
  /** Shares of the windows. */
  readonly top10: Change
  /** Reason for missing intervals. */
  readonly ci95_note: string | null
  readonly pass: boolean
}

/** Calls a function with native samples of the windows and frees them afterwards. */
export async function withSamples<T>(
  { base, windows }: Pick<Chosen, 'base' | 'windows'>,
  what: (samples: ReturnType<typeof native.samples>) => Promise<T>,
): Promise<T> {
  const samples = samplesOf({ base, windows })
  try {
    return await what(samples)
  } finally {
    native.dispose(samples)
  }
}

/** Returns the cosine of each window. Errors: DIVERGED when one is not finite. */
export async function cosines(model: NativeModel, rows: Pick<Chosen, 'base' | 'windows' | 'ids'>): Promise<Float64Array> {
  const { cosine } = await withSamples(rows, (samples) =>
    native.evaluate(model, samples, rows.ids, { batch: atOnce(rows.windows.context), centre: null }),
  )
  const bad = cosine.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new LvmError('DIVERGED', `gate: expected finite cosines but that of window ${bad} is ${cosine[bad]}`)
  return cosine
}

/** Scores a loaded run on the chosen windows, with all rows of their data as the bank. Errors: DIVERGED. */
export async function score(model: { readonly native: NativeModel }, chosen: Chosen): Promise<Scored> {
  const cosine = await cosines(model.native, chosen)
  const pool = await openPool(chosen)
  try {
    return { cosine, top10: scoresByWindow((await searchWithModel(model, chosen, pool)).all, 'top10') }
  } finally {
    pool.dispose()
  }
}

export const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length

/** Compares two models window by window. Errors: DIVERGED. */
export async function judgeGate(
  parent: Scored,
  result: Scored,
  chosen: Chosen,
  o: { maxDrop: number; maxDropTop10: number },
): Promise<Gate> {
  const articles = chosen.ids.map((id) => chosen.windows.article[id]!)
  let note: string | null = null
  const change = async (a: Float64Array, b: Float64Array, limit: number): Promise<Change> => {
    const difference = await pairedDifference(a, b, articles)
    note = difference.reason
    return {
      parent: mean(a),
      result: mean(b),
      drop: difference.mean,
      ci95: difference.ci95,
      limit,
      pass: difference.mean <= limit,
    }
  }
  const cosine = await change(parent.cosine, result.cosine, o.maxDrop)
  const top10 = await change(parent.top10, result.top10, o.maxDropTop10 / 100)
  return {
    rows: chosen.part,
    n: articles.length,
    articles: new Set(articles).size,
    cosine,
    top10,
    ci95_note: note,
    pass: cosine.pass && top10.pass,
  }
}

const interval = (ci95: Interval, scale: number, digits: number) =>
  ci95 === null ? '' : ` (95 %: ${ci95.map((x) => (scale * x).toFixed(digits)).join(' … ')})`

/** Result of a gate as a sentence. */
export function gateSentence({ n, articles, cosine, top10, ci95_note }: Gate): string {
  const parts = [
    `cosine ${cosine.parent.toFixed(4)} → ${cosine.result.toFixed(4)}, a loss of ${fixed(cosine.drop, 5)}${interval(cosine.ci95, 1, 5)} (limit ${cosine.limit})`,
    `Top-10 ${(100 * top10.parent).toFixed(1)} → ${percent(top10.result)}, a loss of ${fixed(100 * top10.drop, 2)} points${interval(top10.ci95, 100, 2)} (limit ${100 * top10.limit})`,
  ]
  return `${n} windows of ${articles} articles: ${parts.join('; ')}${ci95_note === null ? '' : `; no interval: ${ci95_note}`}`
}

/** Returns the GATE_FAILED error with the figures of a gate. */
export const gateError = (owner: string, gate: Gate, more = ''): LvmError =>
  new LvmError(
    'GATE_FAILED',
    `${owner}: expected a loss within the limits but on ${gateSentence(gate)}${more}; nothing was published`,
    {
      hint: 'allow a larger loss with --max-drop, or compress less',
    },
  )

/** Wraps a listener for progress so that each call also throws when the signal is aborted. */
export const stoppable =
  (say: (line: string) => void, signal: AbortSignal | undefined) =>
  (line: string): void => {
    requireGoing(signal)
    say(line)
  }
