import type { OutsideEntry, RunEntry } from '../../evaluate/results-file.js'
import { trainedOnNote } from '../../evaluate/trained-on.js'
import { count, duration, millions, mse } from '../../show.js'
import type { ReportedRun } from '../reported-runs.js'
import { bars } from './bar-chart.js'
import { references } from './baseline-lines.js'
import type { Axis, Figure } from './figure.js'
import { scatter } from './scatter-plot.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => x.toFixed(4).replace(/^(-?)0/, '$1') }
const MSE: Axis = { title: 'Loss', unit: 'MSE per dimension', show: mse }
const PARAMETERS: Axis = { title: 'Parameters', log: true, show: millions }
const TIME: Axis = { title: 'Time to train', log: true, show: duration }

/** Names the part of the split, or the number of folds. */
export const rowsText = ({ rows, folds }: RunEntry | OutsideEntry): string =>
  folds === undefined ? `${rows} rows` : `held out over ${folds.count} folds`

/** Describes the windows, intervals and selection behind entries in one line. */
export function basis(entries: readonly (RunEntry | OutsideEntry)[]): string {
  const [first] = entries
  if (first === undefined) return ''
  const articles = `${count(first.articles)} article${first.articles === 1 ? '' : 's'}`
  return [
    `${rowsText(first)}: ${count(first.n)} windows of ${articles}`,
    first.ci95_note === null ? '95 % intervals by article' : `no intervals: ${first.ci95_note}`,
    ...trainedOnNote(first),
    ...(entries.some((e) => e.selected_on) ? ['the best epoch was chosen on these rows'] : []),
    ...(entries.some((e) => e.split?.leaky) ? ['LEAKY split'] : []),
  ].join(' · ')
}

/** Groups entries that were evaluated on the same windows, the largest group first; only entries of a group can be compared. */
export function likeGroups(runs: readonly ReportedRun[]): RunEntry[][] {
  const groups = new Map<string, RunEntry[]>()
  for (const { validation } of runs) {
    if (validation === null) continue
    const key = JSON.stringify([validation.data.hash, validation.rows, validation.n, validation.trained_on, validation.baselines])
    groups.set(key, [...(groups.get(key) ?? []), validation])
  }
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

/** Returns bar charts and scatter plots over the runs of one group. */
function groupFigures(entries: readonly RunEntry[], suffix: string): Figure[] {
  const note = basis(entries)
  const loss = entries.every((e) => e.mse_raw !== null) ? ('mse_raw' as const) : ('mse_unit' as const)
  const lossNote = `${note} · ${loss === 'mse_raw' ? 'of the raw outputs' : 'of the outputs at length 1'}`
  const cosines = entries.map((e) => ({ name: e.run, value: e.cosine.mean, ci95: e.cosine.ci95 }))
  const dots = (x: (e: RunEntry) => number | null) =>
    entries.flatMap((e) => {
      const at = x(e)
      return at === null || at <= 0 ? [] : [{ name: e.run, x: at, y: e.cosine.mean, ci95: e.cosine.ci95 }]
    })
  const lines = references(entries[0], 'cosine')
  const near = lines.filter(({ value }) => value > Math.min(...entries.map((e) => e.cosine.mean)) - 0.15)
  const against = (name: string, title: string, x: Axis, points: ReturnType<typeof dots>): Figure[] =>
    points.length === 0 ? [] : [scatter({ name: name + suffix, title, note, x, y: COSINE, points, references: near })]
  return [
    bars({
      name: `loss_comparison${suffix}`,
      title: 'Loss by model',
      note: lossNote,
      value: MSE,
      bars: entries.map((e) => ({ name: e.run, value: e[loss]! })),
      references: references(entries[0], loss).filter(({ value }) => value < 2 * Math.max(...entries.map((e) => e[loss]!))),
    }),
    bars({
      name: `cosine_comparison${suffix}`,
      title: 'Mean cosine by model',
      note,
      value: COSINE,
      bars: cosines,
      references: lines,
    }),
    ...against(
      'params_vs_performance',
      'Parameters and performance',
      PARAMETERS,
      dots((e) => e.parameters),
    ),
    ...against(
      'time_vs_performance',
      'Training time and performance',
      TIME,
      dots((e) => e.train_seconds),
    ),
  ]
}

/** Returns one set of comparison figures for each group of runs on the same windows. */
export const comparisonFigures = (runs: readonly ReportedRun[]): Figure[] =>
  likeGroups(runs).flatMap((entries, i) => groupFigures(entries, i === 0 ? '' : `_${i + 1}`))
