import type { HistoryRow } from '../../checkpoint/run-manifest.js'
import type { RunColours } from '../../page/palette.js'
import { count, decimal, plainName } from '../../show.js'
import { extremes } from '../../statistics/extremes.js'
import { descent } from '../../train/tested-rates.js'
import { lossText, short } from '../numbers.js'
import type { ReportedRun } from '../reported-runs.js'
import { references } from './baseline-lines.js'
import { likeGroups } from './comparison-figures.js'
import type { Axis, Figure } from './figure.js'
import { type Line, lines } from './line-chart.js'

const EPOCH: Axis = { title: 'Epoch', whole: true, show: String }
const STEP: Axis = { title: 'Optimizer step', whole: true, show: count, tick: count }
const MSE: Axis = { title: 'Loss', unit: 'MSE per dimension', show: lossText }
const COSINE: Axis = { title: 'Mean cosine', show: (x) => decimal(x) }
const LR: Axis = { title: 'Learning rate', show: (x) => x.toExponential(1), tick: (x) => (x === 0 ? '0' : x.toExponential(1)) }
const FOUND: Axis = { title: 'Top-10', unit: 'share of targets found', show: (x) => decimal(x, '', 3) }
const SPREAD: Axis = { title: 'Dispersion', unit: '1 − |mean|²', show: (x) => decimal(x, '', 3) }
const RANK: Axis = { title: 'Effective rank', show: (x) => x.toFixed(0) }
const NORM: Axis = { title: 'Gradient norm', unit: 'before clipping', show: (x) => short(x) }

type Key = Exclude<keyof HistoryRow, 'weights'>
const points = (history: readonly HistoryRow[], key: Key): (readonly [number, number])[] =>
  history.flatMap(({ epoch, [key]: value }) => (typeof value === 'number' ? [[epoch, value] as const] : []))

const lossAxis = (run: ReportedRun | undefined): Axis =>
  run?.config.loss === 'cosine'
    ? { title: 'Loss', unit: '1 − cosine', show: lossText }
    : String(run?.config.loss).endsWith('contrastive')
      ? { title: 'Loss', unit: String(run!.config.loss), show: (x) => decimal(x, '', 3) }
      : MSE

/** Returns the line of a run; a ring marks its best epoch. */
function line(run: ReportedRun, key: Key, group: number, more: Partial<Line> = {}): Line {
  const best = run.history.find(({ epoch }) => epoch === run.best_epoch)
  const mark = key.startsWith('val_') && typeof best?.[key] === 'number' ? { mark: [best.epoch, best[key]] as const } : {}
  return { name: run.run, group, points: points(run.history, key), ...mark, ...more }
}
const trained = (runs: readonly ReportedRun[]) => runs.filter(({ history }) => history.length > 0)

/** A larger ratio of largest and smallest value is drawn on a logarithmic axis. */
const WIDE = 8
/** A run whose largest value is this many times that of the median run has diverged: it may leave the plot. */
const FAR = 30

/** A baseline further below the curves is not drawn. Units: cosine. */
const NEAR = 0.03

/** Returns the baselines on the validation rows for cosine curves, if all runs were evaluated on the same windows. */
function baselinesOf(runs: readonly ReportedRun[], all: readonly Line[]) {
  const [group, other] = likeGroups(runs)
  if (other !== undefined || group?.length !== runs.length || group[0]!.rows !== 'val') return []
  const lowest = extremes(all.flatMap((l) => l.points.map(([, value]) => value))).least
  return references(group[0], 'cosine').filter(({ value }) => value > lowest - NEAR)
}

const valuesOf = (all: readonly Line[]) => all.flatMap((l) => l.points.map(([, value]) => value))

/** Marks the lines of diverged runs, so that they do not flatten the others. */
function spared(all: readonly Line[]): Line[] {
  const most = new Map<number, number>()
  for (const { group = 0, points } of all)
    for (const [, value] of points) most.set(group, Math.max(value, most.get(group) ?? value))
  const sorted = [...most.values()].sort((a, b) => a - b)
  const limit = FAR * (sorted[(sorted.length - 1) >> 1] ?? 0)
  return all.map((l) => (limit > 0 && most.get(l.group ?? 0)! > limit ? { ...l, far: true } : l))
}

