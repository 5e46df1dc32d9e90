import { beyondPlan } from '../lib/checkpoint/run-manifest.js'
import { readsOf } from '../lib/checkpoint/trained-contexts.js'
import type { TrainEvent } from '../lib/index.js'
import { busyNotes, isBusy } from '../lib/libtorch/cpu-share.js'
import { bytes, count, counted, duration, shellWord, terminalText } from '../lib/show.js'
import { hasColour } from './colour.js'
import { program } from './command-line.js'
import { muteLine } from './live-line.js'
import { nearby } from './output.js'
import { rateTested, testing } from './rate-chart.js'
import { sizesTested } from './size-table.js'

type Of<Type extends TrainEvent['type']> = Extract<TrainEvent, { type: Type }>

/** Output device of the progress display. */
export interface Screen {
  readonly write: (text: string) => void
  /** Whether a line can be overwritten. */
  readonly live: boolean
  readonly columns: () => number
  readonly colour: boolean
}

const NONE = '–'
/** Marks the time of an epoch that was measured on a busy machine. */
const BUSY = '*'
/** Formats a loss with six decimals, or with an exponent below 1e-4. */
const loss = (value: number | null) => (value === null ? NONE : value < 1e-4 ? value.toExponential(2) : value.toFixed(6))
const cosine = (value: number | null) => value?.toFixed(4) ?? NONE

/** Column of the table of epochs: title, width and cell. */
type Column = readonly [string, number, (e: Of<'epoch'>) => string]
const TARGETS: Column = ['targets/s', 9, (e) => (e.targets_per_second ? count(e.targets_per_second) : NONE)]
const WEIGHTS: Column = ['weights', 7, ({ weights = NONE }) => weights]
const COLUMNS: readonly Column[] = [
  ['epoch', 5, (e) => String(e.epoch)],
  ['train loss', 10, (e) => loss(e.train_loss)],
  ['val loss', 9, (e) => loss(e.val_loss)],
  ['val cosine', 10, (e) => cosine(e.val_cosine)],
  ['lr', 7, (e) => e.lr.toExponential(1)],
  ['grad norm', 9, (e) => e.grad_norm?.toExponential(2) ?? NONE],
  ['seconds', 7, (e) => `${e.seconds.toFixed(1)}${isBusy(e.cpu_share) ? BUSY : ''}`],
  ['samples/s', 9, (e) => (e.samples_per_second ? count(e.samples_per_second) : NONE)],
  ['best', 4, (e) => (e.best ? '★' : '')],
]
/** Columns of epochs that rank the validation targets. */
const RANKED: readonly Column[] = [
  ['val top-10', 10, (e) => cosine(e.val_top10 ?? null)],
  ['val mrr', 7, (e) => cosine(e.val_mrr ?? null)],
]
/** Adds columns for ranks, for the targets of the objective "sequence", and for the better weights (raw or averaged). */
const allColumns = (e: Of<'epoch'>): readonly Column[] => [
  ...COLUMNS.slice(0, 4),
  ...(e.val_top10 === undefined ? [] : RANKED),
  ...COLUMNS.slice(4, -1),
  ...(e.targets_per_second === undefined ? [] : [TARGETS]),
  ...(e.weights === undefined ? [] : [WEIGHTS]),
  ...COLUMNS.slice(-1),
]
/** Columns that a narrow terminal leaves out, the first one first; the history of the run keeps their figures. */
const LEAST = ['grad norm', 'samples/s', 'lr', 'targets/s', 'weights', 'val mrr', 'train loss']
/** Columns that fit a width. */
function columnsOf(e: Of<'epoch'>, width: number): readonly Column[] {
  let columns = allColumns(e)
  const total = () => columns.reduce((sum, [, wide]) => sum + wide + 2, -2)
  for (const least of LEAST) if (total() >= width) columns = columns.filter(([title]) => title !== least)
  return columns
}
const line = (e: Of<'epoch'>, width: number, text: (column: (typeof COLUMNS)[number]) => string) =>
  columnsOf(e, width)
    .map((column) => text(column).padStart(column[1]))
    .join('  ')
    .trimEnd()

