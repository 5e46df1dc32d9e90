import type { BaselineName } from '../baselines/baselines-fit.js'
import { lengthRange } from '../checkpoint/trained-contexts.js'
import { rowsKey } from '../data/content-hash.js'
import { worded } from '../hints.js'
import { busyNotes } from '../libtorch/cpu-share.js'
import { aligned, bytes, count, counted, decimal, signedDecimal, span } from '../show.js'
import type { OutsideEntry, RunEntry } from './results-file.js'
import type { Criterion, TierName, Verdict } from './tiers.js'
import { trainedOnNote } from './trained-on.js'

export const NAMES: Readonly<Record<BaselineName, string>> = {
  mean_vector: 'mean vector',
  copy_last: 'copy last',
  context_mean: 'context mean',
  exponential_mean: 'exponential mean',
  exponential_mixture: 'mixture of exp. means',
  ridge: 'ridge',
}
type Entry = RunEntry | OutsideEntry

/** Names the part of the split, or the number of folds. */
export const rowsText = ({ rows, folds }: Entry): string =>
  folds === undefined ? `${rows} rows` : `held out over ${folds.count} folds`

/** Says how many vectors the contexts of an entry have; nothing for entries of earlier versions. */
export const contextsText = ({ contexts }: Entry): string =>
  contexts === undefined ? '' : `, ${lengthRange(contexts)} ${contexts.longest === 1 ? 'vector' : 'vectors'} before each target`

const TITLES = ['', 'cosine', '95 %', 'centred', 'MSE raw', 'MSE unit', 'skill', '95 %']

const mse = (x: number | null) => (x === null ? '–' : x.toFixed(6))
function figures(entries: readonly Entry[]): string {
  const models = entries.map((e) => [
    e.run,
    decimal(e.cosine.mean),
    span(e.cosine.ci95),
    e.cosine_centred === null ? '–' : decimal(e.cosine_centred),
    mse(e.mse_raw),
    mse(e.mse_unit),
    e.skill === null ? '–' : signedDecimal(e.skill.value),
    span(e.skill?.ci95 ?? null, signedDecimal),
  ])
  const baselines = (Object.keys(NAMES) as BaselineName[]).flatMap((name) => {
    const b = entries[0]!.baselines[name]
    if (b === undefined) return []
    return [
      [
        `  ${NAMES[name]}`,
        decimal(b.cosine),
        '',
        b.cosine_centred === null ? '–' : decimal(b.cosine_centred),
        mse(b.mse_raw),
        mse(b.mse_unit),
        '',
        '',
      ],
    ]
  })
  return aligned([TITLES, ...models, ...baselines])
}

/** States in one sentence whether a run is better than the best baseline. */
export function skillSentence({ run, skill }: Pick<RunEntry, 'run' | 'skill'>): string {
  if (skill === null) return `${run}: no verdict, because it was trained on these windows`
  const { value, ci95, against } = skill
  const rival = NAMES[against]
  if (ci95 === null) {
    const gap = decimal(Math.abs(value))
    const stands = Number(gap) === 0 ? 'equal to' : value > 0 ? 'above' : 'below'
    const by = Number(gap) === 0 ? 'in the digits shown' : `by ${gap}`
    return `${run}: ${stands} the best baseline, ${rival}, ${by}; too few articles to tell it from chance`
  }
  const interval = `(95 %: ${span(ci95, signedDecimal)})`
  if (ci95[0] > 0) return `${run}: better than every baseline, by ${decimal(value)} over ${rival} ${interval}`
  if (ci95[1] < 0)
    return `${run}: worse than ${rival}, by ${decimal(-value)} ${interval}: the baseline is the better predictor here`
  return `${run}: not told apart from ${rival}: ${signedDecimal(value)} ${interval}`
}

/** Says what choosing the epochs by the judged rows would have added. */
export function selectionSentence({ run, folds }: Pick<Entry, 'run' | 'folds'>): string {
  const gain = folds?.selection ?? null
  if (gain === null) return `${run}: what selection on the judged rows would have added is not known for runs of earlier versions`
  const what = gain.measure === 'top10' ? 'Top-10 in a fixed pool' : 'cosine'
  return `${run}: epochs were chosen on inner articles; chosen on the judged rows they would have added ${signedDecimal(gain.added)} to the ${what}`
}