/** Says what is drawn, and only that. */
function drawnNote(all: readonly Line[], more: readonly string[] = []): string {
  const dashed = all.some((l) => l.dashed === true && l.points.length > 0)
  return [
    ...(dashed ? ['solid: validation rows, dashed: a sample of the training rows in eval mode'] : []),
    ...more,
    ...(all.some(({ mark }) => mark) ? ['ring: best epoch'] : []),
    ...(all.some(({ points: [first] }) => first?.[0] === 0) ? ['epoch 0: untrained'] : []),
  ].join(' · ')
}

interface Curves {
  readonly name: string
  readonly title: string
  readonly y: Axis
  readonly note?: readonly string[]
}

/** Returns a figure of lines, on a logarithmic axis where their values differ widely. */
function plot(o: Curves, x: Axis, all: readonly Line[], note: string, references: ReturnType<typeof baselinesOf> = []): Figure[] {
  const lined = o.y === COSINE || o.y === LR ? all : spared(all)
  const { least: low, most: high } = extremes(valuesOf(lined.filter(({ far }) => far !== true)))
  const wide = o.y !== COSINE && low > 0 && high > WIDE * low
  if (valuesOf(lined).length === 0) return []
  return [lines({ name: o.name, title: o.title, note, x, y: { ...o.y, log: wide }, lines: lined, references })]
}

/** Returns the figure of one quantity by epoch for all runs. */
function curves(runs: readonly ReportedRun[], colours: RunColours, o: Curves, [main, dashed]: readonly [Key, Key?]): Figure[] {
  const all = trained(runs).flatMap((run) => {
    const group = colours.get(run.run) ?? 0
    return [
      line(run, main, group),
      ...(dashed ? [line(run, dashed, group, { dashed: true, quiet: true, name: `${run.run}, training` })] : []),
    ]
  })
  return plot(o, EPOCH, all, drawnNote(all, o.note), o.y === COSINE ? baselinesOf(trained(runs), all) : [])
}

/** Returns the figure of one quantity by step for all runs. */
function stepCurves(runs: readonly ReportedRun[], colours: RunColours, o: Curves, key: 'loss' | 'lr' | 'grad_norm'): Figure[] {
  const all = runs.map((run): Line => {
    const points = run.steps.flatMap(({ step, [key]: value }) => (value === null ? [] : [[step, value] as const]))
    return { name: run.run, group: colours.get(run.run) ?? 0, points }
  })
  return plot(o, STEP, all, (o.note ?? []).join(' · '))
}

const POOL = 'Top-10 of the validation targets in a fixed pool, without the rows that a window has read'
const WATCHED = 'at most 1,024 validation windows'
const AVERAGED = 'with dropout, means over the steps between two points'

/** Returns the training curves of all runs together. */
export function trainingFigures(runs: readonly ReportedRun[], colours: RunColours): Figure[] {
  const of = (name: string, title: string, y: Axis, note: readonly string[], ...keys: readonly [Key, Key?]) =>
    curves(runs, colours, { name, title, y, note }, keys)
  const by = (name: string, title: string, y: Axis, note: readonly string[], key: 'loss' | 'lr' | 'grad_norm') =>
    stepCurves(runs, colours, { name, title, y, note }, key)
  return [
    ...of('loss_curves', 'Loss during training', lossAxis(trained(runs)[0]), [], 'val_loss', 'train_loss'),
    ...of('cosine_curves', 'Mean cosine during training', COSINE, [], 'val_cosine', 'train_cosine'),
    ...by('loss_by_step', 'Training loss by step', lossAxis(trained(runs)[0]), [AVERAGED], 'loss'),
    ...by('gradient_norm_by_step', 'Gradient norm by step', NORM, ['means over the steps between two points'], 'grad_norm'),
    ...by('learning_rate_by_step', 'Learning rate by step', LR, [], 'lr'),
    ...of('top10_curves', 'Targets found during training', FOUND, [POOL], 'val_top10'),
    ...of('dispersion_curves', 'Dispersion of the predictions', SPREAD, [WATCHED], 'val_dispersion'),
    ...of('effective_rank_curves', 'Effective rank of the predictions', RANK, [WATCHED], 'val_effective_rank'),
    ...of('learning_rate', 'Learning rate by epoch', LR, ['at the last step of each epoch'], 'lr'),
    ...of('gradient_norm', 'Gradient norm by epoch', NORM, ['mean over the steps of each epoch'], 'grad_norm'),
  ]
}

