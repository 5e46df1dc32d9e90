import { count } from '../../show.js'
import { type Axis, type Figure, show } from './figure.js'
import { type Line, lines } from './line-chart.js'

/** What a report shows of a stage of loadtest.json. */
export interface LoadedStage {
  readonly purpose: string
  readonly loop: 'open' | 'closed'
  readonly rate: number | null
  readonly clients: number | null
  readonly seconds: number
  readonly sent: number
  readonly answered: number
  readonly rejected: number
  readonly failed: number
  readonly answers_per_second: number
  readonly goodput: number
  readonly met: boolean
  readonly client_limited: boolean
  readonly latency_ms: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p999: number } | null
  readonly distribution: readonly { readonly percentile: number; readonly ms: number }[]
}

/** What a report shows of loadtest.json. */
export interface LoadedServer {
  readonly url: string
  readonly created_at: string
  readonly route: string
  readonly format: string
  readonly batch: number
  readonly context: number
  readonly seed: number
  readonly server: { readonly model: string; readonly architecture: string | null; readonly dim: number }
  readonly machine: { readonly cpu: string; readonly cores: number }
  readonly objective: { readonly p99_ms: number; readonly errors: number }
  readonly stages: readonly LoadedStage[]
  readonly knee: { readonly rate: number; readonly confirmed: boolean; readonly client_limited: boolean } | null
  readonly overload: { readonly rate: number; readonly goodput_kept: number } | null
  readonly met: boolean | null
  readonly warnings: readonly string[]
}

const RATE: Axis = { title: 'Requests sent', unit: '1/s', show: (x) => (x < 10 ? x.toFixed(1) : count(x)) }
const LATENCY: Axis = { title: 'Latency from the intended start', unit: 'ms', log: true }

const noteOf = ({ route, format, batch, context, server, machine, seed, objective, stages, knee }: LoadedServer) =>
  [
    `${server.model}, ${route} as ${format}, ${batch === 1 ? 'one context' : `${batch} contexts`} of ${context} × ${server.dim} in a request`,
    `${stages.some(({ loop }) => loop === 'closed') ? 'CLOSED loop' : 'open loop, Poisson arrivals'}, seed ${seed}`,
    `limit: p99 ${objective.p99_ms} ms, errors ${objective.errors}`,
    ...(knee === null
      ? []
      : [`ring: highest rate${knee.confirmed ? '' : ' (unconfirmed)'}${knee.client_limited ? ' (limited by the client)' : ''}`]),
    `client on ${machine.cpu}, ${machine.cores} processors`,
  ].join(' · ')

/** One stage for each rate, the last measured one, in the order of the rates. */
const byRate = (stages: readonly LoadedStage[]) =>
  [...new Map(stages.filter(({ answered }) => answered > 0).map((stage) => [stage.rate, stage])).values()]
    .filter((stage) => stage.rate !== null)
    .toSorted((a, b) => a.rate! - b.rate!)

function againstRate(load: LoadedServer): Figure[] {
  const stages = byRate(load.stages)
  if (stages.length < 2) return []
  const at = stages.find(({ rate }) => rate === load.knee?.rate)
  const line = (name: string, read: (stage: LoadedStage) => number, marked = false): Line => ({
    name,
    points: stages.map((stage) => [stage.rate!, read(stage)]),
    ...(marked && at && { mark: [at.rate!, read(at)] as const }),
  })
  const note = noteOf(load)
  return [
    lines({
      name: 'load_latency',
      title: 'Latency by request rate',
      note,
      x: RATE,
      y: LATENCY,
      lines: [
        line('p50', ({ latency_ms }) => latency_ms!.p50),
        line('p90', ({ latency_ms }) => latency_ms!.p90),
        line('p99', ({ latency_ms }) => latency_ms!.p99, true),
        line('p99.9', ({ latency_ms }) => latency_ms!.p999),
      ],
      references: [{ name: 'limit of p99', value: load.objective.p99_ms }],
    }),
    lines({
      name: 'load_goodput',
      title: 'Answers by request rate',
      note,
      x: RATE,
      y: { title: 'Answers', unit: '1/s', range: [0, 1], show: RATE.show! },
      lines: [
        { name: 'sent', points: stages.map(({ rate, sent, seconds }) => [rate!, sent / seconds]), dashed: true },
        line('answered', (stage) => stage.answers_per_second),
        line('within the limit', (stage) => stage.goodput, true),
      ],
    }),
  ]
}

/** Position of a percentile on the axis of the distribution: each tenth of the rest is one step. */
const nines = (percentile: number) => -Math.log10(1 - percentile / 100)

/** Distribution at the highest rate, else of the last stage with an answer. */
function distribution(load: LoadedServer): Figure[] {
  const answered = load.stages.filter(({ answered }) => answered > 0)
  const stage = answered.findLast(({ rate, met }) => met && rate !== null && rate === load.knee?.rate) ?? answered.at(-1)
  if (stage === undefined) return []
  const points = stage.distribution.filter(({ percentile }) => percentile >= 10 && percentile < 100)
  const name = stage.rate === null ? `${stage.clients} clients, closed loop` : `${show(RATE, stage.rate)} a second`
  return [
    lines({
      name: 'load_distribution',
      title: 'Distribution of the latency',
      note: noteOf(load),
      x: {
        title: 'Percentile',
        whole: true,
        show: (x) => `${Number((100 * (1 - 10 ** -x)).toFixed(3))} %`,
        tick: (x) => `${Number((100 * (1 - 10 ** -x)).toFixed(3))} %`,
      },
      y: LATENCY,
      lines: [{ name, points: points.map(({ percentile, ms }) => [nines(percentile), ms]) }],
      references: [{ name: 'limit of p99', value: load.objective.p99_ms }],
    }),
  ]
}

/** Returns the figures of loadtest.json: latency and answers by rate, if several were measured, and the distribution of the latency. */
export const loadFigures = (load: LoadedServer): Figure[] => [...againstRate(load), ...distribution(load)]
