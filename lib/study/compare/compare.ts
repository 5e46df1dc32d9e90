import { mkdir } from 'node:fs/promises'
import { longDoor } from '../../control.js'
import { type Data, dataOrMany, someData, type WithData } from '../../data/given-data.js'
import { callback, optional, withFields } from '../../door.js'
import { requireOwnRows } from '../../evaluate/evaluate-fields.js'
import { type Outsider, predictors } from '../../evaluate/outside/outsider.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { sealedText } from '../../files/sealed.js'
import { replaceText } from '../../files/write.js'
import { native } from '../../native.js'
import { type Given, resolve } from '../../options.js'
import { stage } from '../../stages.js'
import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import { benjaminiHochberg } from '../../statistics/paired-tests.js'
import { oracleSentence } from '../retrieval/oracle.js'
import { compareFields } from './compare-fields.js'
import { renderComparison } from './compare-table.js'
import type { ComparisonDocument } from './comparison.js'
import type { Asked } from './contestants.js'
import { type Entrant, findEntrants } from './entrants.js'
import { measureAll } from './measure-folds.js'
import { comparePairs, type Pair, type RawPair, valuesOf, verdict } from './pairs.js'
import { MEASURES, type Measure } from './shared-windows.js'

/** Options of `compare`: runs and baselines, data files, a listener for progress (`say`), and any field of `compareFields`. */
export interface CompareOptions extends WithData<Given<typeof compareFields>, 'bank'> {
  /** Runs, baselines, files of predictions (`NAME=FILE.npy`) and functions, at least two. One of them is a run: its windows are judged. */
  readonly runs: readonly (string | Outsider)[]
  /** Files to compare them on; the file that the runs were trained on unless given. */
  readonly data?: Data | readonly Data[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

export const COMPARISON = 'comparison.json'

const mean = (values: Float64Array | readonly number[]): number => {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** Says whether the intervals cover the spread between trainings. */
function seedsNote(entrants: readonly Entrant[]): string {
  const runs = entrants.filter(({ trainings }) => trainings.length > 0)
  const single = runs.filter(({ trainings }) => trainings.length === 1)
  if (single.length === 0) return 'the intervals cover articles and training seeds: both are resampled'
  const which = single.length === runs.length ? 'each run' : single.map(({ name }) => name).join(', ')
  return `one training seed of ${which}: the intervals cover articles, not the spread between its trainings`
}

async function compareOn(entrants: readonly Entrant[], o: Asked) {
  const { from, bank, excluded, context, oracle, articles, contestants, folds } = await stage('measure', () =>
    measureAll(entrants, o),
  )
  const count = new Set(articles).size
  const seen = wasTrainedOn(from) || contestants.some((one) => (one.trained_on ?? 0) > 0)
  return {
    ...from,
    bank,
    excluded: excluded / articles.length,
    context,
    folds,
    n: articles.length,
    articles: count,
    seeds_note: seedsNote(entrants),
    ci95_note: count < FEWEST_ARTICLES ? `${count} articles are too few for an interval (${FEWEST_ARTICLES} at least)` : null,
    oracle,
    top10_note: oracle.valid ? null : oracleSentence(oracle),
    contestants: contestants.map(({ name, kind, model, values, trained_on }, i) => {
      const means = MEASURES.map((measure) => [measure, valuesOf(values, measure)?.map(mean)] as const)
      const figures = Object.fromEntries(means.map(([measure, each]) => [measure, each ? mean(each) : null]))
      const trainings = entrants[i]!.trainings
      const known = trained_on === undefined ? {} : { trained_on }
      return { name, kind, model, trainings, ...known, ...(figures as Record<Measure, number | null>) }
    }),
    pairs: await stage('pairs', () => comparePairs(contestants, articles, { seed: o.seed, seen })),
  }
}

/** Adjusts the p values of each measure together, over all pairs on all files. */
function adjusted(all: readonly (readonly RawPair[])[]): Pair[][] {
  const pairs = all.map((list) => list.map((pair) => ({ ...pair }) as Pair & Record<Measure, unknown>))
  for (const measure of MEASURES) {
    const measured = pairs.flat().flatMap((pair) => (pair[measure] === null ? [] : [{ pair, difference: pair[measure] }]))
    const tested = measured.flatMap(({ difference }) => (difference.p === null ? [] : [difference.p]))
    const p = benjaminiHochberg(tested)[Symbol.iterator]()
    for (const { pair, difference } of measured) {
      const complete = { ...difference, p_adjusted: difference.p === null ? null : p.next().value! }
      pair[measure] = { ...complete, verdict: verdict(complete) }
    }
  }
  return pairs
}

type Compared = { comparison: ComparisonDocument; table: string }
const ARGS = {
  options: withFields({ runs: predictors, data: optional(dataOrMany), bank: optional(someData), say: optional(callback) }),
}

/**
 * Compares runs and baselines in pairs, window by window, on one or more files, and writes comparison.json.
 *
 * Errors: BAD_OPTION for contestants that are not comparable, with the reason; those of load and of the data.
 */
export const compare = longDoor('compare', ARGS, async (options: CompareOptions): Promise<Compared> => {
  const { runs: names, data, say = () => {}, ...given } = options
  const o = resolve('compare', compareFields, given)
  if (o.folds) requireOwnRows('compare', { data, rows: o.rows })
  const entrants = await findEntrants(names, o.folds)
  const files = data === undefined ? [undefined] : ([data].flat() as string[])
  const raw = []
  for (const file of files) raw.push(await compareOn(entrants, { ...o, data: file, say }))
  const pairs = adjusted(raw.map(({ pairs }) => pairs))
  const comparison: ComparisonDocument = {
    version: 1,
    seed: o.seed,
    libtorch: native.libtorchVersion(),
    comparisons: raw.map((one, i) => ({ ...one, pairs: pairs[i]! })),
  }
  await mkdir(o.out, { recursive: true })
  await replaceText(o.out, COMPARISON, sealedText(comparison))
  return { comparison, table: renderComparison(comparison) }
})
