import type { HistoryRow } from '../../checkpoint/run-manifest.js'
import { mse, plainName } from '../../show.js'
import { extremes } from '../../statistics/extremes.js'
import type { ReportedRun } from '../reported-runs.js'
import { references } from './baseline-lines.js'
import { likeGroups } from './comparison-figures.js'
import type { Axis, Figure } from './figure.js'
import { type Line, lines } from './line-chart.js'

const EPOCH: Axis = { title: 'Epoch', whole: true, show: String }
const MSE: Axis = { title: 'Loss', unit: 'MSE per dimension', show: mse }
const COSINE: Axis = { title: 'Mean cosine', show: (x) => x.toFixed(4) }
const LR: Axis = { title: 'Learning rate', show: (x) => x.toExponential(1), tick: (x) => (x === 0 ? '0' : x.toExponential(1)) }
const FOUND: Axis = { title: 'Top-10', unit: 'share of targets found', show: (x) => x.toFixed(3) }
const SPREAD: Axis = { title: 'Dispersion', unit: '1 − |mean|²', show: (x) => x.toFixed(3) }
const RANK: Axis = { title: 'Effective rank', show: (x) => x.toFixed(0) }
const NORM: Axis = {
  title: 'Gradient norm',
  unit: 'before clipping, mean of the epoch',
  show: (x) => String(Number(x.toPrecision(3))),
}

type Key = Exclude<keyof HistoryRow, 'weights'>
const points = (history: readonly HistoryRow[], key: Key): (readonly [number, number])[] =>
  history.flatMap(({ epoch, [key]: value }) => (typeof value === 'number' ? [[epoch, value] as const] : []))

const lossAxis = (run: ReportedRun | undefined): Axis =>
  run?.config.loss === 'cosine'
    ? { title: 'Loss', unit: '1 − cosine', show: mse }
    : String(run?.config.loss).endsWith('contrastive')
      ? { title: 'Loss', unit: String(run!.config.loss), show: (x) => x.toFixed(3) }
      : MSE

/** Returns the line of a run; a ring marks its best epoch. */
function line(run: ReportedRun, key: Key, group: number, more: Partial<Line> = {}): Line {
  const best = run.history.find(({ epoch }) => epoch === run.best_epoch)
  const mark = key.startsWith('val_') && best ? { mark: [best.epoch, best[key] as number] as const } : {}
  return { name: run.run, group, points: points(run.history, key), ...mark, ...more }
}
const trained = (runs: readonly ReportedRun[]) => runs.filter(({ history }) => history.length > 0)

/** A larger ratio of largest and smallest value is drawn on a logarithmic axis. */
const WIDE = 8

/** A baseline further below the curves is not drawn. Units: cosine. */
const NEAR = 0.03

/** Returns the baselines on the validation rows for cosine curves, if all runs were evaluated on the same windows. */
function baselinesOf(runs: readonly ReportedRun[], all: readonly Line[]) {
  const [group, other] = likeGroups(runs)
  if (other !== undefined || group?.length !== runs.length || group[0]!.rows !== 'val') return []
  const lowest = extremes(all.flatMap((l) => l.points.map(([, value]) => value))).least
  return references(group[0], 'cosine').filter(({ value }) => value > lowest - NEAR)
}

/** Returns the figure of one quantity for all runs. */
function curves(
  runs: readonly ReportedRun[],
  name: string,
  title: string,
  note: string,
  y: Axis,
  keys: readonly [Key, Key?],
): Figure[] {
  const all = trained(runs).flatMap((run, i) => {
    const [main, dashed] = keys
    return [
      line(run, main, i),
      ...(dashed ? [line(run, dashed, i, { dashed: true, quiet: true, name: `${run.run}, training` })] : []),
    ]
  })
  const values = all.flatMap((l) => l.points.map(([, value]) => value))
  const { least: low, most: high } = extremes(values)
  const wide = y !== COSINE && low > 0 && high > WIDE * low
  const known = y === COSINE ? { references: baselinesOf(trained(runs), all) } : {}
  return values.length > 0 ? [lines({ name, title, note, x: EPOCH, y: { ...y, log: wide }, lines: all, ...known })] : []
}

const BOTH = 'solid: validation rows, dashed: a sample of the training rows in eval mode · ring: best epoch · epoch 0: untrained'

const POOL = 'Top-10 of the validation targets in a fixed pool, without the rows that a window has read · ring: best epoch'
const WATCHED = 'at most 1,024 validation windows · ring: best epoch'

/** Returns the training curves of all runs together. */
export const trainingFigures = (runs: readonly ReportedRun[]): Figure[] => [
  ...curves(runs, 'loss_curves', 'Loss during training', BOTH, lossAxis(trained(runs)[0]), ['val_loss', 'train_loss']),
  ...curves(runs, 'cosine_curves', 'Mean cosine during training', BOTH, COSINE, ['val_cosine', 'train_cosine']),
  ...curves(runs, 'top10_curves', 'Targets found during training', POOL, FOUND, ['val_top10']),
  ...curves(runs, 'dispersion_curves', 'Dispersion of the predictions', WATCHED, SPREAD, ['val_dispersion']),
  ...curves(runs, 'effective_rank_curves', 'Effective rank of the predictions', WATCHED, RANK, ['val_effective_rank']),
  ...curves(runs, 'learning_rate', 'Learning rate', 'at the last step of each epoch', LR, ['lr']),
  ...curves(runs, 'gradient_norm', 'Gradient norm', 'mean over the steps of each epoch', NORM, ['grad_norm']),
]

/** Returns the share of targets that a run finds after each epoch, beside that of a random order. */
function foundFigure(run: ReportedRun): Figure[] {
  const chance = run.history.find(({ val_top10_chance }) => val_top10_chance !== undefined)?.val_top10_chance
  if (chance === undefined) return []
  return [
    lines({
      name: `${plainName(run.run)}_top10`,
      title: `${run.run}: targets found`,
      note: POOL,
      x: EPOCH,
      y: FOUND,
      lines: [line(run, 'val_top10', 0, { name: 'Top-10' }), line(run, 'val_mrr', 1, { name: 'mean reciprocal rank' })],
      references: [{ name: 'chance', value: chance }],
    }),
  ]
}

/** Returns the training curves of one run. */
export function runFigures(run: ReportedRun): Figure[] {
  if (run.history.length === 0) return []
  const name = (what: string) => `${plainName(run.run)}_${what}`
  const pair = (main: Key, dashed: Key) => [
    line(run, main, 0, { name: 'validation' }),
    line(run, dashed, 1, { dashed: true, name: 'training' }),
  ]
  const title = (what: string) => `${run.run}: ${what}`
  const cosines = pair('val_cosine', 'train_cosine')
  return [
    lines({
      name: name('loss'),
      title: title('loss'),
      note: BOTH,
      x: EPOCH,
      y: lossAxis(run),
      lines: pair('val_loss', 'train_loss'),
    }),
    lines({
      name: name('cosine'),
      title: title('mean cosine'),
      note: BOTH,
      x: EPOCH,
      y: COSINE,
      lines: cosines,
      references: baselinesOf([run], cosines),
    }),
    ...foundFigure(run),
    lines({
      name: name('learning_rate'),
      title: title('learning rate'),
      x: EPOCH,
      y: LR,
      lines: [line(run, 'lr', 0, { name: 'learning rate' })],
    }),
    lines({
      name: name('gradient_norm'),
      title: title('gradient norm'),
      x: EPOCH,
      y: NORM,
      lines: [line(run, 'grad_norm', 0, { name: 'gradient norm' })],
    }),
  ].filter(({ data }) => data.rows.length > 0)
}
