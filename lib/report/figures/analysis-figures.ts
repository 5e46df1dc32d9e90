import { count, counted, decimal, NONE, plainName } from '../../show.js'
import { describe, quantile } from '../../statistics/estimates.js'
import type { Analysis } from '../../study/analysis/analysis-entry.js'
import { lossText } from '../numbers.js'
import { bars } from './bar-chart.js'
import { type Box, boxes } from './box-plot.js'
import type { Axis, Figure } from './figure.js'
import { heatMap } from './heat-map.js'
import { binned, histogram } from './histogram-chart.js'
import { scatter } from './scatter-plot.js'

/** One window of analysis/<run>.csv, as strings. */
export type Sample = Readonly<Record<string, string>>

const COSINE: Axis = { title: 'Mean cosine', show: (x) => decimal(x) }
const ERROR: Axis = { title: 'Error', unit: '1 − cosine', show: (x) => decimal(x) }
const MSE: Axis = { title: 'Error', unit: 'MSE per dimension', show: lossText }
const GROUPS = 5
/** Most pairs of points that are joined; more lines would hide the points. */
const PAIRS = 600
/** Most points of a scatter plot; more would only overlap. */
const MOST = 2000

const numbers = (samples: readonly Sample[], column: string): number[] => samples.map((s) => Number(s[column]))
const known = (samples: readonly Sample[], ...columns: string[]) =>
  samples.filter((s) => columns.every((c) => (s[c] ?? '') !== ''))
const spaced = <T>(list: readonly T[], most: number): T[] =>
  list.length <= most ? [...list] : Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!)
const shorten = (text: string) => (text.length > 26 ? `${text.slice(0, 25)}…` : text)

/** Returns box plots of the error for five groups of equally many windows, by article length. */
function byLength(samples: readonly Sample[]): Box[] {
  const sorted = known(samples, 'length').toSorted((a, b) => Number(a.length) - Number(b.length))
  const lengths = Float64Array.from(numbers(sorted, 'length'))
  const edges = [...new Set(Array.from({ length: GROUPS - 1 }, (_, i) => quantile(lengths, (i + 1) / GROUPS)))]
  const groups = Array.from({ length: edges.length + 1 }, () => [] as Sample[])
  for (const s of sorted) groups[edges.filter((edge) => Number(s.length) > edge).length]!.push(s)
  return groups
    .filter((group) => group.length > 0)
    .map((group): Box => {
      const errors = Float64Array.from(numbers(group, 'cosine'), (c) => 1 - c).sort()
      const [q1, median, q3] = [0.25, 0.5, 0.75].map((p) => quantile(errors, p)) as [number, number, number]
      const reach = 1.5 * (q3 - q1)
      const inside = errors.filter((e) => e >= q1 - reach && e <= q3 + reach)
      const ends = numbers([group[0]!, group.at(-1)!], 'length')
      return {
        name: ends[0] === ends[1] ? String(ends[0]) : `${ends[0]} to ${ends[1]}`,
        low: inside[0]!,
        q1,
        median,
        q3,
        high: inside.at(-1)!,
        n: group.length,
      }
    })
}

