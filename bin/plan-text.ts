import type { Planned, PlannedTime } from '../lib/plan/plan-document.js'
import type { Span } from '../lib/plan/wire.js'
import { bytes, count, counted, duration, millions } from '../lib/show.js'

const seconds = (time: number): string => (time < 1 ? `${(1000 * time).toPrecision(3)} ms` : duration(time))
const between = ({ least, most }: Span): string =>
  seconds(least) === seconds(most) ? seconds(least) : `${seconds(least)} … ${seconds(most)}`

function memoryRows({ memory: m, ranks }: Planned): string[][] {
  const parts = [
    ['weights', m.weights_bytes],
    ['gradients', m.gradients_bytes],
    ['optimizer', m.optimizer_bytes],
    ['sums of gradients', m.exchange_bytes],
    ['activations and program', m.working_bytes],
    ['rows', m.rows_bytes],
    ['vectors', m.vectors_bytes],
  ] as const
  return [
    [ranks > 1 ? 'memory of a rank' : 'memory', bytes(m.bytes), `${m.from}; ${bytes(m.free_bytes)} are free here`],
    ...parts.flatMap(([name, size]) => (size > 0 ? [[`  ${name}`, bytes(size), '']] : [])),
    ...(m.mapped_bytes > 0 ? [['  mapped file', bytes(m.mapped_bytes), 'in the page cache as far as it fits, not counted']] : []),
  ]
}

function wireRows({ wire }: Planned): string[][] {
  if (wire === null) return []
  const time =
    wire.seconds === null
      ? 'through memory of one machine, a part of the step'
      : `${seconds(wire.seconds)} at ${wire.network_gb_per_s} GB/s`
  return [
    ['sent by a rank in a step', bytes(wire.bytes), time],
    ...(wire.weights_bytes > 0
      ? [
          ['  gradients', bytes(wire.gradients_bytes), ''],
          ['  weights', bytes(wire.weights_bytes), ''],
        ]
      : []),
  ]
}

function timeRows(time: PlannedTime, { counts }: Planned): string[][] {
  const lower = time.from === 'ceiling' ? 'at least' : ''
  const exchange =
    time.step_seconds.least === time.step_seconds.most
      ? lower
      : `${lower && `${lower}, `}exchange beside the computation … after it`
  return [
    ['step', between(time.step_seconds), exchange],
    [
      'evaluation',
      seconds(time.evaluation_seconds),
      `${counted(counts.windows.val, 'window')}, and ${count(counts.judged)} of training`,
    ],
    ['epoch', between(time.epoch_seconds), `${count(counts.steps_per_epoch)} steps`],
    ['training', between(time.training_seconds), `${count(counts.steps)} steps`],
  ]
}

/** Lines of a name, a right-aligned value and a note. */
function laid(lines: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...lines.map((line) => line[column]!.length))
  const [names, values] = [width(0), width(1)]
  return lines.map(([name, value, note]) => `${name!.padEnd(names)}  ${value!.padStart(values)}  ${note}`.trimEnd())
}

/** A plan for the terminal. */
export function planText(planned: Planned): string {
  const { model, parameters, data, ranks, threads, counts, checkpoint, time, time_note, notes } = planned
  const saved = checkpoint.seconds === null ? '' : `${seconds(checkpoint.seconds)} for a save`
  return [
    `${model}, ${millions(parameters)} parameters, ${count(data.rows)} × ${count(data.dim)} (${bytes(data.bytes)}), ${count(ranks)} ${ranks === 1 ? 'process' : 'ranks'} of ${threads} thread${threads === 1 ? '' : 's'}, batches of ${count(counts.batch)}`,
    '',
    ...laid([
      ...memoryRows(planned),
      ...wireRows(planned),
      ...(time === null ? [] : timeRows(time, planned)),
      ['checkpoint', bytes(checkpoint.final_bytes + checkpoint.best_bytes), saved],
      ['disk', bytes(checkpoint.disk_bytes), ''],
    ]),
    ...(time_note === null ? [] : ['', time_note]),
    ...notes.map((note) => `\n${note}`),
  ].join('\n')
}
