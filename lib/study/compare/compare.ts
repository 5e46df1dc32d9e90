import { mkdir } from 'node:fs/promises'
import { asyncDoor, callback, optional, withFields, wordOrWords, words } from '../../door.js'
import { badOption } from '../../errors.js'
import { provenance } from '../../evaluate/subject.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { sealedText } from '../../files/sealed.js'
import { replaceText } from '../../files/write.js'
import { native } from '../../native.js'
import { type Given, resolve } from '../../options.js'
import { FEWEST_ARTICLES } from '../../statistics/estimates.js'
import { benjaminiHochberg } from '../../statistics/paired-tests.js'
import { oracleSentence } from '../retrieval/oracle.js'
import { compareFields } from './compare-fields.js'
import { renderComparison } from './compare-table.js'
import type { ComparisonDocument } from './comparison.js'
import { type Asked, gather, isBaseline } from './contestants.js'
import { comparePairs, type Pair, type RawPair, verdict } from './pairs.js'
import { MEASURES, type Measure } from './shared-windows.js'

/** Options of `compare`: runs and baselines, data files, a listener for progress (`say`), and any field of `compareFields`. */
export interface CompareOptions extends Given<typeof compareFields> {
  /** Runs and baselines: at least two. */
  readonly runs: readonly string[]
  /** Files to compare them on; the file that the runs were trained on unless given. */
  readonly data?: string | readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

export const COMPARISON = 'comparison.json'

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length

async function compareOn(names: readonly string[], o: Asked, say: (line: string) => void) {
  const { shared, contestants } = await gather(names, o, say)
  try {
    const { chosen, pool, oracle, articles } = shared
    const count = new Set(articles).size
    const from = provenance(chosen)
    return {
      ...from,
      bank: { path: pool.base.path, hash: pool.base.hash, rows: pool.rows },
      excluded: pool.excluded.length / pool.target.length,
      context: chosen.windows.context,
      n: articles.length,
      articles: count,
      ci95_note: count < FEWEST_ARTICLES ? `${count} articles are too few for an interval (${FEWEST_ARTICLES} at least)` : null,
      oracle,
      top10_note: oracle.valid ? null : oracleSentence(oracle),
      contestants: contestants.map(({ name, kind, model, values }) => {
        const means = MEASURES.map((measure) => [measure, values[measure] && mean(values[measure])])
        return { name, kind, model, ...(Object.fromEntries(means) as Record<Measure, number | null>) }
      }),
      pairs: await comparePairs(contestants, articles, { seed: o.seed, seen: wasTrainedOn(from) }),
    }
  } finally {
    shared.dispose()
    shared.chosen.dispose()
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
const ARGS = { options: withFields({ runs: words, data: optional(wordOrWords), say: optional(callback) }) }

/**
 * Compares runs and baselines in pairs, window by window, on one or more files, and writes comparison.json.
 *
 * Errors: BAD_OPTION for contestants that are not comparable, with the reason; those of load and of the data.
 */
export const compare = asyncDoor('compare', ARGS, async (options: CompareOptions): Promise<Compared> => {
  const { runs: names, data, say = () => {}, ...given } = options
  const o = resolve('compare', compareFields, given)
  if (names.length < 2 || new Set(names).size < names.length)
    throw badOption('compare', 'runs', 'two or more different runs or baselines', names)
  const baselines = await Promise.all(names.map(isBaseline))
  if (baselines.every(Boolean)) throw badOption('compare', 'runs', 'at least one run (its windows are evaluated)', names)
  const files = data === undefined ? [undefined] : [data].flat()
  const raw = []
  for (const file of files) raw.push(await compareOn(names, { ...o, data: file }, say))
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
