import { STATUS_CODES } from 'node:http'
import { ERRORS, type ErrorCode } from '../../error-codes.js'
import { asLvmError, LvmError } from '../../errors.js'

/** Content type of every error. */
export const PROBLEM = 'application/problem+json'

/** Body of every error. Source: RFC 9457, with code, hint and request_id as extensions. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly hint: string
  readonly instance?: string
  readonly request_id: string
}

/** Status of an answer with this code; 500 for codes that no request can cause. */
export const statusOf = (code: ErrorCode): number => {
  const entry = ERRORS[code]
  return 'status' in entry ? entry.status : 500
}

/** Our code for each status that Fastify or Node chooses by itself. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHORIZED',
  404: 'NOT_FOUND',
  405: 'NOT_FOUND',
  408: 'REQUEST_TIMEOUT',
  413: 'TOO_LARGE',
  414: 'TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA',
  429: 'OVERLOADED',
  431: 'TOO_LARGE',
  503: 'UNAVAILABLE',
}

/** Status in logs of a request whose client has left; nobody receives it. Source: nginx */
const LEFT = 499

/** An error with the status of its answer. */
export interface Failure {
  readonly error: LvmError
  readonly status: number
}

/** Turns an error of a handler, of Fastify or of one of its plugins into ours and its status. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof LvmError && thrown.code === 'INTERRUPTED') return { error: thrown, status: LEFT }
  if (thrown instanceof LvmError) return { error: thrown, status: statusOf(thrown.code) }
  const { statusCode: status, message } = (thrown ?? {}) as { statusCode?: unknown; message?: unknown }
  if (typeof status !== 'number' || status < 400 || status >= 500) return { error: asLvmError(thrown), status: 500 }
  return { error: new LvmError(CODES[status] ?? 'BAD_REQUEST', `request: ${String(message)}`), status }
}

/** Makes the body of an error; of an error that no request causes it tells the code alone, because the message may name files. */
export function problemOf({ error, status }: Failure, requestId: string, path?: string): Problem {
  const internal = status === 500
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: internal ? ERRORS[error.code].about : error.message,
    code: error.code,
    hint: internal ? 'the log of the server has the cause under this request_id' : error.commandHint,
    ...(path === undefined ? {} : { instance: path }),
    request_id: requestId,
  }
}
