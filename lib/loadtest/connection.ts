import { Pool } from '../packages/undici.js'
import { type Answer, type Flight, type Message, send } from './request.js'

/** How a server is reached. */
export interface Connection {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path before that of every request, without a slash at its end. */
  readonly base: string
  /** Authorization, if the server needs it. */
  readonly headers: Readonly<Record<string, string>>
  /** Certificate authorities (PEM). */
  readonly ca: string | null
  readonly insecure: boolean
  /** Units: ms */
  readonly timeout: number
}

/** Opens a pool of connections that are kept. */
export const openPool = ({ origin, ca, insecure, timeout }: Connection, connections: number): Pool =>
  new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: 0, // the sender has its own timeout, which also counts the wait for a connection
    bodyTimeout: 0,
    keepAliveTimeout: 60_000,
    connect: { timeout, ...(ca !== null && { ca }), ...(insecure && { rejectUnauthorized: false }) },
  })

/** Error of a request that was not answered in time. */
export const timedOut = (ms: number): Error => Object.assign(new Error(`no answer within ${ms} ms`), { code: 'TIMEOUT' })

/** Sends one request and waits for its answer. Errors: those of the connection. */
export const ask = (pool: Pool, message: Message, timeout: number): Promise<Answer> =>
  new Promise((answered, failed) => {
    let flight: Flight | undefined
    const timer = setTimeout(() => flight?.abort(timedOut(timeout)), timeout)
    flight = send(pool, message, (answer) => {
      clearTimeout(timer)
      if (answer instanceof Error) failed(answer)
      else answered(answer)
    })
  })
