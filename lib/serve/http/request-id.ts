import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const SANE = /^[\w.:+/=@-]{1,128}$/

/** Returns a header that names a request or a client when it is short and harmless in a log; undefined otherwise. */
export const saneName = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && SANE.test(header) ? header : undefined

/** Returns the X-Request-Id of a request, or makes one. */
export const requestId = ({ headers }: Pick<IncomingMessage, 'headers'>): string =>
  saneName(headers['x-request-id']) ?? randomUUID()