const TIER_TITLES: Readonly<Record<TierName, string>> = { minimum: 'minimum viable', target: 'target', stretch: 'stretch' }
const CRITERIA: Readonly<Record<Criterion, string>> = {
  val_loss: 'loss',
  val_cosine: 'cosine',
  train_seconds: 'training time',
  weights_bytes: 'size',
}

/** Formats a verdict with the criteria that decide it: the failed ones, or the unknown ones. */
export function verdictText({ pass, criteria }: Verdict): string {
  if (pass === true) return 'yes'
  const deciding = (Object.keys(CRITERIA) as Criterion[]).filter(
    (key) => criteria[key] !== undefined && criteria[key].pass === pass,
  )
  return `${pass === null ? 'unknown' : 'no'} (${deciding.map((key) => CRITERIA[key]).join(', ')})`
}

function tiers(entries: readonly Entry[]): string {
  const names = Object.keys(TIER_TITLES) as TierName[]
  const rows = entries.map((e) => [e.run, ...names.map((name) => (e.tiers === null ? '–' : verdictText(e.tiers[name])))])
  return aligned([['tiers of the specification', ...Object.values(TIER_TITLES)], ...rows])
}

function speed(entries: readonly Entry[]): string[] {
  const measured = entries.flatMap((e) => (e.latency === null ? [] : [{ run: e.run, size: e.size, latency: e.latency }]))
  const first = measured[0]?.latency
  if (first === undefined) return []
  const { device, threads, batches } = first
  const title = `ms, median (p99), ${device}, ${threads} thread${threads === 1 ? '' : 's'}`
  const titles = [title, ...batches.map(({ batch }) => `batch ${batch}`), 'per second', 'weights', 'peak memory']
  const rows = measured.map(({ run, size, latency }) => [
    run,
    ...latency.batches.map(({ p50_ms, p99_ms }) => `${p50_ms.toFixed(2)} (${p99_ms.toFixed(2)})`),
    count(Math.round(Math.max(...latency.batches.map((b) => b.samples_per_second)))),
    bytes(size.weights_bytes),
    bytes(latency.peak_memory_bytes),
  ])
  const busy = busyNotes(measured.map(({ latency }) => latency.cpu_share)).map((note) => `latencies: ${note}`)
  return [aligned([titles, ...rows]), ...busy]
}

function warnings(entries: readonly Entry[]): string[] {
  const [first] = entries
  return [
    ...(entries.some((e) => e.split?.leaky)
      ? ['leaky: windows were split at random, so training and evaluated windows share vectors; every figure is too good']
      : []),
    ...(entries.some((e) => e.selected_on)
      ? [worded('selected on: the best epoch was chosen on these rows; train with --test to keep held-out rows')]
      : []),
    ...entries.flatMap((e) =>
      'kind' in e && e.trained_on === null
        ? [
            `${e.run}: a ${e.kind === 'file' ? 'file of predictions' : 'function'}; whether it was trained on these windows is not known`,
          ]
        : [],
    ),
    ...(entries.some((e) => !e.split && e.data.space === null)
      ? [
          worded(
            'unknown encoder: these vectors and the training vectors may come from different encoders; name the encoder with --space',
          ),
        ]
      : []),
    ...(first!.ci95_note === null ? [] : [`no interval: ${first!.ci95_note}`]),
    ...(first!.baselines.ridge === undefined ? ['no training rows are known: baselines that need fitting are left out'] : []),
  ]
}

function section(entries: readonly Entry[]): string {
  const { n, articles, data, folds } = entries[0]!
  const windows = `${counted(n, 'window')} of ${counted(articles, 'article')}${contextsText(entries[0]!)}`
  const title = `${windows} · ${rowsText(entries[0]!)} of ${data.path}`
  return [
    [title, ...trainedOnNote(entries[0]!)].join('\n'),
    figures(entries),
    entries.map(skillSentence).join('\n'),
    ...(folds === undefined ? [] : [entries.map(selectionSentence).join('\n')]),
    tiers(entries),
    ...speed(entries),
    ...warnings(entries),
  ].join('\n\n')
}

/** Renders the table for the terminal: runs evaluated on the same windows, above their baselines. */
export function renderTable(entries: readonly Entry[]): string {
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) {
    const key = JSON.stringify([rowsKey(entry.data), entry.rows, entry.n, entry.trained_on ?? 0, entry.baselines])
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].map(section).join('\n\n\n')
}
