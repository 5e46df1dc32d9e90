import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../lib/serve/start-server.js'
import { client, start } from './client.js'
import { fakeEngines } from './fake-engine.js'

const { open } = fakeEngines()
const server = await startServer({ runs: ['a'], port: 0 }, open)
afterAll(() => server.kill())
const { bytes } = client(() => server.url)

test.each([
  ['a path that climbs', '/v1/../livez', 404],
  ['an encoded path that climbs', '/v1/%2e%2e/livez', 404],
  ['a path with NUL', '/v1/%00', 404],
  ['a broken escape', '/v1/%zz', 400],
  ['a file of the docs that climbs', '/docs/static/..%2f..%2fpackage.json', 404],
  ['two slashes', '//v1/models', 404],
])('%s finds nothing', async (_what, path, status) => {
  const text = await bytes(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(text).toContain('application/problem+json')
})

test.each([
  ['a URL of 64 KB', `GET /${'a'.repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'TOO_LARGE'],
  ['a header of 64 KB', `GET /livez HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(65_536)}\r\n\r\n`, 431, 'TOO_LARGE'],
  ['200 headers', `GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'a: b\r\n'.repeat(200)}\r\n`, 431, 'TOO_LARGE'],
  ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400, 'BAD_REQUEST'],
  ['two lengths', 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}', 400, 'BAD_REQUEST'],
  [
    'a length beside chunks',
    'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  [
    'a length that is too small',
    'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"contexts": []}',
    400,
    'BAD_REQUEST',
  ],
  ['a method of its own', 'BREW /v1/predict HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BAD_REQUEST'],
  ['an expectation', 'GET /nothing HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\n\r\n', 404, 'NOT_FOUND'],
  ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BAD_REQUEST'],
  ['no host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
  ['two hosts', 'GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a version of its own', 'GET /livez HTTP/2.0\r\nHost: x\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
  ['no version', 'GET /livez\r\n\r\n', 400, 'BAD_REQUEST'],
  ['chunks in HTTP/1.0', 'POST /v1/sessions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'BAD_REQUEST'],
  [
    'a compressed body',
    'POST /v1/predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n',
    415,
    'UNSUPPORTED_MEDIA',
  ],
])('a request with %s is answered with a problem', async (_what, text, status, code) => {
  const answer = await bytes(text)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain(`"code":"${code}"`)
  expect(answer).toContain('"request_id":"')
})

const WAITS = 'Host: x\r\nExpect: 100-continue\r\n'
test.each([
  [
    'a body that is too large',
    `POST /v1/predict HTTP/1.1\r\n${WAITS}Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n`,
    413,
  ],
  ['a type that is not read', `POST /v1/predict HTTP/1.1\r\n${WAITS}Content-Type: text/csv\r\nContent-Length: 9\r\n\r\n`, 415],
  ['no path', `POST /v1/nothing HTTP/1.1\r\n${WAITS}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n`, 404],
  [
    'a method of another path',
    `PUT /v1/predict HTTP/1.1\r\n${WAITS}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n`,
    405,
  ],
])(
  'a client that waits for 100 Continue is refused before it sends its body, and its connection closed: %s',
  async (_what, text, status) => {
    const answer = await bytes(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toMatch(/^connection: close\r$/im)
  },
)

test('a client that waits for 100 Continue may send the body that is read', async () => {
  const body = '{"contexts": 3}'
  const answer = await bytes(
    `POST /v1/predict HTTP/1.1\r\n${WAITS}Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 400 /)
})

test.each(['/v1/predict', '/v1/rollout', '/v1/retrieve', '/v1/feedback', '/v1/sessions/1-x', '/v2/models/a/infer'])(
  'a request to %s without a body is answered with 400',
  async (path) => {
    const answer = await bytes(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain('application/problem+json')
  },
)

/** Sends many requests for a file of 1.5 MB at once and reads no answer. */
function greedy(url: string, requests: number): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  socket.pause()
  socket.write('GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(requests))
  return socket
}

test('a client that leaves the answers of many requests unread keeps no request open', async () => {
  const { server } = await start()
  const socket = greedy(server.url, 100)
  await sleep(300)
  socket.destroy()
  await sleep(200)
  expect(await server.close()).toBe(0)
})

test('a connection on which too many requests wait is closed', async () => {
  const { server, get } = await start()
  const socket = greedy(server.url, 400)
  await expect.poll(() => socket.closed || socket.resume().closed).toBe(true)
  expect((await get('/livez')).status).toBe(200)
  await server.kill()
})

test('many requests sent at once are answered in their order', async () => {
  const one = (id: number, more = '') => `GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: n${id}\r\n${more}\r\n`
  const last = one(100, 'Connection: close\r\n')
  const text = await bytes(Array.from({ length: 100 }, (_, id) => one(id)).join('') + last)
  expect([...text.matchAll(/x-request-id: n(\d+)/g)].map(([, id]) => Number(id))).toEqual(
    Array.from({ length: 101 }, (_, id) => id),
  )
})

test('a client that does not read its answer is disconnected', async () => {
  const { server } = await start({ requestTimeout: 0.3, deadline: 0.3 })
  const socket = greedy(server.url, 20)
  await sleep(2000)
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  socket.resume()
  await expect.poll(() => socket.closed, { timeout: 5000 }).toBe(true)
  expect(received).toBeLessThan(20e6) // of 30 MB
  await server.kill()
})
