import type { BaselineFigures, BaselineResults } from '../baselines/baselines.js'
import type { BaselineName } from '../baselines/baselines-fit.js'
import { sharedPredictions } from '../baselines/kept-predictions.js'
import type { FoldRuns } from '../checkpoint/fold-runs.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { readHistory } from '../checkpoint/run-documents.js'
import type { HistoryRow } from '../checkpoint/run-manifest.js'
import { lengthsOf } from '../data/windows.js'
import { textHash } from '../files/hash.js'
import { share } from '../ranks/shared-work.js'
import type { Contexts } from '../spec/contexts.js'
import { type EvaluateOptions, entryOf, joined, joinScores, type Scored, type Subject, scoreRun, subjectOf } from './evaluate.js'
import { metrics } from './metrics.js'
import { sharedWindows } from './ranks/rank-helper.js'
import type { HeldFold, RunEntry, SelectionGain } from './results-file.js'
import { type Chosen, chooseRows, judgedRows, type Provenance, provenance } from './subject.js'

type Asked = Parameters<typeof chooseRows>[1] & { readonly device: string; readonly threads: number | undefined }

/** One fold, scored on the rows that it held out. */
interface ScoredFold {
  readonly subject: Subject
  readonly from: Provenance & { readonly contexts: Contexts }
  readonly scored: Scored
  readonly history: readonly HistoryRow[]
  readonly bestEpoch: number | null
}

async function scoreFold(run: string, o: Asked, options: Omit<EvaluateOptions, 'train' | 'batch'>): Promise<ScoredFold> {
  using model: Model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  const chosen: Chosen = await chooseRows(model, { ...o, rows: 'test' })
  try {
    const subject = subjectOf(model)
    const { history, best_epoch } = await readHistory(model.folder)
    const { rows, train, batch } = judgedRows(chosen)
    share(rows.ids, sharedWindows(model, rows, 'test'))
    const scored = await scoreRun(subject, rows, { ...options, train, batch, blocks: sharedPredictions(model, rows) })
    const from = { ...(await provenance(chosen)), contexts: lengthsOf(rows.windows, rows.ids) }
    return { subject, from, scored, history, bestEpoch: best_epoch }
  } finally {
    chosen.dispose()
  }
}

const windowsOf = ({ scored }: ScoredFold) => scored.articles.length
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

/** Mean of a figure of each fold over all windows. */
const overWindows = (folds: readonly ScoredFold[], of: (fold: ScoredFold) => number) =>
  sum(folds.map((fold) => of(fold) * windowsOf(fold))) / sum(folds.map(windowsOf))

/** Figures of the baselines of all folds over all windows; each fold fitted its own, so there are no common parameters. */
function joinBaselines(folds: readonly ScoredFold[]): BaselineResults {
  const each = folds.map(({ scored }) => scored.baselines)
  const names = Object.keys(each[0]!.figures) as BaselineName[]
  const figures = names.map((name): [BaselineName, BaselineFigures] => {
    const mean = (key: 'cosine' | 'cosine_centred' | 'mse_raw' | 'mse_unit') =>
      overWindows(folds, ({ scored }) => scored.baselines.figures[name]![key]!)
    const errors = { mse_raw: mean('mse_raw'), mse_unit: mean('mse_unit') }
    return [name, { cosine: mean('cosine'), cosine_centred: mean('cosine_centred'), ...errors, params: {} }]
  })
  return {
    figures: Object.fromEntries(figures),
    cosines: Object.fromEntries(names.map((name) => [name, joined(each.map(({ cosines }) => cosines[name]!))])),
    centre: each[0]!.centre,
  }
}

/** What choosing the best epochs by the judged rows would have added; null where a history does not have the figures. */
function selectionGain(folds: readonly ScoredFold[]): SelectionGain | null {
  const measure = folds.every(({ history }) => history.at(-1)?.test_top10 !== undefined) ? 'top10' : 'cosine'
  const figure = (row: HistoryRow | undefined) => row?.[`test_${measure}`]
  const trained = ({ history }: ScoredFold) => history.filter(({ epoch }) => epoch > 0)
  const chosenIn = (fold: ScoredFold) => figure(trained(fold).find(({ epoch }) => epoch === fold.bestEpoch))
  if (folds.some((fold) => chosenIn(fold) === undefined)) return null
  const chosen = overWindows(folds, (fold) => chosenIn(fold)!)
  const best = overWindows(folds, (fold) => Math.max(...trained(fold).flatMap((row) => figure(row) ?? [])))
  return { measure, chosen, best, added: best - chosen }
}

const heldFold = (fold: ScoredFold): HeldFold => ({
  run: fold.subject.run,
  weights_sha256: fold.subject.weights,
  best_epoch: fold.bestEpoch,
  articles: new Set(fold.scored.articles).size,
  n: windowsOf(fold),
  cosine: sum([...fold.scored.scores.cosine]) / windowsOf(fold),
})

/**
 * Evaluates the runs of all folds, each on the articles that it held out, with baselines fitted on its own training articles, and
 * pools the windows: the intervals are over all articles.
 *
 * Errors: those of load and of the data; DIVERGED.
 */
export async function evaluateFolds(
  { name, runs }: FoldRuns,
  o: Asked,
  options: Omit<EvaluateOptions, 'train' | 'batch'>,
): Promise<RunEntry> {
  const folds: ScoredFold[] = []
  for (const run of runs) {
    options.say?.(`${run}: the articles that it held out`)
    folds.push(await scoreFold(run, o, options))
  }
  const [first] = folds
  const articles = Int32Array.from(folds.flatMap(({ scored }) => [...scored.articles]))
  const scored = { scores: joinScores(folds.map(({ scored }) => scored.scores)), articles, baselines: joinBaselines(folds) }
  const judged = await metrics({ ...scored, output: first!.subject.output, seed: options.seed ?? 0 })
  const mean = (of: (subject: Subject) => number | null) => sum(folds.map(({ subject }) => of(subject) ?? 0)) / folds.length
  const about = {
    ...first!.subject,
    run: name,
    weights: textHash(folds.map(({ subject }) => subject.weights).join('\n')),
    fileBytes: null,
    trainSeconds: mean(({ trainSeconds }) => trainSeconds),
  }
  const contexts = {
    shortest: Math.min(...folds.map(({ from }) => from.contexts.shortest)),
    longest: Math.max(...folds.map(({ from }) => from.contexts.longest)),
  }
  const from = { ...first!.from, rows: 'folds', selected_on: false, contexts }
  const pooled = { count: folds.length, runs: folds.map(heldFold), selection: selectionGain(folds) }
  return { ...entryOf(about, from, judged, null), folds: pooled }
}