/** Returns the share of targets that a run finds after each epoch, beside that of a random order. */
function foundFigure(run: ReportedRun, colour: number): Figure[] {
  const chance = run.history.find(({ val_top10_chance }) => val_top10_chance !== undefined)?.val_top10_chance
  if (chance === undefined) return []
  const all = [
    line(run, 'val_top10', colour, { name: 'Top-10' }),
    line(run, 'val_mrr', colour, { name: 'mean reciprocal rank', dashed: true }),
  ]
  const note = [POOL, ...(all.some(({ mark }) => mark) ? ['ring: best epoch'] : [])].join(' · ')
  const name = `${plainName(run.run)}_top10`
  const references = [{ name: 'chance', value: chance }]
  return [lines({ name, title: `${run.run}: targets found`, note, x: EPOCH, y: FOUND, lines: all, references })]
}

const RATE: Axis = {
  title: 'Learning rate of the step',
  log: true,
  show: (x) => x.toExponential(1),
  tick: (x) => x.toExponential(0),
}
const RELATIVE: Axis = {
  title: 'Loss',
  unit: 'share of that of the untrained model',
  show: (x) => decimal(x, '', 3),
  tick: (x) => short(x),
}
const DIVIDED = 'loss of each step divided by that of the untrained model on the same batch, mean over seven neighbouring rates'

/** Returns the point of a curve at a rate, between two of its points; none outside the curve. */
function between(
  points: readonly (readonly [rate: number, value: number])[],
  rate: number,
): readonly [number, number] | undefined {
  const at = points.findIndex(([x]) => x >= rate)
  const [before, after] = [points[at - 1], points[at]]
  if (before === undefined) return after?.[0] === rate ? after : undefined
  const share = Math.log(rate / before[0]) / Math.log(after![0] / before[0])
  return [rate, before[1] + share * (after![1] - before[1])]
}

/** Returns the curve of the range test that chose the learning rate, with a ring at the chosen rate. */
function rateTestFigure({ run, lr_test }: ReportedRun, colour: number): Figure[] {
  if (lr_test === null || lr_test.curve.length === 0) return []
  const { lr, curve, diverged } = lr_test
  const points = descent(curve).map((log, i) => [curve[i]!.lr, Math.exp(log)] as const)
  const ring = between(points, lr)
  const last = `the last point is at ${RATE.show!(points.at(-1)![0])}: the loss of the next step was not finite`
  const note = [DIVIDED, ...(ring ? [`ring: the rate that is used, ${lr}`] : []), ...(diverged ? [last] : [])].join(' · ')
  const curves = { name: `${plainName(run)}_learning_rate_test`, title: `${run}: test of learning rates`, y: RELATIVE }
  return plot(curves, RATE, [{ name: 'loss', group: colour, points, ...(ring && { mark: ring }) }], note)
}

/** Returns the training curves of one run. */
export function runFigures(run: ReportedRun, colour: number): Figure[] {
  if (run.history.length === 0) return rateTestFigure(run, colour)
  const of = (what: string, title: string, y: Axis): Curves => ({
    name: `${plainName(run.run)}_${what}`,
    title: `${run.run}: ${title}`,
    y,
  })
  const pair = (main: Key, dashed: Key) => [
    line(run, main, colour, { name: 'validation' }),
    line(run, dashed, colour, { dashed: true, name: 'training' }),
  ]
  const alone = (key: Key, name: string) => [line(run, key, colour, { name })]
  const losses = pair('val_loss', 'train_loss')
  const cosines = pair('val_cosine', 'train_cosine')
  return [
    ...plot(of('loss', 'loss', lossAxis(run)), EPOCH, losses, drawnNote(losses)),
    ...plot(of('cosine', 'mean cosine', COSINE), EPOCH, cosines, drawnNote(cosines), baselinesOf([run], cosines)),
    ...foundFigure(run, colour),
    ...plot(of('learning_rate', 'learning rate', LR), EPOCH, alone('lr', 'learning rate'), 'at the last step of each epoch'),
    ...plot(
      of('gradient_norm', 'gradient norm', NORM),
      EPOCH,
      alone('grad_norm', 'gradient norm'),
      'mean over the steps of each epoch',
    ),
    ...rateTestFigure(run, colour),
  ]
}
