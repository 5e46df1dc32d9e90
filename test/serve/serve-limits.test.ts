import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { exchange, problem, start } from './client.js'
import { contexts } from './fake-engine.js'

test('a request has the deadline of the server, or a shorter one of its header', async () => {
  const { server, post, seen } = await start({ deadline: 5 })
  const ask = (headers: Record<string, string>) => post('/v1/predict', { contexts: contexts(1) }, headers)
  await ask({})
  await ask({ 'x-deadline-ms': '100' })
  await ask({ 'x-deadline-ms': '999999' })
  const [own, shorter, capped] = seen.deadlines
  expect(own).toBeGreaterThan(4000)
  expect(own).toBeLessThanOrEqual(5000)
  expect(shorter).toBeLessThanOrEqual(100)
  expect(capped).toBeLessThanOrEqual(5000)
  for (const wrong of ['0', '-1', 'x', '1e3', '1.5'])
    expect(await problem(await ask({ 'x-deadline-ms': wrong }))).toMatchObject({ status: 400 })
  await server.kill()
})

test('a deadline that has passed answers 504', async () => {
  const { server, post } = await start({}, { delay: 50 })
  const late = await post('/v1/predict', { contexts: contexts(1) }, { 'x-deadline-ms': '1' })
  expect(await problem(late)).toMatchObject({ status: 504, code: 'DEADLINE' })
  await server.kill()
})

test('a client that leaves aborts its request', async () => {
  const { server, seen } = await start({}, { delay: 300 })
  const controller = new AbortController()
  const left = fetch(`${server.url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ contexts: contexts(1) }),
    signal: controller.signal,
  })
  await sleep(100)
  controller.abort()
  await expect(left).rejects.toThrow()
  await expect.poll(() => seen.aborted.length).toBe(1)
  await server.kill()
})

const HEAD = 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
test.each([
  ['headers that never end', 'POST /v1/predict HTTP/1.1\r\nHost: x\r\n'],
  ['a body that never ends', `${HEAD}Content-Length: 1000\r\n\r\n{"contexts":`],
])('%s are answered with 408 after the request timeout', async (_what, text) => {
  const { server } = await start({ requestTimeout: 0.3 })
  const answer = await exchange(server.url, text, 5000)
  expect(answer).toMatch(/^HTTP\/1.1 408 /)
  expect(answer).toContain('"code":"REQUEST_TIMEOUT"')
  await server.kill()
})

test('connections beyond the limit are closed and counted', async () => {
  const { server, get } = await start({ maxConnections: 2 })
  const { hostname, port } = new URL(server.url)
  const held = Array.from({ length: 6 }, () => connect(Number(port), hostname).on('error', () => {}))
  await sleep(200)
  for (const socket of held) socket.destroy()
  await sleep(50)
  expect(await (await get('/metrics')).text()).toMatch(/lvm_dropped_connections_total [1-9]/)
  await server.kill()
})
