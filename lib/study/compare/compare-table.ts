import { historyNote, trainedOnNote } from '../../evaluate/trained-on.js'
import { aligned, counted, decimal, pValue, signedDecimal, span } from '../../show.js'
import type { Comparison, ComparisonDocument } from './comparison.js'
import type { Difference } from './pairs.js'
import { MEASURES, type Measure } from './shared-windows.js'

const TITLES: Readonly<Record<Measure, string>> = { cosine: 'cosine', cosine_centred: 'centred', top10: 'Top-10' }
const figure = (value: number | null) => (value === null ? '–' : decimal(value))
/** A p value; 10,000 sign flips resolve it to four decimals. */
const p = (value: number | null) => (value === null ? '–' : pValue(value))

function outcome({ verdict }: Difference, a: string, b: string): string {
  if (verdict === 'tie') return 'tie'
  if (verdict === 'none') return 'no verdict'
  return verdict === 'unknown' ? 'too few articles' : `${verdict === 'a' ? a : b} is better`
}

function section(c: Comparison): string {
  const rows = c.folds === null ? `${c.rows} rows` : `held out over ${c.folds.length} folds`
  const title = `${counted(c.n, 'window')} of ${counted(c.articles, 'article')}${historyNote(c)} · ${rows} of ${c.data.path}`
  const pool = `pool of ${counted(c.bank.rows - c.excluded, 'row')} of ${c.bank.path}, context left out`
  const figures = c.contestants.map((one) => [one.name, ...MEASURES.map((measure) => figure(one[measure]))])
  const differences = c.pairs.flatMap(({ a, b, ...measured }) =>
    MEASURES.flatMap((measure) => {
      const d = measured[measure]
      if (d === null) return []
      const least = d.minimum_detectable === null ? '–' : `±${decimal(d.minimum_detectable)}`
      const cells = [signedDecimal(d.difference), span(d.ci95, signedDecimal), p(d.p), p(d.p_adjusted), least, outcome(d, a, b)]
      return [[`${a} − ${b}`, TITLES[measure], ...cells]]
    }),
  )
  return [
    [title, pool, ...trainedOnNote(c)].join('\n'),
    aligned([['', ...Object.values(TITLES)], ...figures]),
    aligned([['difference', '', '', '95 %', 'p', 'adjusted', 'detectable', ''], ...differences]),
    `training seeds: ${c.seeds_note}`,
    ...c.contestants
      .filter((one) => one.trained_on === null)
      .map(({ name }) => `${name}: whether it was trained on these windows is not known`),
    ...(c.ci95_note === null ? [] : [`no interval: ${c.ci95_note}`]),
    ...(c.top10_note === null ? [] : [`no Top-10: ${c.top10_note}`]),
    ...(c.split?.leaky ? ['leaky: windows were split at random; every figure is too good'] : []),
    ...(c.selected_on ? ['selected on: the best epochs were chosen on these rows'] : []),
  ].join('\n\n')
}

/** Tables of all comparisons for the terminal. */
export const renderComparison = ({ comparisons }: ComparisonDocument): string =>
  [
    ...comparisons.map(section),
    'p: sign flips of whole articles; adjusted: Benjamini-Hochberg over all pairs here; detectable: smallest true difference that these windows detect with a power of 80 %',
  ].join('\n\n\n')
