import { readFold } from '../data/fold.js'
import { groupsOf, segments } from '../data/segments.js'
import { partSize, VAL } from '../data/split.js'
import { makeWindows, shortestOf, type Windows } from '../data/windows.js'
import { badOption } from '../errors.js'
import { windowsOfCall } from '../train/evaluate-windows.js'
import { fittingBatch } from '../train/prepare.js'
import { type Plan, reachOf, type TrainSettings } from '../train/recipe.js'

/** Size of data that is not there yet. */
export interface DataSize {
  readonly rows: number
  readonly dim: number
  readonly articleRows: number
  /** Of a validation file. */
  readonly valRows?: number | undefined
}

/** What a training does with data of a size. */
export interface Counts {
  readonly articles: number
  readonly windows: { readonly train: number; readonly val: number; readonly test: number }
  /** Training windows that each epoch evaluates. */
  readonly judged: number
  /** Vectors of the longest context. */
  readonly context: number
  readonly steps_per_epoch: number
  readonly steps: number
  /** Windows of a batch, or whole articles; vectors that a batch reads. */
  readonly batch: number
  readonly batch_vectors: number
  /** Windows of a call of an evaluation. */
  readonly evaluated_at_once: number
}

/** Windows that one of several ranks evaluates: calls are divided, the windows of one are not. */
export const windowsOfRank = (count: number, o: { ranks: number; call: number }): number =>
  Math.min(count, Math.ceil(Math.ceil(count / o.call) / o.ranks) * o.call)

/** Windows of one article. */
const ofArticle = (train: TrainSettings, { dim, articleRows }: Pick<DataSize, 'dim' | 'articleRows'>): Windows =>
  makeWindows({ kind: 'base', path: 'plan', rows: articleRows, dim }, reachOf(train))

function requireSize({ train: { split } }: Plan, { rows, articleRows, valRows }: DataSize, least: number): number {
  const articles = Math.round(rows / articleRows)
  if (articles < 3)
    throw badOption('plan', 'articleRows', `at most a third of the ${rows} rows`, articleRows, 'use a smaller --article-rows')
  if (articleRows <= least)
    throw badOption('plan', 'articleRows', `more than the ${least} vectors of a context`, articleRows, 'use a smaller --context')
  if (split === 'file' && valRows === undefined)
    throw badOption('plan', 'valRows', 'the vectors of the validation file with "split" file', valRows, 'add --val-rows N')
  if (split !== 'file' && valRows !== undefined)
    throw badOption('plan', 'valRows', 'no value without "split" file, where it has no effect,', valRows, 'add --split file')
  return articles
}

/** Shares of the articles that are held out. */
function shares({ fold, test, split }: TrainSettings, articles: number): { val: number; test: number } {
  const held = fold === undefined ? partSize(articles, test) : Math.floor(articles / readFold('plan', fold).of)
  const val = split === 'file' ? 0 : partSize(fold === undefined ? articles : articles - held, VAL)
  return { test: held / articles, val: val / articles }
}

/** Training windows as articles that are read once, in their segments. */
function reading({ train, fitsBatch }: Plan, windows: Windows, articles: number) {
  const cut = (most: number) => {
    const { groups, vectors } = groupsOf(
      segments(windows, most),
      Int32Array.from({ length: windows.count }, (_, i) => i),
    )
    return { groups: groups * articles, vectors: vectors * articles }
  }
  const vectors = fitsBatch ? fittingBatch(train.batchVectors, cut(windows.context).vectors) : train.batchVectors
  const read = cut(train.history === 'article' ? vectors : windows.context)
  return { items: read.groups, batch: Math.max(1, Math.round((vectors * read.groups) / read.vectors)), vectors }
}

/** Counts windows and steps of a training. Errors: BAD_OPTION for data that cannot be divided. */
export function countWindows(plan: Plan, size: DataSize): Counts {
  const { train } = plan
  const reach = reachOf(train)
  const articles = requireSize(plan, size, train.history === undefined ? reach.context : train.minHistory)
  const windows = ofArticle(train, size)
  const { val, test } = shares(train, articles)
  const all = train.split === 'windows' ? size.rows - shortestOf(windows) : articles * windows.count
  const most = train.maxWindows ?? Number.POSITIVE_INFINITY
  const valid = size.valRows === undefined ? all * val : (size.valRows / size.articleRows) * windows.count
  const [held, tested] = train.split === 'windows' ? [partSize(all, VAL), partSize(all, train.test)] : [valid, all * test]
  const left = all - tested - (size.valRows === undefined ? held : 0)
  const counts = {
    train: Math.min(most, Math.round(left)),
    val: Math.min(most, Math.round(held)),
    test: Math.round(tested),
  }
  const isRead = train.objective === 'sequence' && train.history !== undefined
  const read = isRead ? reading(plan, windows, counts.train / windows.count) : undefined
  const [items, batch] = read === undefined ? [counts.train, train.batchSize] : [read.items, read.batch]
  const steps_per_epoch = Math.ceil(items / (batch * train.accumulate))
  return {
    articles,
    windows: counts,
    judged: train.trainEval === 'all' ? counts.train : Math.min(counts.train, Number(train.trainEval)),
    context: windows.context,
    steps_per_epoch,
    steps: Math.min(train.epochs * steps_per_epoch, train.maxSteps ?? Number.POSITIVE_INFINITY),
    batch,
    batch_vectors: read?.vectors ?? batch * windows.context,
    evaluated_at_once: windowsOfCall(windows.context, train.split === 'windows' || windows.length === undefined),
  }
}
