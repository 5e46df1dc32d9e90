import { expect, test } from 'vitest'
import { start } from './client.js'
import { CONTEXT, DIM } from './fake-engine.js'
import { type Description, fuzz } from './fuzz.js'

test('3,000 requests at random from the description and by hand get an answer or a problem, and never an internal error', async () => {
  const { server, get, events } = await start({ bank: 'bank.npy' })
  const description = (await (await get('/openapi.json')).json()) as Description
  const { faults, statuses } = await fuzz(server.url, description, { context: CONTEXT, dim: DIM }, 1, 3000)
  expect(faults).toEqual([])
  expect(events.filter(({ type }) => type === 'problem')).toEqual([])
  for (const status of [200, 201, 400, 404, 405, 415, 422]) expect(statuses.get(status), `${status}`).toBeGreaterThan(0)
  expect((await get('/livez')).status).toBe(200)
  await server.kill()
})
