import { connect } from 'node:net'
import type { Control } from '../../lib/control.js'
import type { Problem } from '../../lib/serve/http/problem.js'
import type { ServeEvent } from '../../lib/serve/serve-events.js'
import { type ServeOptions, startServer } from '../../lib/serve/start-server.js'
import { type Faults, fakeEngines } from './fake-engine.js'

type Headers = Record<string, string>

/** Functions that ask a server. */
export const client = (url: () => string) => ({
  post: (path: string, body: unknown, headers: Headers = {}) =>
    fetch(`${url()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  raw: (path: string, body: Buffer, headers: Headers = {}) =>
    fetch(`${url()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body: new Uint8Array(body),
    }),
  get: (path: string, headers: Headers = {}) => fetch(`${url()}${path}`, { headers }),
  /** Sends bytes as they are and returns all that comes back, at most for `ms`. */
  bytes: (text: string | Buffer, ms = 3000) => exchange(url(), text, ms),
})

export function exchange(url: string, text: string | Buffer, ms = 3000): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((done) => {
    const socket = connect(Number(port), hostname)
    let received = ''
    const timer = setTimeout(() => socket.destroy(), ms)
    socket.on('connect', () => socket.write(text))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      done(received)
    })
  })
}

/** Body of an error. */
export const problem = async (answer: Response): Promise<Problem> => (await answer.json()) as Problem

/** Starts a server with engines that need no model. */
export async function start(options: ServeOptions = {}, faults: Faults = {}, control: Control = {}) {
  const events: ServeEvent[] = []
  const engines = fakeEngines(faults)
  const tell = (event: ServeEvent) => void events.push(event)
  const server = await startServer({ runs: ['a'], port: 0, ...options, tell }, engines.open, control)
  return { server, events, ...engines, ...client(() => server.url) }
}
