import type { BaselineName } from './baselines-fit.js'
import type { Interval } from './metrics.js'
import type { RunEntry } from './report.js'
import type { TierName } from './tiers.js'

const NAMES: Readonly<Record<BaselineName, string>> = {
  mean_vector: 'mean vector',
  copy_last: 'copy last',
  context_mean: 'context mean',
  exponential_mean: 'exponential mean',
  ridge: 'ridge',
}
const TITLES = ['', 'cosine', '95 %', 'centred', 'MSE raw', 'MSE unit', 'skill', '95 %']

/** Four decimals, without the zero before the point that every cosine would share. */
const short = (x: number, sign = '') => `${x < 0 ? '−' : sign}${Math.abs(x).toFixed(4).replace(/^0/, '')}`
const signed = (x: number) => short(x, '+')
const span = (interval: Interval, show = short) => (interval === null ? '–' : `${show(interval[0])} … ${show(interval[1])}`)
const mse = (x: number | null) => (x === null ? '–' : x.toFixed(6))
const whole = (n: number) => n.toLocaleString('en-US')

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function figures(entries: readonly RunEntry[]): string {
  const models = entries.map((e) => [
    e.run,
    short(e.cosine.mean),
    span(e.cosine.ci95),
    e.cosine_centred === null ? '–' : short(e.cosine_centred),
    mse(e.mse_raw),
    mse(e.mse_unit),
    signed(e.skill.value),
    span(e.skill.ci95, signed),
  ])
  const baselines = (Object.keys(NAMES) as BaselineName[]).flatMap((name) => {
    const b = entries[0]!.baselines[name]
    if (b === undefined) return []
    return [
      [
        `  ${NAMES[name]}`,
        short(b.cosine),
        '',
        b.cosine_centred === null ? '–' : short(b.cosine_centred),
        mse(b.mse_raw),
        mse(b.mse_unit),
        '',
        '',
      ],
    ]
  })
  return aligned([TITLES, ...models, ...baselines])
}

/** Whether a run is better than the best baseline, in words. */
export function skillSentence({ run, skill }: Pick<RunEntry, 'run' | 'skill'>): string {
  const { value, ci95, against } = skill
  const rival = NAMES[against]
  if (ci95 === null) {
    const side = value > 0 ? 'above' : value < 0 ? 'below' : 'equal to'
    return `${run}: ${side} the best baseline, ${rival}, by ${short(Math.abs(value))}; too few articles to tell it from chance`
  }
  const interval = `(95 %: ${span(ci95, signed)})`
  if (ci95[0] > 0) return `${run}: better than every baseline, by ${short(value)} over ${rival} ${interval}`
  if (ci95[1] < 0)
    return `${run}: worse than ${rival}, by ${short(-value)} ${interval}: a model without training does better here`
  return `${run}: not told apart from ${rival}: ${signed(value)} ${interval}`
}

const TIER_TITLES: Readonly<Record<TierName, string>> = { minimum: 'minimum viable', target: 'target', stretch: 'stretch' }

/** Each tier with what keeps a run from it. */
export function tierLine(tiers: RunEntry['tiers']): string {
  const judged = (Object.keys(TIER_TITLES) as TierName[]).map((name) => {
    const { pass, criteria } = tiers[name]
    const wanting = Object.entries(criteria)
      .filter(([, criterion]) => criterion.pass === (pass === null ? null : false))
      .map(([key, { value, limit }]) => `${key} ${value === null ? 'unknown' : Number(value.toPrecision(4))}, limit ${limit}`)
    return `${TIER_TITLES[name]} ${pass === null ? 'open' : pass ? 'yes' : 'no'}${wanting.length > 0 ? ` (${wanting.join('; ')})` : ''}`
  })
  return `tiers of the PRD: ${judged.join(' · ')}`
}

function speedLine({ latency, size }: RunEntry): string {
  const weights = `weights ${(size.weights_bytes / 1e6).toFixed(1)} MB`
  if (latency === null) return weights
  const { device, threads, batches, peak_memory_bytes } = latency
  const each = batches.map(
    (b) => `${b.batch}: ${b.p50_ms.toFixed(2)} ms (p95 ${b.p95_ms.toFixed(2)}, p99 ${b.p99_ms.toFixed(2)})`,
  )
  const last = batches.at(-1)
  const rate = last === undefined ? '' : ` · ${whole(Math.round(last.samples_per_second))} per second at ${last.batch}`
  const hardware = `${device}, ${threads} thread${threads === 1 ? '' : 's'}`
  return `latency by batch (${hardware}): ${each.join(' · ')}${rate}\n  ${weights} · peak memory ${(peak_memory_bytes / 1e6).toFixed(0)} MB`
}

function warnings(entries: readonly RunEntry[]): string[] {
  const [first] = entries
  return [
    ...(entries.some((e) => e.split?.leaky)
      ? ['leaky: windows were split at random, so contexts and targets of training lie among these; every figure is too good']
      : []),
    ...(entries.some((e) => e.selected_on)
      ? ['selected on: the best epoch was chosen on these rows; --test sets rows aside for a fair figure']
      : []),
    ...(first!.ci95_note === null ? [] : [`no interval: ${first!.ci95_note}`]),
    ...(first!.baselines.ridge === undefined
      ? ['no training rows are known here: baselines that must be fitted are left out']
      : []),
  ]
}

function section(entries: readonly RunEntry[]): string {
  const { n, articles, rows, data } = entries[0]!
  const title = `${whole(n)} windows of ${whole(articles)} article${articles === 1 ? '' : 's'} · ${rows} rows of ${data.path}`
  const runs = entries.map((e) => [skillSentence(e), `  ${tierLine(e.tiers)}`, `  ${speedLine(e)}`].join('\n'))
  return [title, figures(entries), ...runs, ...warnings(entries)].join('\n\n')
}

/** The table for the terminal: runs that were judged on the same windows side by side, above the baselines they have to beat. */
export function renderTable(entries: readonly RunEntry[]): string {
  const groups = new Map<string, RunEntry[]>()
  for (const entry of entries) {
    const key = JSON.stringify([entry.data.hash, entry.rows, entry.n, entry.baselines])
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return [...groups.values()].map(section).join('\n\n\n')
}
