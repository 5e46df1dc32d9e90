import { rowsKey } from '../../data/content-hash.js'
import type { OutsideEntry, RunEntry } from '../../evaluate/results-file.js'
import { contextsText, rowsText } from '../../evaluate/results-table.js'
import { trainedOnNote } from '../../evaluate/trained-on.js'
import type { RunColours } from '../../page/palette.js'
import { counted, decimal, duration, millions } from '../../show.js'
import { lossText } from '../numbers.js'
import type { ReportedRun } from '../reported-runs.js'
import { wasBusy } from '../timings.js'
import { bars } from './bar-chart.js'
import { references } from './baseline-lines.js'
import type { Axis, Figure } from './figure.js'
import { scatter } from './scatter-plot.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => decimal(x) }
const MSE: Axis = { title: 'Loss', unit: 'MSE per dimension', show: lossText }
const PARAMETERS: Axis = { title: 'Parameters', log: true, show: millions }

const [MINUTE, HOUR] = [60, 3600]
/** Ticks of an axis of times, in steps that people read as times. Units: s. */
const TIMES = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
  ...[1, 2, 5, 10, 30].map((n) => n * MINUTE),
  ...[1, 2, 5, 10, 24, 48, 120, 240].map((n) => n * HOUR),
]
const timeTick = (s: number) =>
  s < MINUTE ? `${decimal(s, '', s < 1 ? 1 : 0)} s` : s < HOUR ? `${Math.round(s / MINUTE)} min` : `${Math.round(s / HOUR)} h`
const TIME: Axis = { title: 'Time to train', log: true, show: duration, ticks: TIMES, tick: timeTick }

/** Describes the windows, intervals and selection behind entries in one line. */
export function basis(entries: readonly (RunEntry | OutsideEntry)[]): string {
  const [first] = entries
  if (first === undefined) return ''
  const articles = `${counted(first.articles, 'article')}`
  return [
    `${rowsText(first)}: ${counted(first.n, 'window')} of ${articles}${contextsText(first)}`,
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
    const key = JSON.stringify([
      rowsKey(validation.data),
      validation.rows,
      validation.n,
      validation.trained_on,
      validation.baselines,
    ])
    groups.set(key, [...(groups.get(key) ?? []), validation])
  }
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

/** Returns bar charts and scatter plots over the runs of one group. */
function groupFigures(entries: readonly RunEntry[], suffix: string, colours: RunColours, busy: ReadonlySet<string>): Figure[] {
  const note = basis(entries)
  const loss = entries.every((e) => e.mse_raw !== null) ? ('mse_raw' as const) : ('mse_unit' as const)
  const lossNote = `${note} · ${loss === 'mse_raw' ? 'of the raw outputs' : 'of the outputs at length 1'}`
  const baselines = (key: 'cosine' | 'mse_raw' | 'mse_unit') =>
    references(entries[0], key).map((reference) => ({ ...reference, baseline: true }))
  const named = baselines('cosine').length === 0 ? '' : ' · grey: baselines'
  const group = (e: RunEntry) => colours.get(e.run) ?? 0
  const cosines = [
    ...entries.map((e) => ({ name: e.run, value: e.cosine.mean, ci95: e.cosine.ci95, group: group(e) })),
    ...baselines('cosine'),
  ]
  const losses = [...entries.map((e) => ({ name: e.run, value: e[loss]!, group: group(e) })), ...baselines(loss)]
  const dots = (x: (e: RunEntry) => number | null, hollow = (_: RunEntry) => false) =>
    entries.flatMap((e) => {
      const at = x(e)
      return at === null || at <= 0
        ? []
        : [{ name: e.run, x: at, y: e.cosine.mean, ci95: e.cosine.ci95, run: group(e), hollow: hollow(e) }]
    })
  const lines = references(entries[0], 'cosine').toSorted((a, b) => b.value - a.value)
  const near = lines.filter(({ value }) => value > Math.min(...entries.map((e) => e.cosine.mean)) - 0.15)
  const against = (name: string, title: string, x: Axis, points: ReturnType<typeof dots>, more = ''): Figure[] =>
    points.length === 0
      ? []
      : [scatter({ name: name + suffix, title, note: `${note}${more}`, x, y: COSINE, points, references: near })]
  const times = dots(
    (e) => e.train_seconds,
    (e) => busy.has(e.run),
  )
  return [
    bars({
      name: `loss_comparison${suffix}`,
      title: 'Loss by model, the lowest first',
      note: lossNote + named,
      value: MSE,
      bars: losses.toSorted((a, b) => a.value - b.value),
    }),
    bars({
      name: `cosine_comparison${suffix}`,
      title: 'Mean cosine by model, the highest first',
      note: note + named,
      value: COSINE,
      bars: cosines.toSorted((a, b) => b.value - a.value),
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
      times,
      times.some(({ hollow }) => hollow) ? ' · hollow: measured on a busy machine, so the time is too long' : '',
    ),
  ]
}

/** Returns one set of comparison figures for each group of runs on the same windows. */
export function comparisonFigures(runs: readonly ReportedRun[], colours: RunColours): Figure[] {
  const busy = new Set(runs.filter(wasBusy).map(({ run }) => run))
  return likeGroups(runs).flatMap((entries, i) => groupFigures(entries, i === 0 ? '' : `_${i + 1}`, colours, busy))
}
