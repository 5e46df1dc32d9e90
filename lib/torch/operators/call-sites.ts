import type { LvmError } from '../../errors.js'
import { native } from '../../native.js'

/** Frames that the stack of a call keeps. */
const FRAMES = 4
/** Calls after which the places of those that have succeeded are dropped; more than the lane queues. */
const OFTEN = 4096
/** Failed calls whose places are kept. */
const MANY_FAILED = 256

interface Site {
  stack?: string
}
const sites = new Map<number, Site>()
const failed = new Map<number, Site>()
let calls = 0

/** Number of the last call that has run; the places of those that have succeeded are dropped. */
export function lastDone(): number {
  const [done = 0, ...wrong] = native.callsDone()
  for (const call of wrong) {
    const site = sites.get(call)
    if (site !== undefined) failed.set(call, site)
    if (failed.size > MANY_FAILED) failed.delete(failed.keys().next().value as number)
  }
  for (const call of sites.keys()) {
    if (call > done) break
    sites.delete(call)
  }
  return done
}

let flushing = false
/** Wakes the thread of the operators at the end of this turn of the event loop. */
function flushSoon(): void {
  if (flushing) return
  flushing = true
  queueMicrotask(() => {
    flushing = false
    native.flushCalls()
  })
}

/** Numbers a call and notes its place, without the frames of `inner` and of what it called. */
export function nextCall(inner: (...given: never[]) => unknown): number {
  flushSoon()
  if (sites.size >= OFTEN) lastDone()
  const site: Site = {}
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  Error.captureStackTrace(site, inner)
  Error.stackTraceLimit = stackTraceLimit
  sites.set(++calls, site)
  return calls
}

/** Gives an error the stack of the call that it came from. */
export function placed(error: unknown): unknown {
  const { call } = ((error as LvmError).cause ?? {}) as { call?: number }
  if (call === undefined) return error
  const site = sites.get(call) ?? failed.get(call)
  const frames = site?.stack?.replace(/^[^\n]*\n/, '')
  const { name, message } = error as LvmError
  if (frames !== undefined) (error as LvmError).stack = `${name}: ${message}\n${frames}`
  return error
}
