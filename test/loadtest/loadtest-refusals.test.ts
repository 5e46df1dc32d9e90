import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { loadtest } from '../../lib/index.js'
import { queueServer } from './queue-server.mjs'

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'lvm-loadtest-'))
const out = join(folder, 'out')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const short = { duration: 0.5, warmup: 0, p99: '5s', out } as const

it('a key is sent from its file, and a server that refuses it is a coded error with the fix', async () => {
  const server = await queueServer({ service: 1, key: 'a-long-enough-key' })
  const file = join(folder, 'keys')
  writeFileSync(file, '# keys\na-long-enough-key\n')
  const { loadtest: document } = await loadtest({ url: server.url, rate: 20, apiKeyFile: file, ...short })
  expect(document.met).toBe(true)
  await expect(loadtest({ url: server.url, rate: 20, ...short })).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  writeFileSync(file, 'another-long-key\n')
  await expect(loadtest({ url: server.url, rate: 20, apiKeyFile: file, ...short })).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  })
  await server.close()
})

it.each([
  ['that is no URL', 'localhost:8080', 'BAD_OPTION', /URL of a server/],
  ['with another scheme', 'ftp://127.0.0.1', 'BAD_OPTION', /URL of a server/],
  ['with a query', 'http://127.0.0.1/?x=1', 'BAD_OPTION', /without a query/],
  ['on which nothing listens', 'http://127.0.0.1:9', 'UNAVAILABLE', /ECONNREFUSED/],
  ['of an unknown host', 'http://no-such-host.invalid', 'UNAVAILABLE', /no-such-host/],
])('a URL %s is refused before any load is sent', async (_, url, code, message) => {
  await expect(loadtest({ url, ...short })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

it('a server that lists no models, and one that does not speak TLS, are coded errors', async () => {
  const server = createServer((_, response) => response.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await expect(loadtest({ url: `http://127.0.0.1:${port}`, ...short })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const refused = { code: 'UNAVAILABLE', hint: expect.stringContaining('http and https') }
  await expect(loadtest({ url: `https://127.0.0.1:${port}`, ...short })).rejects.toMatchObject(refused)
  server.close()
})

it('a server that refuses every request is an error with its reason', async () => {
  const server = await queueServer({ fault: () => 400 })
  await expect(loadtest({ url: server.url, ...short })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining('as the test asked'),
  })
  await server.close()
})

it.each([
  ['clients', { clients: 3 }],
  ['rate', { rate: 3, closed: true }],
  ['overload', { overload: 3, rate: 5 }],
  ['raw', { raw: true, route: 'retrieve' }],
  ['k', { k: 3 }],
  ['sessions', { sessions: 3 }],
  ['ca', { ca: 'x.pem' }],
  ['model', { model: 'other' }],
  ['model', { model: '€' }], // a header cannot carry it
  ['pid', { pid: 4_194_303 }],
  ['p99', { p99: '50' }],
] as const)('an option without effect or with a wrong value is refused: %s', async (name, more) => {
  const server = await queueServer({ service: 1 })
  const given = { url: server.url, duration: 0.2, warmup: 0, out, ...more }
  await expect(loadtest(given as never)).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: expect.stringContaining(`"${name}"`),
  })
  await server.close()
})