/** Row of column titles. */
export const header = (e: Of<'epoch'>, width = Number.POSITIVE_INFINITY): string => line(e, width, ([title]) => title)
/** Row of one finished epoch, aligned with the titles. */
export const row = (e: Of<'epoch'>, width = Number.POSITIVE_INFINITY): string => line(e, width, ([, , cell]) => cell(e))

/** Size of the pool in which an epoch's targets are ranked, and the chance level. */
const pool = ({ val_pool = 0, val_top10_chance = 0 }: Of<'epoch'>) =>
  `top-10 among ${counted(Math.round(val_pool), 'row')}, without what a window has read; chance: ${val_top10_chance.toFixed(4)}`

/** Progress line of a step: its figures, and a bar where the line has room for one. */
export function bar(e: Of<'progress'>, latest: number | undefined, columns: number): string {
  const part = e.steps === 0 ? 0 : Math.min(1, e.step / e.steps)
  const epoch = `epoch ${e.epoch}/${e.epochs}`
  const figures = [
    `${String(Math.floor(100 * part)).padStart(3)} %`,
    `loss ${loss(e.loss)}`,
    ...(latest === undefined ? [] : [`cosine ${cosine(latest)}`]),
    `lr ${e.lr.toExponential(1)}`,
    `${count(e.samples_per_second)}/s`,
    `${duration(e.seconds_left)} left`,
  ].join('  ')
  const room = Math.min(24, columns - epoch.length - figures.length - 5)
  const filled = Math.round(part * room)
  const drawn = room < 4 ? [epoch, figures] : [epoch, '█'.repeat(filled) + '░'.repeat(room - filled), figures]
  return drawn.join('  ').slice(0, Math.max(1, columns - 1))
}

/** Model, data, split and run of a training, before its first step. */
export function opening(e: Of<'start'>): string {
  const { data, split, estimate, extended } = e
  const once =
    e.batch_vectors === undefined
      ? 'every vector of a context is a target'
      : `each article is read once for all its targets, about ${counted(e.batch_vectors, 'vector')} in a batch`
  return [
    `${e.resumed ? 'resuming' : 'training'} ${e.model} · ${count(e.parameters)} parameters${e.trainable_parameters < e.parameters ? `, ${count(e.trainable_parameters)} of them trained` : ''} · ${e.device} · ${e.precision} · ${e.threads} ${e.threads === 1 ? 'thread' : 'threads'}`,
    `data   ${nearby(data.path)} · ${counted(data.rows, 'row')} × ${data.dim} · ${counted(data.articles, 'article')} · space ${data.space ?? 'unknown'}`,
    `split  by ${split.mode}${split.fold ? `, fold ${split.fold.index} of ${split.fold.of}` : ''}${split.leaky ? ' (leaky: neighbours share vectors)' : ''} · ${count(data.windows.train)} training windows, ${count(data.windows.val)} validation${data.windows.test ? `, ${count(data.windows.test)} test` : ''}`,
    `reads  ${readsOf(e)}${e.objective === 'sequence' ? ` · ${once}` : ''}`,
    `run    ${nearby(e.run)} · about ${bytes(estimate.memory_bytes)} of memory, ${bytes(estimate.disk_bytes)} on disk`,
    ...(extended ? [`rate   beyond its plan: ${beyondPlan(extended)}`] : []),
  ].join('\n')
}

/** Result of the data audit in one line. */
export function audited({ path, verdict, codes, forced }: Of<'audit'>): string {
  if (verdict === null) return 'audit  checking the data, once per file'
  if (codes.length === 0) return 'audit  no findings'
  return `audit  ${verdict}: ${codes.join(', ')}${forced ? ', forced' : ''}; more: ${program()} data audit ${shellWord(nearby(path))}`
}

