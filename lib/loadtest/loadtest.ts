import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { CONTROL, followed, type Control as LongControl } from '../control.js'
import { asyncDoor, callback, only, optional, withFields, word } from '../door.js'
import { LvmError } from '../errors.js'
import { sealedText } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { usableThreads } from '../libtorch/machine.js'
import { packageVersion } from '../libtorch/paths.js'
import { type Given, type Options, resolve } from '../options.js'
import { drawFigures } from '../report/figures/index.js'
import { loadFigures } from '../report/figures/load-figures.js'
import { LOADTEST } from '../report/report-document.js'
import { PLOTS } from '../report/report-forms.js'
import { now } from './arrivals.js'
import { ask, type Connection, openPool } from './connection.js'
import type { LoadDocument, LoadEvent, LoadedModel } from './load-document.js'
import { loadtestFields, milliseconds, refuseIdle } from './loadtest-fields.js'
import type { Bench } from './measure-stage.js'
import { useOfProcess, useOfServer } from './process-use.js'
import { outcomeOf } from './request.js'
import { type Requests, requestsFor } from './request-bodies.js'
import { runLoads } from './run-loads.js'
import { startSenders } from './senders.js'
import { connectionTo, modelAt, unreachable, versionAt } from './server-contact.js'
import type { Outcome } from './tally.js'

/** Options of `loadtest`: the URL of the server, and any field of `loadtestFields`. */
export interface LoadtestOptions extends Given<typeof loadtestFields> {
  /** URL of the server, as `serve` prints it. */
  readonly url: string
}

/** Result of `loadtest`: the measurements, and the files that it wrote. */
export interface Loadtested {
  readonly loadtest: LoadDocument
  readonly json: string
  readonly figures: readonly string[]
}

/** Requests sent one after the other before the first stage. */
const ALONE = 12

/** Median latency of single requests. Units: ms. Errors: UNAVAILABLE; if none is answered, BAD_REQUEST or OVERLOADED with the reason. */
async function alone(pool: Bench['pool'], connection: Connection, { message, bodies, form }: Requests): Promise<number> {
  const times: number[] = []
  let last: Outcome | undefined
  for (let i = 0; i < ALONE; i++) {
    const start = now()
    const answer = await ask(pool, { ...message, body: bodies[i % bodies.length]! }, connection.timeout).catch((error) => {
      throw unreachable(connection, error)
    })
    last = outcomeOf(answer, form)
    if (last.kind === 'answered') times.push(now() - start)
  }
  if (times.length > 0) return times.sort((a, b) => a - b)[times.length >> 1]!
  if (last?.kind === 'rejected')
    throw new LvmError('OVERLOADED', `loadtest: ${connection.origin} rejected all of ${ALONE} requests`)
  const reason = last?.kind === 'failed' ? `${last.code}: ${last.message}` : 'nothing'
  throw new LvmError('BAD_REQUEST', `loadtest: ${message.path} answered ${reason}`, {
    hint: `try one request first: curl -i ${connection.origin}${message.path}`,
  })
}

type Settings = Options<typeof loadtestFields>

/** The parts of loadtest.json that are known before the first stage. */
const known = (url: string, o: Settings, model: LoadedModel, version: string | null) => ({
  version: 1 as const,
  created_at: new Date().toISOString(),
  lvm_torch: packageVersion(),
  url,
  loop: o.closed ? ('closed' as const) : ('open' as const),
  route: o.route,
  format: o.raw ? ('bytes' as const) : ('JSON' as const),
  batch: o.batch,
  context: o.route === 'sessions' ? 1 : (o.context ?? model.context),
  data: o.data ?? null,
  seed: o.seed,
  server: {
    model: model.name,
    architecture: model.architecture,
    dim: model.dim,
    context: model.context,
    weights: model.weights,
    bank_rows: model.bank_rows,
    version,
  },
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
    threads: o.threads ?? Math.max(1, Math.min(4, usableThreads() >> 1)),
    connections: o.connections,
    load_before: loadavg()[0]!,
  },
  objective: { p99_ms: milliseconds(o.p99), errors: o.errors },
  duration: o.duration,
  warmup: o.warmup,
  timeout_ms: milliseconds(o.timeout),
})

async function written(loadtest: LoadDocument, out: string): Promise<Loadtested> {
  const plots = join(out, PLOTS)
  const drawn = await drawFigures(loadFigures(loadtest), plots)
  await replaceText(out, LOADTEST, sealedText(loadtest))
  return { loadtest, json: join(out, LOADTEST), figures: drawn.map(({ name }) => join(plots, `${name}.png`)) }
}

type Control = LongControl & { tell?: (event: LoadEvent) => void }
const ARGS = {
  options: withFields({ url: word }),
  control: only({ ...CONTROL, tell: optional(callback) }),
}

/**
 * Measures a server under load: one rate, or the highest rate that meets an objective; writes loadtest.json and figures.
 *
 * Requests arrive as a Poisson process, and a latency counts from the intended start of its request, so that a slow server does not
 * reduce the load.
 * Errors: BAD_OPTION; UNAVAILABLE for a server that cannot be reached; UNAUTHORIZED; NOT_FOUND for a URL without /v1/models; BAD_REQUEST
 * for requests that it refuses.
 */
export const loadtest = asyncDoor(
  'loadtest',
  ARGS,
  async (options: LoadtestOptions, control: Control = {}): Promise<Loadtested> => {
    const { url, ...given } = options
    const { signal, tell = () => {} } = control
    const o = resolve('loadtest', loadtestFields, given)
    refuseIdle(given, o)
    const connection = await connectionTo(url, o)
    const pool = openPool(connection, 2)
    try {
      const model = await modelAt(pool, connection, o.model)
      const head = known(url, o, model, await versionAt(pool, connection))
      const requests = await requestsFor(model, connection, o)
      const probes =
        o.route === 'sessions' ? await requestsFor(model, connection, { ...o, route: 'predict', batch: 1 }) : requests
      const { pid } = o
      const use = pid === undefined ? () => useOfServer(pool, connection) : () => useOfProcess(pid)
      await use() // a wrong process id is an error before any load is sent
      const alone_ms = await alone(pool, connection, probes)
      const { threads } = head.machine
      const sessions = o.route === 'sessions' ? o.sessions : 0
      tell({ type: 'start', version: 1, url, model, loop: head.loop, route: o.route, format: head.format, alone_ms, threads })
      const senders = await startSenders(
        { connection, connections: o.connections, ...requests, sessions, sessionLength: o.sessionLength },
        threads,
      )
      try {
        const { duration, warmup, errors } = o
        const bench: Bench = {
          senders,
          pool,
          connection,
          probes,
          limit: head.objective.p99_ms,
          errors,
          duration,
          warmup,
          use: () => use().catch(() => null),
          signal,
        }
        const share = watchCpuShare()
        const measured = await followed(control.onProgress, 'load', () => runLoads(bench, o, alone_ms, tell))
        const machine = { ...head.machine, cpu_share: share() }
        const result = await written({ ...head, machine, alone_ms, ...measured }, o.out)
        tell({ type: 'result', version: 1, ...result })
        return result
      } finally {
        await senders.close()
      }
    } finally {
      await pool.destroy()
    }
  },
)
