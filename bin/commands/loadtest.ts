import type { CommandModule } from 'yargs'
import type { LoadDocument, LoadEvent, LoadtestOptions } from '../../lib/index.js'
import { busyNotes } from '../../lib/libtorch/cpu-share.js'
import { loadtestFields } from '../../lib/loadtest/loadtest-fields.js'
import { bytes, count, percent } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { diagnostic, event as emit, nearby, print } from '../output.js'
import { interruption } from '../signals.js'

type Told<T extends LoadEvent['type']> = Extract<LoadEvent, { type: T }>

/** Columns of the table of stages, with their widths. */
const COLUMNS: readonly (readonly [title: string, width: number, read: (stage: Told<'stage'>) => string])[] = [
  ['stage', -9, ({ purpose }) => purpose],
  ['rate/s', 9, ({ rate, clients }) => (rate === null ? `${clients} cl.` : perSecond(rate))],
  ['answers/s', 9, ({ answers_per_second }) => perSecond(answers_per_second)],
  ['goodput', 9, ({ goodput }) => perSecond(goodput)],
  ['p50 ms', 8, ({ latency_ms }) => time(latency_ms?.p50)],
  ['p90', 8, ({ latency_ms }) => time(latency_ms?.p90)],
  ['p99', 8, ({ latency_ms }) => time(latency_ms?.p99)],
  ['p99.9', 8, ({ latency_ms }) => time(latency_ms?.p999)],
  ['max', 8, ({ latency_ms }) => time(latency_ms?.max)],
  ['429', 7, ({ rejected, sent }) => share(rejected, sent)],
  ['errors', 7, ({ failed, sent }) => share(failed, sent)],
  ['server', 7, ({ server }) => (server === null ? '–' : percent(server.cpu, 0))],
  ['client', 7, ({ client }) => percent(client.cpu, 0)],
]

const perSecond = (n: number) => (n < 100 ? n.toFixed(1) : count(n))
const time = (ms: number | undefined) => (ms === undefined ? '–' : ms < 100 ? ms.toFixed(1) : count(ms))
const share = (n: number, of: number) => (n === 0 ? '0' : percent(n / of))
const line = (cells: readonly string[]) =>
  cells.map((cell, i) => (COLUMNS[i]![1] < 0 ? cell.padEnd(-COLUMNS[i]![1]) : cell.padStart(COLUMNS[i]![1]))).join(' ')

const judged = (stage: Told<'stage'>) =>
  [
    !stage.complete ? 'stopped' : stage.met ? 'met' : 'not met',
    ...(stage.client_limited ? ['client limited'] : []),
    ...Object.entries(stage.errors).map(([code, n]) => `${code} × ${count(n)}`),
  ].join(', ')

/** Returns a function that prints the events of a load test. */
function show(): (told: LoadEvent) => void {
  let titled = false
  return (told) => {
    if (told.type === 'start') {
      const { model, route, format, loop, alone_ms, threads } = told
      const loops = loop === 'open' ? 'open loop, Poisson arrivals' : 'CLOSED loop'
      print(`${told.url} · ${model.name}, dimension ${model.dim}, context ${model.context} · ${route} as ${format} · ${loops}`)
      print(
        `one request at a time: ${time(alone_ms)} ms · ${threads} sending ${threads === 1 ? 'thread' : 'threads'} · processors in %, one = 100 %\n`,
      )
    }
    if (told.type === 'load' && process.stderr.isTTY) {
      const load = told.rate === null ? `${told.clients} clients` : `${perSecond(told.rate)} a second`
      diagnostic(`${told.purpose}: ${load} for ${told.seconds} s`)
    }
    if (told.type === 'stage') {
      if (!titled) print(line(COLUMNS.map(([title]) => title)))
      titled = true
      print(`${line(COLUMNS.map(([, , read]) => read(told)))}  ${judged(told)}`)
    }
    if (told.type === 'warning') diagnostic(`warning: ${told.message}`)
  }
}

/** Sentences about the result. */
function closing({ objective, knee, overload, stages, met, loop, stopped, machine }: LoadDocument): string[] {
  const limit = `p99 ≤ ${objective.p99_ms} ms, errors ≤ ${percent(objective.errors, objective.errors === 0 ? 0 : 2)}`
  const last = stages.at(-1)
  const search = stages.some(({ purpose }) => purpose !== 'fixed')
  const label = knee?.confirmed ? 'confirmed' : 'not confirmed'
  const memory = last?.server ? [`memory of the server: ${bytes(last.server.memory_bytes)}`] : []
  return [
    ...(knee ? [`highest rate with ${limit}: ${perSecond(knee.rate)} a second (${label}), p99 ${time(knee.p99_ms)} ms`] : []),
    ...(search && !knee && stopped === 'done' ? [`no rate met ${limit}`] : []),
    ...(search || met === null ? [] : [`${limit}: ${met ? 'met' : 'not met'}${loop === 'closed' ? ' (closed loop)' : ''}`]),
    ...(overload
      ? [
          `at ${perSecond(overload.rate)} a second: goodput ${percent(overload.goodput_kept, 0)} of that, p99 ${time(overload.p99_ms ?? undefined)} ms, ` +
            `429 ${percent(overload.rejected_share)}, failed ${percent(overload.failed_share)}, ` +
            (overload.recovery_seconds === null
              ? 'not recovered within 10 s'
              : `recovered after ${overload.recovery_seconds.toFixed(2)} s`),
        ]
      : []),
    ...memory,
    ...busyNotes([machine.cpu_share]),
  ]
}

export const loadtesting: CommandModule = {
  command: 'loadtest URL',
  describe: 'measure a server under load: latency, goodput, and the highest rate that meets an objective',
  builder: (y) =>
    y
      .positional('URL', { type: 'string', describe: 'URL of the server, as serve prints it', demandOption: true })
      .options(flags(loadtestFields))
      .example('$0 loadtest http://127.0.0.1:8080 --p99 50ms', 'finds the highest rate with a p99 of 50 ms and no error')
      .example('$0 loadtest http://127.0.0.1:8080 --rate 200 --duration 60', 'measures 200 requests a second for a minute'),
  handler: async (argv) => {
    const { loadtest } = await import('../../lib/loadtest/loadtest.js')
    const json = argv.json === true
    const stop = interruption()
    try {
      const options: LoadtestOptions = { url: String(argv.URL), ...given(loadtestFields, argv) }
      const { loadtest: document, ...files } = await loadtest(options, { signal: stop.signal, tell: json ? emit : show() })
      if (!json) print(['', ...closing(document), [files.json, ...files.figures].map(nearby).join('\n')].join('\n'))
      if (document.met === false) process.exitCode = 8
      if (stop.reason) process.exitCode = stop.reason.exit
    } finally {
      stop.release()
    }
  },
}
