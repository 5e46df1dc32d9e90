import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from './http/core.js'
import type { Served, ServedModels } from './http/served-models.js'

/** Waits until a condition holds, at most `seconds`; returns whether it does. */
export async function until(holds: () => boolean, seconds: number, signal?: AbortSignal): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  while (!holds() && performance.now() < end && !signal?.aborted) await sleep(20)
  return holds()
}

/** Runs work for at most `seconds`; returns whether it ended in time. */
const within = async (work: Promise<unknown>, seconds: number): Promise<boolean> => {
  const timer = new AbortController()
  const late = sleep(seconds * 1000, false, { signal: timer.signal, ref: false }).catch(() => false)
  const done = work.then(
    () => true,
    () => true,
  )
  return Promise.race([done, late]).finally(() => timer.abort())
}

/** Finishes the accepted work of an engine within `seconds`, and ends it. */
export async function endEngine({ engine }: Served, seconds: number): Promise<void> {
  if (!(await within(engine.drain(), seconds))) await engine.close().catch(() => {}) // its process has ended by itself
}

/** Lets the sessions of a replaced engine go on for at most `idle` seconds, then ends it. */
export async function retire(
  served: Served,
  models: ServedModels,
  { idle, seconds, signal }: { readonly idle: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<void> {
  await until(() => served.engine.gauges.sessions === 0, idle, signal)
  await endEngine(served, seconds).finally(() => models.forget(served))
}

/** Time for requests that are on their way on open connections, and for the last bytes of answers. Units: s */
const LINGER = 0.1

/** Stops accepting connections, waits for the requests in flight for at most `seconds`, and returns how many were cut off. */
export async function closeApp(app: App, inFlight: () => number, seconds: number): Promise<number> {
  const { server } = app
  await new Promise(setImmediate) // right after waiting connections were accepted, because closing resets those that are not
  NetServer.prototype.close.call(server) // that of HTTP also cuts connections whose next request has not been read yet
  await sleep(LINGER * 1000)
  await until(() => inFlight() === 0, seconds)
  const lost = inFlight()
  const closed = app.close()
  await within(closed, LINGER)
  server.closeAllConnections()
  await closed
  return lost
}
