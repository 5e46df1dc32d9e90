// A server with one queue and a fixed service time, whose answers are those of `serve`. Run alone it listens and prints its URL.
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const problem = (response, status, code, detail) => {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...(status === 429 && { 'retry-after': '1' }) })
  response.end(JSON.stringify({ title: code, status, detail, code, request_id: 'x' }))
}

/**
 * Answers each request `service` ms after it has begun, one after the other; at most `queue` requests wait, the others get 429.
 * `fault(i)` may name a status for the i-th request.
 */
export async function queueServer({ service = 10, queue = Infinity, dim = 8, context = 3, key, fault = () => undefined } = {}) {
  let [free, waiting, requests, opened] = [0, 0, 0, 0]
  const sessions = new Map()
  const serve = (request, response, body) => {
    const i = requests++
    const status = fault(i)
    if (status !== undefined)
      return problem(response, status, status === 503 ? 'UNAVAILABLE' : 'BAD_REQUEST', 'as the test asked')
    if (waiting >= queue) return problem(response, 429, 'OVERLOADED', 'the queue is full')
    waiting++
    const start = Math.max(performance.now(), free)
    free = start + service
    const answer = () => {
      waiting--
      const raw = request.headers['content-type'] === 'application/octet-stream'
      const [batch] = raw ? request.headers['x-shape'].split(',').map(Number) : [JSON.parse(body).contexts?.length ?? 1]
      const vector = new Array(dim).fill(dim ** -0.5)
      if (raw) {
        response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-shape': `${batch},${dim}` })
        return response.end(Buffer.from(new Float32Array(batch * dim).buffer))
      }
      const session = /^\/v1\/sessions\/(.+)$/.exec(request.url)?.[1]
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
      if (session !== undefined) {
        sessions.set(session, sessions.get(session) + 1)
        return response.end(JSON.stringify({ prediction: vector, position: sessions.get(session) }))
      }
      if (request.url === '/v1/retrieve')
        return response.end(JSON.stringify({ results: new Array(batch).fill([{ row: 1, cosine: 1 }]) }))
      response.end(JSON.stringify({ predictions: new Array(batch).fill(vector) }))
    }
    // Timers are late by up to 1.5 ms: the rest is waited for actively, so that the service time is exact.
    const spin = () => (performance.now() >= free0 ? answer() : setImmediate(spin))
    const free0 = free
    setTimeout(spin, Math.max(0, free - performance.now() - 2))
  }
  const server = createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { url, method } = request
      if (key !== undefined && request.headers.authorization !== `Bearer ${key}`)
        return problem(response, 401, 'UNAUTHORIZED', 'no valid key')
      const json = (document) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
      if (url === '/v1/models') return json({ models: [{ name: 'queue', architecture: 'none', dim, context, weights: 'ab' }] })
      if (url === '/openapi.json') return json({ openapi: '3.1.0', info: { version: '1.2.3' } })
      if (url === '/metrics') {
        const { user, system } = process.cpuUsage()
        return response
          .writeHead(200, { 'content-type': 'text/plain' })
          .end(
            `# HELP process_cpu_seconds_total x\nprocess_cpu_seconds_total ${(user + system) / 1e6}\nprocess_resident_memory_bytes ${process.memoryUsage.rss()}\n`,
          )
      }
      if (url === '/v1/sessions' && method === 'POST') {
        sessions.set(String(++opened), 0)
        return json({ session: String(opened) })
      }
      if (method === 'DELETE')
        return sessions.delete(url.slice('/v1/sessions/'.length))
          ? response.writeHead(204).end()
          : problem(response, 404, 'NOT_FOUND', 'none')
      if (method !== 'POST') return problem(response, 404, 'NOT_FOUND', 'no such path')
      serve(request, response, Buffer.concat(chunks))
    })
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    sessions,
    counts: () => ({ requests, opened }),
    close: () =>
      new Promise((closed) => {
        server.close(closed)
        server.closeAllConnections()
      }),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await queueServer(JSON.parse(process.argv[2] ?? '{}'))
  process.stdout.write(`${url}\n`)
}
