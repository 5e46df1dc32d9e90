import type { CommandModule } from 'yargs'
import { busyNotes } from '../../lib/libtorch/cpu-share.js'
import { bytes, count, table } from '../../lib/show.js'
import { benchmarkFields } from '../../lib/study/benchmark/benchmark-fields.js'
import { flags, given } from '../flags.js'
import { answer, note } from '../output.js'

const ratio = (value: number, [from, to]: readonly [number, number]) =>
  `${value.toFixed(3)} (${from.toFixed(3)} … ${to.toFixed(3)})`

const compare: CommandModule = {
  command: 'compare <before> <after>',
  describe: 'compare two results of benchmark; exit code 8 if a run became slower by more than the noise',
  builder: (y) =>
    y
      .positional('before', { type: 'string', describe: 'inference_benchmarks.json of the earlier measurement' })
      .positional('after', { type: 'string', describe: 'inference_benchmarks.json of the later measurement' }),
  handler: async (argv) => {
    const { compareBenchmarks } = await import('../../lib/study/benchmark/compare-benchmarks.js')
    const { comparison, failure } = await compareBenchmarks(String(argv.before), String(argv.after))
    const rows = comparison.runs.flatMap(({ after, paces }) => paces.map((pace) => ({ run: after, ...pace })))
    const text = () =>
      [
        table(rows, {
          run: ({ run }) => run,
          device: ({ device }) => device,
          batch: ({ batch }) => batch,
          'before ms': ({ before_ms }) => before_ms.toFixed(3),
          'after ms': ({ after_ms }) => after_ms.toFixed(3),
          'ratio (99 %)': (pace) => ratio(pace.ratio, pace.ci99),
          'machine taken out (99 %)': ({ relative }) => ratio(relative.ratio, relative.ci99),
          verdict: ({ verdict }) => verdict,
        }),
        ...(comparison.unmatched.length > 0 ? ['', `in one document only: ${comparison.unmatched.join(', ')}`] : []),
      ].join('\n')
    answer(comparison, text, argv.json === true)
    if (failure !== undefined) throw failure
  },
}

export const benchmark: CommandModule = {
  command: 'benchmark <run..>',
  describe: 'measure latency, throughput and memory of runs on every device, in alternation',
  builder: (y) =>
    y
      .command(compare)
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', { type: 'string', describe: 'folders of runs, or their names below artifacts/lvm/models' })
      .options(flags(benchmarkFields))
      .example('$0 benchmark lstm_baseline lstm_baseline_int8', 'side by side')
      .example(
        '$0 benchmark compare before/inference_benchmarks.json after/inference_benchmarks.json',
        'find runs that became slower',
      ),
  handler: async (argv) => {
    const { benchmark } = await import('../../lib/study/benchmark/benchmark.js')
    const document = await benchmark({
      runs: (argv.run as string[]).map(String),
      ...given(benchmarkFields, argv),
      say: note,
    })
    const rows = document.runs.flatMap(({ run, devices }) => devices.map((device) => ({ run, ...device })))
    const batches = rows[0]!.batches.map(({ batch }) => batch)
    const at = (row: (typeof rows)[number], batch: number) => row.batches.find((one) => one.batch === batch)!
    const ms = ({ p50_ms, p95_ms, p99_ms }: { p50_ms: number; p95_ms: number; p99_ms: number }) =>
      `${p50_ms.toFixed(2)} (${p95_ms.toFixed(2)}, ${p99_ms.toFixed(2)})`
    const columns = Object.fromEntries(
      batches.map((batch) => [`batch ${batch}`, (row: (typeof rows)[number]) => ms(at(row, batch))]),
    )
    const [{ threads, energy }] = rows as [(typeof rows)[number]]
    const text = () =>
      [
        table(rows, {
          'ms, median (p95, p99)': ({ run }) => run,
          device: ({ device }) => device,
          ...columns,
          'per second': (row) => count(Math.max(...row.batches.map(({ samples_per_second }) => samples_per_second))),
          'load ms': ({ load_ms }) => load_ms?.toFixed(0),
          'first ms': ({ first_call_ms }) => first_call_ms.toFixed(1),
          'peak memory': ({ peak_memory_bytes }) => bytes(peak_memory_bytes),
          'mJ a sample': (row) => row.energy.joules_per_sample && (1000 * row.energy.joules_per_sample).toFixed(2),
        }),
        '',
        `${threads} thread${threads === 1 ? '' : 's'}; load, first call and peak memory in a fresh process`,
        ...(energy.reason === null ? [] : [`energy: ${energy.reason}`]),
        ...busyNotes(rows.map(({ cpu_share }) => cpu_share)),
        ...document.runs[0]!.absent.map(({ device, reason }) => `${device}: absent, ${reason}`),
      ].join('\n')
    answer(document, text, argv.json === true)
  },
}
