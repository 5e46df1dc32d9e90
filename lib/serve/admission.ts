import { LvmError } from '../errors.js'

/** The error for a request that does not fit into the queue. */
export function fullness(size: number, queued: number, maxQueue: number): LvmError | undefined {
  if (size > maxQueue)
    return new LvmError('TOO_LARGE', `serve: expected at most ${maxQueue} contexts in a request but received ${size}`, {
      hint: 'send fewer contexts in one request, or start the server with a larger --max-queue',
    })
  if (queued + size > maxQueue)
    return new LvmError('OVERLOADED', `serve: expected at most ${maxQueue} waiting contexts but ${queued} wait and ${size} came`)
  return undefined
}

/**
 * The error for a request whose answer would come too late at the measured rate; one that need not wait is never refused.
 *
 * Units: contexts, contexts per ms, ms
 */
export function lateness(size: number, before: number, rate: number, maxWait: number | undefined): LvmError | undefined {
  if (maxWait === undefined || before === 0 || rate === 0) return undefined
  const ms = (before + size) / rate
  if (ms <= maxWait) return undefined
  return new LvmError('OVERLOADED', `serve: expected an answer within ${maxWait} ms but it would take about ${Math.ceil(ms)} ms`)
}
