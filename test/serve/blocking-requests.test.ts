import { expect, test } from 'vitest'
import { problem, start } from './client.js'
import { asBytes, contexts, DIM } from './fake-engine.js'

test.each([
  ['objects', `[${'{},'.repeat(20_000)}{}]`],
  ['keys', `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}`],
  ['empty lists', `[${'[],'.repeat(20_000)}[]]`],
])('a body with too many %s is refused before it is parsed', async (_what, body) => {
  const { server: large, post: ask } = await start({ maxBody: 1e6 })
  expect(await problem(await ask('/v1/predict', body))).toMatchObject({
    status: 413,
    code: 'TOO_LARGE',
    detail: expect.stringContaining('too many objects, texts or lists'),
  })
  await large.kill()
})

test('a request whose answer would be too long is refused before it is computed', async () => {
  const { server: wide, post: ask, raw: askRaw, seen } = await start({ maxBatch: 4096, bank: 'bank.npy' })
  const many = contexts(1000)
  const steps = 1000
  expect(await problem(await ask('/v1/rollout', { contexts: many, steps }))).toMatchObject({ status: 413, code: 'TOO_LARGE' })
  expect(await problem(await ask('/v1/retrieve', { contexts: many, k: 101 }))).toMatchObject({ status: 413, code: 'TOO_LARGE' })
  expect(seen.deadlines).toEqual([])
  const headers = { 'x-shape': `1000,3,${DIM}`, 'x-steps': `${steps}` }
  expect((await askRaw('/v1/rollout', asBytes(many), headers)).status).toBe(200) // 16 MB
  await wide.kill()
})
