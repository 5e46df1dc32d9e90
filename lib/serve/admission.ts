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

/** The error for a request whose answer is expected after `ms`; one that need not wait is never refused. Units: contexts, ms */
export function lateness(before: number, ms: number, maxWait: number | undefined): LvmError | undefined {
  if (maxWait === undefined || before === 0 || ms <= maxWait) return undefined
  return new LvmError('OVERLOADED', `serve: expected an answer within ${maxWait} ms but it would take about ${Math.ceil(ms)} ms`)
}
