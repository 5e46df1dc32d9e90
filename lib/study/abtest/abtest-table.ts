import type { BaselineName } from '../../baselines/baselines-fit.js'
import { NAMES } from '../../evaluate/results-table.js'
import { historyNote, trainedOnNote } from '../../evaluate/trained-on.js'
import { busyNotes } from '../../libtorch/cpu-share.js'
import { aligned, count, counted, decimal, NONE, pValue, signedDecimal, span } from '../../show.js'
import type { AbtestEntry, ArmEntry, HeuristicComparison, ScoreTest } from './abtest-entry.js'
import { NOISE } from './arm-latency.js'

const nameOf = ({ name, kind }: Pick<ArmEntry, 'name' | 'kind'>) => (kind === 'run' ? name : `  ${NAMES[name as BaselineName]}`)
const milliseconds = (ms: number): string => `${ms.toPrecision(3)} ms`
const or = (value: number | null, show: (value: number) => string): string => (value === null ? NONE : show(value))

function armLine(arm: ArmEntry): string[] {
  const { latency } = arm
  const times = latency === null ? [NONE, NONE, NONE] : [latency.query_ms, latency.search_ms, latency.p50_ms].map(milliseconds)
  return [nameOf(arm), decimal(arm.hit_rate), decimal(arm.mrr), ...times, or(arm.hits_per_ms, (x) => x.toPrecision(3))]
}

const testLine = (title: string, score: string, test: ScoreTest): string[] => [
  title,
  score,
  signedDecimal(test.difference),
  span(test.ci95, signedDecimal),
  or(test.p, pValue),
  or(test.p_adjusted, pValue),
  or(test.minimum_detectable, (x) => `±${decimal(x)}`),
  or(test.articles_needed, count),
]

function timeNote({ against, equal_time }: HeuristicComparison, k: number): string[] {
  if (equal_time === null) return []
  const { budget_ms, k: more, hit_rate, difference } = equal_time
  const rival = NAMES[against as BaselineName]
  if (more === null) return [`${rival} takes longer than the model's ${milliseconds(budget_ms)}`]
  if (more === k) return [`${rival} takes about the model's ${milliseconds(budget_ms)} for ${counted(k, 'row')}`]
  return [
    `in the model's ${milliseconds(budget_ms)} ${rival} can return ${counted(more, 'row')}: hit rate@${more} ${decimal(hit_rate!)}, model@${k} minus it ${signedDecimal(difference!)}`,
  ]
}

/** Says whether all arms take the same time. */
function latencyNote({ arms }: AbtestEntry): string[] {
  const times = arms.flatMap(({ latency }) => (latency === null ? [] : [latency.p50_ms]))
  if (times.length === 0) return ['latency was not measured']
  const apart = Math.max(...times) / Math.min(...times) - 1
  if (apart < NOISE) return [`equal latency: all medians are within ${Math.round(100 * NOISE)} % of each other`]
  return [`latency is not equal: the slowest arm takes ${(apart + 1).toFixed(2)} times as long as the fastest`]
}

function section(e: AbtestEntry): string {
  const title = `${counted(e.n, 'window')} of ${counted(e.articles, 'article')}${historyNote(e)} · ${e.rows} rows of ${e.data.path}`
  const bank = `bank ${e.bank.path} · ${counted(e.bank.rows, 'row')}, context left out · k ${e.k}`
  const tests = e.comparisons.flatMap((one) => [
    testLine(`${e.run} − ${NAMES[one.against as BaselineName]}`, `hit rate@${e.k}`, one.hit_rate),
    testLine('', `MRR@${e.k}`, one.mrr),
  ])
  return [
    [title, bank, ...trainedOnNote(e)].join('\n'),
    aligned([['', `hit rate@${e.k}`, `MRR@${e.k}`, 'query', 'search', 'both, p50', 'hits per ms'], ...e.arms.map(armLine)]),
    aligned([['difference', '', '', '95 %', 'p', 'corrected', 'detectable', 'articles needed'], ...tests]),
    [
      ...latencyNote(e),
      ...busyNotes(e.arms.map(({ latency }) => latency?.cpu_share)),
      ...e.comparisons.flatMap((one) => timeNote(one, e.k)),
    ].join('\n'),
    `${e.run}: ${e.verdict?.sentence ?? 'no verdict: the run was trained on these windows'}`,
    ...(e.ci95_note === null ? [] : [`no interval: ${e.ci95_note}`]),
    ...(e.split?.leaky ? ['leaky: windows were split at random; every figure is too good'] : []),
    ...(e.selected_on ? ['selected on: the best epoch was chosen on these rows'] : []),
  ].join('\n\n')
}

/** Tables for the terminal, one section for each run. */
export const renderAbtest = (entries: readonly AbtestEntry[]): string =>
  [
    ...entries.map(section),
    `95 % and corrected: max-T over ${entries[0]!.family} comparison${entries[0]!.family === 1 ? '' : 's'} by flipping the signs of whole articles (wild cluster bootstrap of t); detectable: smallest true difference found with a power of 80 %`,
  ].join('\n\n\n')
