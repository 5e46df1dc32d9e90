import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { LvmError } from '../../errors.js'
import type { Core } from './core.js'
import { type Failure, PROBLEM, problemOf } from './problem.js'

/** What to answer to bytes that are no HTTP request, or that did not arrive in time. */
function failureOn({ code }: NodeJS.ErrnoException): Failure {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { error: new LvmError('REQUEST_TIMEOUT', 'request: it did not arrive in full in time'), status: 408 }
  if (code === 'HPE_HEADER_OVERFLOW')
    return {
      error: new LvmError('TOO_LARGE', 'request: its path and headers are too long', { hint: 'send fewer or shorter headers' }),
      status: 431,
    }
  return { error: new LvmError('BAD_REQUEST', 'request: it is not valid HTTP/1.1'), status: 400 }
}

/** Answers on a socket whose request could not be read, and closes it. */
export function answerSocket(error: NodeJS.ErrnoException, socket: Socket, { metrics }: Core): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const failure = failureOn(error)
  const id = randomUUID()
  const body = JSON.stringify(problemOf(failure, id))
  metrics.refused(failure.status, failure.error.code)
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\nContent-Type: ${PROBLEM}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-Id: ${id}\r\nConnection: close\r\n\r\n${body}`,
  )
}
