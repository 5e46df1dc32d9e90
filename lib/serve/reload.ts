import type { Server as TlsServer } from 'node:https'
import { asLvmError, LvmError } from '../errors.js'
import { retire } from './drain.js'
import type { Engine } from './engine-types.js'
import { readApiKeys } from './http/api-keys.js'
import type { App, Core } from './http/core.js'
import { readSplit } from './http/traffic-split.js'
import { readCertificate } from './serve-settings.js'
import { type NamedRun, openAll, runsToServe } from './served-runs.js'

const stopping = (): LvmError => new LvmError('UNAVAILABLE', 'serve: a server that stops cannot reload')

/** Reads everything again, and swaps it when all of it is good. */
async function swap(
  core: Core,
  app: App,
  runs: readonly string[],
  open: (run: NamedRun) => Promise<Engine>,
  signal: AbortSignal,
) {
  const { settings, models } = core
  const named = await runsToServe(runs, settings.modelsFile)
  const split =
    settings.split === undefined
      ? null
      : readSplit(
          settings.split,
          named.map(({ name }) => name),
        )
  const [keys, certificate] = await Promise.all([
    settings.apiKeyFile === undefined ? undefined : readApiKeys(settings.apiKeyFile),
    readCertificate(settings),
  ])
  if (certificate) (app.server as unknown as TlsServer).setSecureContext({ ...certificate, minVersion: 'TLSv1.2' })
  await core.log?.reopen()
  const engines = await openAll(named, open)
  if (core.draining) {
    await Promise.allSettled(engines.map((engine) => engine.close()))
    throw stopping()
  }
  core.keys = keys
  const how = { idle: settings.sessionIdle, seconds: settings.drainTimeout, signal }
  for (const old of models.swap(engines, split)) void retire(old, models, how)
  return engines.map(({ run }) => run)
}

/** Returns a function that reloads, one reload after the other, and one that ends reloads and the waiting for sessions of replaced runs. */
export function reloads(
  core: Core,
  app: App,
  runs: readonly string[],
  open: (run: NamedRun, signal: AbortSignal) => Promise<Engine>,
) {
  const stopped = new AbortController()
  let waiting = new AbortController()
  let last: Promise<void> = Promise.resolve()
  const once = async (): Promise<void> => {
    if (core.draining) throw stopping()
    const begun = performance.now()
    core.tell({ type: 'reloading', version: 1 })
    waiting.abort() // runs replaced by an earlier reload end now, so that at most two of each are in memory
    waiting = new AbortController()
    try {
      const models = await swap(core, app, runs, (run) => open(run, stopped.signal), waiting.signal)
      core.metrics.reloaded(true)
      core.tell({ type: 'reloaded', version: 1, models, seconds: (performance.now() - begun) / 1000 })
    } catch (thrown) {
      const error = stopped.signal.aborted ? stopping() : thrown
      const { code, message, commandHint: hint } = asLvmError(error)
      core.metrics.reloaded(false)
      core.tell({ type: 'reload_failed', version: 1, code, message, hint })
      throw error
    }
  }
  return {
    now: (): Promise<void> => {
      last = last.catch(() => {}).then(once)
      return last
    },
    /** Resolves when no reload is in progress. */
    stop: (): Promise<void> => {
      stopped.abort()
      waiting.abort()
      return last.catch(() => {})
    },
  }
}
