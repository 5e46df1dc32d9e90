import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../control.js'
import type { WithData } from '../data/given-data.js'
import { asLvmError } from '../errors.js'
import type { Given } from '../options.js'
import { closeApp, endEngine } from './drain.js'
import { readApiKeys } from './http/api-keys.js'
import { makeApp } from './http/app.js'
import type { App, Core } from './http/core.js'
import { isReady } from './http/health-routes.js'
import { openLineLog } from './http/line-log.js'
import { makeListener } from './http/listener.js'
import { serveMetrics } from './http/serve-metrics.js'
import { servedModels } from './http/served-models.js'
import { readSplit } from './http/traffic-split.js'
import { reloads } from './reload.js'
import { asServeEvent, type ServeEvent } from './serve-events.js'
import type { ServeSettings, serveFields } from './serve-fields.js'
import { listenError, readCertificate, serveSettings, tryPort } from './serve-settings.js'
import { type NamedRun, type OpenEngine, openAll, runsToServe } from './served-runs.js'

/** Options of `serve`, and the function that it tells its events. */
export interface ServeOptions extends WithData<Given<typeof serveFields>, 'bank'> {
  /** Folders of runs or their names below artifacts/lvm/models, each also as NAME=RUN; the first is the default of requests. */
  readonly runs?: readonly string[] | undefined
  readonly tell?: ((event: ServeEvent) => void) | undefined
}

/** A server that listens. */
export interface Serving {
  readonly url: string
  /** Reads the runs, the keys, the certificate and the log again while requests go on. Errors: those of loading; the old runs then stay. */
  reload(): Promise<void>
  /** Finishes the accepted requests within drainTimeout and ends; returns how many were cut off. Units: grace in s, 0 by default */
  close(o?: { readonly grace?: number }): Promise<number>
  /** Ends at once. */
  kill(): Promise<void>
}

/** Least time after which a batch counts as stuck. Units: s */
const LEAST_BATCH_LIMIT = 60

/** Passes events on, but warnings of the start only after `listening`, which is the first event of a server. */
function listeningFirst(tell: (event: ServeEvent) => void) {
  let held: ServeEvent[] | undefined = []
  const release = () => {
    const late = held ?? []
    held = undefined
    for (const event of late) tell(event)
  }
  return {
    release,
    tell(event: ServeEvent) {
      if (held !== undefined && event.type === 'warning') return void held.push(event)
      tell(event)
      if (event.type === 'listening') release()
    },
  }
}

/** URL of a server that listens. */
function urlOf(app: App, { host, cert }: ServeSettings): string {
  const { port, family } = app.server.address() as AddressInfo
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `${cert === undefined ? 'http' : 'https'}://${family === 'IPv6' && name.includes(':') ? `[${name}]` : name}:${port}`
}

/** Returns a function that opens a run and counts its events. */
const opener =
  (core: Core, settings: ServeSettings, open: OpenEngine) =>
  ({ name, run }: NamedRun, signal?: AbortSignal) => {
    const {
      bank,
      space,
      encoder,
      device,
      threads,
      deterministic,
      maxBatch,
      batchDelay,
      maxQueue,
      maxWait,
      maxSessions,
      sessionIdle,
    } = settings
    const batchLimit = 1000 * Math.max(LEAST_BATCH_LIMIT, settings.deadline)
    const observe = (event: Parameters<Parameters<OpenEngine>[0]['observe']>[0]) => {
      core.metrics.engine(event, name)
      const told = asServeEvent(event, name)
      if (told) core.tell(told)
    }
    return open({
      run,
      name,
      bank,
      space,
      encoder,
      device,
      threads,
      deterministic,
      maxBatch,
      batchDelay,
      maxQueue,
      maxWait,
      batchLimit,
      maxSessions,
      sessionIdle,
      observe,
      signal,
    })
  }

/** Time between two warnings of lost lines; a full disk loses thousands. */
const LOSS_WARNING_MS = 60_000

/** Returns a function that warns of lines which could not be written, once a minute at most. */
export function lossWarning(tell: (event: ServeEvent) => void, now = () => performance.now()): (error: unknown) => void {
  let failures = 0
  let next = -Infinity
  return (error) => {
    failures++
    if (now() < next) return
    next = now() + LOSS_WARNING_MS
    const message = `lines of the log were lost, in ${failures} failed ${failures === 1 ? 'write' : 'writes'} since the start: ${asLvmError(error).message}`
    tell({ type: 'warning', version: 1, code: 'LOG', message })
  }
}

