import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LvmError } from '../../errors.js'
import { TRAINING_PAGE, type WatchPage } from './watch-page.js'

const HOST = '127.0.0.1'
/** Pages that can be open at a time. */
const PAGES = 16
/** Bytes that may wait for a page that does not read: some ten messages with all points. */
const WAITING = 4e6
/** Time between two messages to a page, and how long the end of a training waits until its pages have read the last one. Units: ms. */
const [EVERY, PATIENCE] = [250, 1000]

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** What a page shows: its state and all points, or those that changed since the last call, as JSON. */
export interface Live {
  whole(): string
  change(): string
}

/** A server that shows trainings. */
export interface WatchServer {
  readonly url: string
  /** Tells the pages soon that something has changed. */
  changed(): void
  /** Tells the pages the last state and ends their connections. */
  close(): Promise<void>
}

function listenError(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException
  const bad = (what: string, hint: string) =>
    new LvmError('BAD_OPTION', `watch: port ${port} of ${HOST} ${what}`, { hint, cause: error })
  if (code === 'EADDRINUSE')
    return bad('is in use', 'choose another port for the page, or leave it out: then a free one is taken')
  if (code === 'EACCES') return bad('needs more rights', 'choose a port from 1024 on')
  return error
}

/** Listens on the loopback interface. Errors: BAD_OPTION for a port that is in use. */
const listen = (server: Server, port: number): Promise<number> =>
  new Promise((done, fail) => {
    const failed = (error: unknown) => fail(listenError(error, port))
    server.once('error', failed)
    server.listen({ host: HOST, port, exclusive: true }, () => {
      server.off('error', failed)
      server.on('error', () => {}) // such as no more file descriptors for a connection: the training goes on
      done((server.address() as AddressInfo).port)
    })
  })

/** Whether a request names this server: a page of another site could otherwise read it through a name that it points here (DNS rebinding). */
const isOurs = ({ headers: { host = '' } }: IncomingMessage, port: number): boolean =>
  [HOST, 'localhost'].some((name) => host === `${name}:${port}` || (port === 80 && host === name))

/** Whether a page of another site asks; links to the page are allowed. */
const isForeign = ({ headers }: IncomingMessage): boolean =>
  ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site']))

function refuse(response: ServerResponse, status: number, sentence: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...HEADERS, ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`)
}

/** Answers everything but a request for the events. */
function answer(request: IncomingMessage, response: ServerResponse, port: number, page: WatchPage): 'events' | undefined {
  const path = request.url?.replace(/\?.*/s, '')
  if (!isOurs(request, port)) refuse(response, 403, `expected the address http://${HOST}:${port}`)
  else if (request.method !== 'GET' && request.method !== 'HEAD')
    refuse(response, 405, 'expected GET or HEAD', { Allow: 'GET, HEAD' })
  else if (path === '/') {
    const headers = { ...HEADERS, 'Content-Security-Policy': page.policy, 'Content-Type': 'text/html; charset=utf-8' }
    response.writeHead(200, headers).end(page.html)
  } else if (path !== '/events') refuse(response, 404, 'expected / or /events')
  else if (isForeign(request)) refuse(response, 403, 'expected a request of its own page')
  else if (request.method === 'HEAD') response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' }).end()
  else return 'events'
  return undefined
}

/** Serves a page about trainings to this machine. Errors: BAD_OPTION for a port that is in use. */
export async function openWatchServer(
  port: number,
  live: Live,
  { page: shown = TRAINING_PAGE, every = EVERY }: { page?: WatchPage; every?: number } = {},
): Promise<WatchServer> {
  const pages = new Set<ServerResponse>()
  let timer: NodeJS.Timeout | undefined
  const send = (page: ServerResponse, message: string) => {
    if (page.writableLength > WAITING)
      page.destroy() // it asks again when it reads again
    else page.write(`data: ${message}\n\n`)
  }
  const flush = () => {
    timer = undefined
    if (pages.size === 0) return
    const message = live.change()
    for (const page of pages) send(page, message)
  }
  const server = createServer({ keepAliveTimeout: 1000, connectionsCheckingInterval: 5000 }, (request, response) => {
    response.on('error', () => {})
    if (answer(request, response, bound, shown) === undefined) return
    if (pages.size >= PAGES) return refuse(response, 503, `expected at most ${PAGES} open pages`)
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' })
    pages.add(response)
    response.on('close', () => pages.delete(response))
    send(response, live.whole())
  })
  server.maxConnections = 4 * PAGES
  server.unref()
  server.on('connection', (socket) => socket.unref())
  const bound = await listen(server, port)
  return {
    url: `http://${HOST}:${bound}/`,
    changed: () => {
      if (pages.size > 0) timer ??= setTimeout(flush, every).unref()
    },
    close: async () => {
      clearTimeout(timer)
      flush()
      const closed = new Promise<void>((done) => server.close(() => done()))
      for (const page of pages) page.end()
      server.closeIdleConnections()
      const late = setTimeout(() => server.closeAllConnections(), PATIENCE)
      await closed
      clearTimeout(late)
    },
  }
}
