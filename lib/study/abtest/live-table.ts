import { aligned, count, decimal, NONE, oneLine, percent, pValue, signedDecimal, span } from '../../show.js'
import type { LiveArm, LiveDocument } from './live-entry.js'
import type { LeftOut, LogFaults } from './log-tally.js'

const FAULTS: Readonly<Record<keyof LogFaults, string>> = {
  garbage: 'lines that are no record',
  half_written: 'incomplete last line',
  duplicate_served: 'served records that repeat an earlier id',
  duplicate_feedback: 'feedback records that repeat an earlier one, which counts',
  unmatched_feedback: 'feedback records without their request',
  unjudged_feedback: 'feedback records with a row on an answer without rows',
  not_assigned: 'requests that --split did not assign',
}
const or = (value: number | null, show: (value: number) => string): string => (value === null ? NONE : show(value))

const armLine = (arm: LiveArm): string[] => [
  arm.name,
  count(arm.assigned),
  count(Math.round(arm.expected)),
  count(arm.requests),
  or(arm.feedback_share, percent),
  count(arm.clients),
  count(arm.rewards),
  or(arm.mean_reward, decimal),
]

const leftOut = ({ requests, changes, changed }: LeftOut, first: string | null): string =>
  `judged: requests since ${first}, when ${oneLine(changed)} changed (changes in the log: ${count(changes)}); earlier requests, left out: ${count(requests)}`

function notes({ faults, crossed_clients, comparisons, left_out, first }: LiveDocument): string[] {
  const named = (Object.keys(FAULTS) as (keyof LogFaults)[]).filter((fault) => faults[fault] > 0)
  const uneven = comparisons.filter(({ feedback_p }) => feedback_p !== null && feedback_p <= 0.05)
  return [
    ...(left_out === null ? [] : [leftOut(left_out, first)]),
    ...named.map((fault) => `${FAULTS[fault]}: ${count(faults[fault])}`),
    ...(crossed_clients > 0 ? [`clients of more than one arm: ${count(crossed_clients)}; each counts as one client`] : []),
    ...uneven.map(
      ({ arm }) =>
        `${oneLine(arm)}: the share of answers with feedback differs from the control, so the mean rewards may not compare`,
    ),
  ]
}

/** Tables of a log for the terminal. */
export function renderLive(live: LiveDocument): string {
  const { sample_ratio: ratio, control } = live
  const tests = live.comparisons.map((c) => [
    `${c.arm} − ${control}`,
    or(c.difference, signedDecimal),
    span(c.ci95, signedDecimal),
    or(c.p, pValue),
    or(c.minimum_detectable, (x) => `±${decimal(x)}`),
  ])
  const assigned =
    ratio.p === null ? 'too few clients to check the sample ratio' : `sample ratio as --split says (p ${pValue(ratio.p)})`
  return [
    `${count(live.lines)} lines of ${live.log} · ${live.first ?? NONE} … ${live.last ?? NONE}`,
    aligned([
      ['', 'clients', 'expected', 'requests', 'feedback', 'judged clients', 'rewards', 'mean reward'],
      ...live.arms.map(armLine),
    ]),
    ...(ratio.valid ? [assigned, aligned([['difference', '', '95 % at all times', 'p', 'detectable'], ...tests])] : []),
    ...(notes(live).length > 0 ? [notes(live).join('\n')] : []),
    live.verdict.sentence,
  ].join('\n\n')
}
