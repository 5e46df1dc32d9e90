import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../lib/serve/start-server.js'
import { asBytes, axis, contexts, DIM, fakeEngines } from './fake-engine.js'

const { open } = fakeEngines()
const server = await startServer({ runs: ['a', 'b'], bank: 'bank.npy', port: 0 }, open)
afterAll(() => server.kill())

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const raw = (path: string, body: Buffer, headers: Record<string, string>) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: new Uint8Array(body),
  })

test('predict answers one unit vector for each context', async () => {
  const answer = await post('/v1/predict', { contexts: contexts(2) })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-model')).toBe('a')
  const { predictions } = (await answer.json()) as { predictions: number[][] }
  expect(predictions.map((p) => p.length)).toEqual([DIM, DIM])
  for (const p of predictions) expect(Math.hypot(...p)).toBeCloseTo(1, 5)
})

test('predict answers bytes to bytes, equal to its JSON answer', async () => {
  const answer = await raw('/v1/predict', asBytes(contexts(2)), { 'x-shape': `2,3,${DIM}` })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/octet-stream')
  expect(answer.headers.get('x-shape')).toBe(`2,${DIM}`)
  const values = new Float32Array(await answer.arrayBuffer())
  const { predictions } = (await (await post('/v1/predict', { contexts: contexts(2) })).json()) as { predictions: number[][] }
  expect(Array.from(values)).toEqual(predictions.flat())
})

test('retrieve answers k rows for each context, without the excluded ones', async () => {
  const answer = await post('/v1/retrieve', { contexts: contexts(2), k: 2, exclude: [0] })
  expect(await answer.json()).toEqual({
    results: Array.from({ length: 2 }, () => [
      { row: 1, cosine: 0.9, article: 'a', text: 'row 1' },
      { row: 2, cosine: 0.8, article: 'a', text: 'row 2' },
    ]),
  })
  const bytes = await raw('/v1/retrieve', asBytes(contexts(1)), { 'x-shape': `1,3,${DIM}`, 'x-k': '1', 'x-exclude': '0,1' })
  expect(((await bytes.json()) as { results: { row: number }[][] }).results[0]!.map(({ row }) => row)).toEqual([2])
})

test('rollout answers the asked number of steps for each context', async () => {
  const answer = await post('/v1/rollout', { contexts: contexts(2), steps: 3 })
  const { predictions } = (await answer.json()) as { predictions: number[][][] }
  expect(predictions.map((steps) => steps.map((p) => p.length))).toEqual([
    [DIM, DIM, DIM],
    [DIM, DIM, DIM],
  ])
  const bytes = await raw('/v1/rollout', asBytes(contexts(2)), { 'x-shape': `2,3,${DIM}`, 'x-steps': '3' })
  expect(bytes.headers.get('x-shape')).toBe(`2,3,${DIM}`)
  expect(Array.from(new Float32Array(await bytes.arrayBuffer()))).toEqual(predictions.flat(2))
})

test('a session predicts after each vector until it is ended', async () => {
  const opened = await post('/v1/sessions', {})
  expect(opened.status).toBe(201)
  const { session } = (await opened.json()) as { session: string }
  const fed = await post(`/v1/sessions/${session}`, { vector: axis(1) })
  expect(await fed.json()).toEqual({ prediction: axis(1), position: 1 })
  const bytes = await raw(`/v1/sessions/${session}`, Buffer.from(Float32Array.from(axis(2)).buffer), {})
  expect(bytes.headers.get('x-position')).toBe('2')
  const remove = () => fetch(`${server.url}/v1/sessions/${session}`, { method: 'DELETE' })
  expect((await remove()).status).toBe(204)
  expect((await post(`/v1/sessions/${session}`, { vector: axis(1) })).status).toBe(410)
})

test('a session opens without a body', async () => {
  expect((await fetch(`${server.url}/v1/sessions`, { method: 'POST' })).status).toBe(201)
})

test('the body or the header chooses the run', async () => {
  expect((await post('/v1/predict', { contexts: contexts(1), model: 'b' })).headers.get('x-model')).toBe('b')
  expect((await post('/v1/predict', { contexts: contexts(1) }, { 'x-model': 'b' })).headers.get('x-model')).toBe('b')
  const both = await post('/v1/predict', { contexts: contexts(1), model: 'a' }, { 'x-model': 'b' })
  expect(both.status).toBe(400)
  expect((await post('/v1/predict', { contexts: contexts(1), model: 'c' })).status).toBe(404)
})

test('models are listed without the paths of the machine', async () => {
  const text = await (await fetch(`${server.url}/v1/models`)).text()
  expect(text).not.toContain('/secret')
  expect(text).not.toContain('bank.npy')
  expect(JSON.parse(text).models).toHaveLength(2)
})

test('probes and metrics answer', async () => {
  expect(await (await fetch(`${server.url}/livez`)).json()).toEqual({ status: 'live' })
  expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ready', models: { a: 'ready', b: 'ready' } })
  const text = await (await fetch(`${server.url}/metrics`)).text()
  expect(text).toMatch(/^lvm_requests_total\{route="\/v1\/predict",status="200",code="OK"\} \d+$/m)
  expect(text).toMatch(/^lvm_model_info\{model="a",architecture="lstm"/m)
})

test('the docs page needs nothing from another host', async () => {
  const page = await fetch(`${server.url}/docs/`)
  expect(page.status).toBe(200)
  const text = await page.text()
  expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
  const files = [...text.matchAll(/(?:src|href)="\.\/(static\/[^"]+)"/g)].map(([, file]) => `/docs/${file}`)
  expect(files.length).toBe(3)
  for (const file of files) expect((await fetch(`${server.url}${file}`)).status, file).toBe(200)
})

test('an unknown path and a wrong method are named', async () => {
  expect(await (await fetch(`${server.url}/v1/nothing`)).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
  const wrong = await fetch(`${server.url}/v1/predict`)
  expect(wrong.status).toBe(405)
  expect(wrong.headers.get('allow')).toBe('POST')
})

test('HEAD answers as GET does, without a body', async () => {
  const answer = await fetch(`${server.url}/livez`, { method: 'HEAD' })
  expect([answer.status, await answer.text()]).toEqual([200, ''])
})