/** Returns the figures of a run in error_analysis.json and its CSV file. */
export function analysisFigures(entry: Analysis, samples: readonly Sample[], colour: number): Figure[] {
  const { run, clusters, confusion, agreement, projection } = entry
  const slug = plainName(run)
  const judged = samples.filter((s) => s.set === undefined || s.set === 'judged')
  const note = `${run} · ${counted(entry.n, 'window')}, ${entry.rows} rows · seed ${entry.seed}`
  const errors = numbers(judged, 'mse')
  const names = clusters.map(({ name }, i) => shorten(`${i} ${name}`))
  const totals = confusion.map((row) => row.reduce((a, b) => a + b, 0))
  const placed = known(judged, 'x', 'y', 'predicted_x', 'predicted_y')
  const compared = known(judged, 'similarity')
  const shown = (entry.by_category ?? []).toSorted((a, b) => b.cosine.mean - a.cosine.mean).slice(0, 20)
  const joined = placed.length > 0 && placed.length <= PAIRS
  return [
    ...(clusters.length === 0
      ? []
      : [
          heatMap({
            name: `confusion_${slug}`,
            title: 'Cluster of the target and of the prediction',
            note: `${note} · share of each row · agreement ${decimal(agreement.value, '', 2)}, by chance ${decimal(agreement.chance, '', 2)}, κ ${decimal(agreement.kappa, '', 2)}`,
            rows: names,
            columns: names,
            rowTitle: 'Target',
            columnTitle: 'Prediction',
            values: confusion.map((row, i) => row.map((n) => (totals[i] === 0 ? null : n / totals[i]!))),
            value: { title: 'Share', show: (x) => (x < 0.005 ? '' : decimal(x, '', 2)) },
          }),
        ]),
    ...(placed.length === 0
      ? []
      : [
          scatter({
            name: `${projection.method}_${slug}`,
            title: `Targets and predictions in a plane (${projection.method === 'tsne' ? 't-SNE' : 'UMAP'})`,
            note: `${note} · ${count(placed.length)} of each, projected together${joined ? ' · a line joins a prediction to its target' : ''} · only neighbourhoods are meaningful, not distances`,
            x: { title: 'first direction' },
            y: { title: 'second direction' },
            bare: true,
            groups: ['target', 'prediction'],
            colour: { title: '1 − cosine', show: (x) => decimal(x, '', 2) },
            ...(joined && { pairs: placed.map((_, i) => [2 * i, 2 * i + 1] as const) }),
            points: placed.flatMap((s) => {
              const value = 1 - Number(s.cosine)
              return [
                { x: Number(s.x), y: Number(s.y), group: 0, value, tip: `target of row ${s.row}: error ${decimal(value)}` },
                {
                  x: Number(s.predicted_x),
                  y: Number(s.predicted_y),
                  group: 1,
                  value,
                  tip: `prediction for row ${s.row}: error ${decimal(value)}`,
                },
              ]
            }),
          }),
        ]),
    ...(errors.length === 0
      ? []
      : [
          histogram({
            name: `error_histogram_${slug}`,
            title: 'Error by window',
            note,
            x: MSE,
            what: 'windows',
            run: colour,
            bins: binned(errors),
            references: (['mean', 'median'] as const).map((name) => ({ name, value: describe(Float64Array.from(errors))[name] })),
          }),
        ]),
    ...(known(judged, 'length').length === 0
      ? []
      : [
          boxes({
            name: `error_by_length_${slug}`,
            title: 'Error by article length',
            note: `${note} · box: middle half, line: median, whiskers: within 1.5 of its height`,
            x: { title: 'Vectors in the article' },
            y: ERROR,
            boxes: byLength(judged),
            run: colour,
          }),
        ]),
    ...(compared.length === 0
      ? []
      : [
          scatter({
            name: `error_vs_similarity_${slug}`,
            title: 'Error and similarity to the training data',
            note: `${note} · correlation of cosine and similarity ${entry.similarity_correlation === null ? NONE : decimal(entry.similarity_correlation, '', 2)}${compared.length > MOST ? ` · ${count(MOST)} of ${counted(compared.length, 'window')} drawn` : ''}`,
            x: { title: 'Cosine of the target with the nearest training vector', show: (x) => decimal(x, '', 2) },
            y: ERROR,
            points: spaced(compared, MOST).map((s) => ({
              x: Number(s.similarity),
              y: 1 - Number(s.cosine),
              run: colour,
              tip: `row ${s.row}: similarity ${decimal(Number(s.similarity))}, error ${decimal(1 - Number(s.cosine))}`,
            })),
          }),
        ]),
    ...(shown.length === 0
      ? []
      : [
          bars({
            name: `cosine_by_category_${slug}`,
            title: 'Mean cosine by article category',
            note: `${note}${shown.some(({ cosine }) => cosine.ci95) ? ' · 95 % intervals by article, with 20 or more articles' : ''}`,
            value: COSINE,
            bars: shown.map((b) => ({ name: shorten(b.label), value: b.cosine.mean, ci95: b.cosine.ci95, group: colour })),
          }),
        ]),
  ]
}