/** Makes what the routes share. */
async function makeCore(settings: ServeSettings, tell: (event: ServeEvent) => void): Promise<Core> {
  const models = servedModels()
  const keys = settings.apiKeyFile === undefined ? undefined : await readApiKeys(settings.apiKeyFile)
  const warnOfLoss = lossWarning(tell)
  const log =
    settings.log === undefined
      ? undefined
      : await openLineLog(settings.log, (error) => {
          core.metrics.logFailed()
          warnOfLoss(error)
        })
  const core: Core = {
    log,
    settings,
    models,
    metrics: serveMetrics(models.all, () => isReady(core)),
    keys,
    tell,
    draining: false,
    inFlight: 0,
  }
  for (const message of keys?.warnings ?? []) tell({ type: 'warning', version: 1, code: 'KEYS', message })
  return core
}

/** Starts a server whose runs `open` opens; everything that can be checked without loading a run is checked first. */
export async function startServer(
  { tell = () => {}, ...given }: ServeOptions,
  open: OpenEngine,
  control: Control = {},
): Promise<Serving> {
  const events = listeningFirst(tell)
  try {
    return await start({ ...given, tell: events.tell }, open, control)
  } catch (error) {
    events.release()
    throw error
  }
}

async function start(o: ServeOptions, open: OpenEngine, control: Control): Promise<Serving> {
  const { runs = [], tell = () => {}, ...given } = o
  const settings = serveSettings(given)
  const named = await runsToServe(runs, settings.modelsFile)
  const split =
    settings.split === undefined
      ? null
      : readSplit(
          settings.split,
          named.map(({ name }) => name),
        )
  const certificate = await readCertificate(settings)
  await tryPort(settings)
  const core = await makeCore(settings, tell)
  const openRun = opener(core, settings, open)
  try {
    core.models.swap(await openAll(named, openRun, control), split)
    const app = await makeApp(core, (listener) => makeListener(settings, certificate, listener))
    await app.listen({ host: settings.host, port: settings.port }).catch((error) => {
      throw listenError(error, settings)
    })
    const url = urlOf(app, settings)
    tell({ type: 'listening', url, version: 1, models: core.models.list().map(({ engine }) => engine.run) })
    const reload = reloads(core, app, runs, openRun)
    const serving: Serving = {
      url,
      reload: reload.now,
      close: (o) => close(core, app, reload.stop, o?.grace ?? 0),
      kill: () => kill(core, app, reload.stop),
    }
    return closedBy(control.signal, serving)
  } catch (error) {
    await Promise.allSettled(core.models.all().map(({ engine }) => engine.close()))
    await release(core)
    throw error
  }
}

/** Closes a server when its signal is aborted, unless it was closed before. */
function closedBy(signal: AbortSignal | undefined, { close, kill, ...rest }: Serving): Serving {
  const stop = () => void close().catch(() => {})
  signal?.aborted ? stop() : signal?.addEventListener('abort', stop, { once: true })
  const freed = <T>(end: () => T): T => {
    signal?.removeEventListener('abort', stop)
    return end()
  }
  return { ...rest, close: (o) => freed(() => close(o)), kill: () => freed(kill) }
}

/** Frees what a server holds beside its runs. */
async function release({ metrics, log }: Core): Promise<void> {
  metrics.close()
  await log?.close()
}

/** Ends a server after the accepted requests. */
async function close(core: Core, app: App, stopReloads: () => Promise<void>, grace: number): Promise<number> {
  const begun = performance.now()
  const { drainTimeout } = core.settings
  core.draining = true
  core.tell({ type: 'draining', version: 1, grace, in_flight: core.inFlight })
  await sleep(grace * 1000)
  const reloadsEnd = stopReloads()
  const lost = await closeApp(app, () => core.inFlight, drainTimeout)
  const left = Math.max(1, drainTimeout - (performance.now() - begun) / 1000)
  await Promise.allSettled(core.models.all().map((served) => endEngine(served, left)))
  await reloadsEnd
  await release(core)
  core.tell({ type: 'stopped', version: 1, seconds: (performance.now() - begun) / 1000, lost })
  return lost
}

/** Ends a server at once. */
async function kill(core: Core, app: App, stopReloads: () => Promise<void>): Promise<void> {
  core.draining = true
  const reloadsEnd = stopReloads()
  app.server.closeAllConnections()
  await Promise.allSettled([...core.models.all().map(({ engine }) => engine.close()), app.close(), reloadsEnd])
  await release(core)
}
