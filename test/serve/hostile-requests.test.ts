import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../lib/serve/start-server.js'
import { client } from './client.js'
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
])('a request with %s is answered with a problem', async (_what, text, status, code) => {
  const answer = await bytes(text)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain(`"code":"${code}"`)
  expect(answer).toContain('"request_id":"')
})