/** Numbers of tensors that were loaded, new, cut and dropped. */
export const tensors = (placed: Pick<Of<'init'>, 'loaded' | 'new' | 'cut' | 'dropped'>): string =>
  `${placed.loaded.length} tensors loaded, ${placed.new.length} new, ${placed.cut.length} cut from further layers, ${placed.dropped.length} dropped`

/** Initial weights of a training. */
export const starting = (e: Of<'init'>): string => `init   ${nearby(e.path)} · ${tensors(e)}`

const STOPPED = {
  done: 'done',
  'early-stop': 'stopped early without further improvement',
  'max-steps': 'stopped at --max-steps',
  callback: 'stopped by a callback',
  interrupted: 'interrupted',
}

/** End of a training: reason, time and best epoch. */
export const closing = (e: Of<'result'>, resumed: boolean): string =>
  `${STOPPED[e.stopped]} after ${duration(e.seconds)}${resumed ? ', all sessions together' : ''} · ${
    e.best_epoch === null
      ? 'no best epoch, because none has ended'
      : `best epoch ${e.best_epoch} · val loss ${loss(e.val_loss)} · val cosine ${cosine(e.val_cosine)}${e.val_top10 === undefined ? '' : ` · val top-10 ${cosine(e.val_top10)}`}`
  }`

/** Returns a function that shows training events: one live bar on a terminal, otherwise plain lines every 30 s. */
export function progress(screen: Screen, now: () => number = () => performance.now()): (event: TrainEvent) => void {
  const every = screen.live ? 100 : 30_000
  let drawn = screen.live ? -Infinity : now()
  let open = false
  let [titled, resumed] = [false, false]
  let latest: number | undefined
  const shares: (number | null | undefined)[] = []
  const say = (text: string, dress = (safe: string) => safe) => {
    screen.write(`${open ? '\r\x1b[K' : ''}${dress(terminalText(text))}\n`)
    open = false
  }
  const width = () => (screen.live ? screen.columns() : Number.POSITIVE_INFINITY)
  const green = (text: string) => (screen.colour ? `\x1b[32m${text}\x1b[39m` : text)
  return (event) => {
    if (event.type === 'start') {
      resumed = event.resumed
      say(`${opening(event)}\n`)
    }
    if (event.type === 'batch_test') say(sizesTested(event))
    if (event.type === 'lr_test') say(rateTested(event, width()))
    if (event.type === 'audit') say(audited(event))
    if (event.type === 'init') say(`${starting(event)}\n`)
    if (event.type === 'warning') say(`warning: ${event.message}`)
    if (event.type === 'result') for (const note of busyNotes(shares)) say(`${BUSY} ${note}`)
    if (event.type === 'result') say(`${titled ? '\n' : ''}${closing(event, resumed)}`)
    if (event.type === 'epoch') {
      if (!titled && event.val_pool !== undefined) say(pool(event))
      if (!titled) say(header(event, width()))
      titled = true
      latest = event.val_cosine
      shares.push(event.cpu_share)
      say(row(event, width()), (text) => text.replace('★', green('★')))
    }
    if ((event.type === 'progress' || event.type === 'lr_test_progress') && now() - drawn >= every) {
      drawn = now()
      const columns = screen.live ? screen.columns() : 1000
      const text = event.type === 'progress' ? bar(event, latest, columns) : testing(event, columns)
      screen.write(screen.live ? `\r${text}\x1b[K` : `${text}\n`)
      open = screen.live
    }
  }
}

/** Screen of this process: live on a terminal, in colour unless NO_COLOR is set. */
export const terminal = (): Screen => {
  const live = process.stdout.isTTY === true && process.env.TERM !== 'dumb'
  return {
    write: (text) => {
      muteLine()
      process.stdout.write(text)
    },
    live,
    columns: () => process.stdout.columns ?? 80,
    colour: hasColour(process.stdout),
  }
}
