import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../lib/serve/start-server.js'
import { client } from './client.js'
import { asBytes, axis, contexts, fakeEngines } from './fake-engine.js'

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}
interface Operation {
  readonly responses: Readonly<Record<string, Answer>>
}
interface Described {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const { open } = fakeEngines()
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
const server = await startServer({ runs: ['a'], bank: 'bank.npy', port: 0, log: join(folder, 'log') }, open)
afterAll(async () => {
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})
const { post, raw, get } = client(() => server.url)
const document = (await (await get('/openapi.json')).json()) as Described
const ajv = new Ajv2020({ strict: false, validateFormats: false })

test('the description is valid OpenAPI 3.1', () => {
  // Source: spec.openapis.org/oas/3.1/schema, from @seriousme/openapi-schema-validator 2.11.0
  const meta = JSON.parse(readFileSync(new URL('fixtures/openapi-3.1.schema.json', import.meta.url), 'utf8'))
  const check = ajv.compile(meta)
  expect(check(document), JSON.stringify(check.errors)).toBe(true)
  expect(document.openapi).toBe('3.1.0')
  expect(check({ ...document, unknown: 1 })).toBe(false)
})

const opened = async () => ((await (await post('/v1/sessions', {})).json()) as { session: string }).session
const shape = { 'x-shape': '2,3,4' }
const infer = { inputs: [{ name: 'contexts', shape: [1, 3, 4], datatype: 'FP32', data: contexts(1) }] }

/** A request to every operation, by its method and path. */
const ASK: Readonly<Record<string, (() => Promise<Response>)[]>> = {
  'post /v1/predict': [
    () => post('/v1/predict', { contexts: contexts(2) }),
    () => raw('/v1/predict', asBytes(contexts(2)), shape),
    () => post('/v1/predict', {}),
  ],
  'post /v1/rollout': [
    () => post('/v1/rollout', { contexts: contexts(2), steps: 2 }),
    () => raw('/v1/rollout', asBytes(contexts(2)), { ...shape, 'x-steps': '2' }),
    () => post('/v1/rollout', {}),
  ],
  'post /v1/retrieve': [() => post('/v1/retrieve', { contexts: contexts(2) }), () => post('/v1/retrieve', { k: -1 })],
  'post /v1/feedback': [() => post('/v1/feedback', { request_id: 'r', row: 1 }), () => post('/v1/feedback', {})],
  'post /v1/sessions': [() => post('/v1/sessions', {}), () => post('/v1/sessions', { model: 'none' })],
  'post /v1/sessions/{session}': [
    async () => post(`/v1/sessions/${await opened()}`, { vector: axis(0) }),
    async () => raw(`/v1/sessions/${await opened()}`, Buffer.from(Float32Array.from(axis(0)).buffer)),
    () => post('/v1/sessions/none', { vector: axis(0) }),
  ],
  'delete /v1/sessions/{session}': [async () => fetch(`${server.url}/v1/sessions/${await opened()}`, { method: 'DELETE' })],
  'get /v1/models': [() => get('/v1/models')],
  'get /livez': [() => get('/livez')],
  'get /readyz': [() => get('/readyz')],
  'get /metrics': [() => get('/metrics')],
  'get /v2': [() => get('/v2')],
  'get /v2/health/live': [() => get('/v2/health/live')],
  'get /v2/health/ready': [() => get('/v2/health/ready')],
  'get /v2/models/{model}': [() => get('/v2/models/a'), () => get('/v2/models/none')],
  'get /v2/models/{model}/ready': [() => get('/v2/models/a/ready')],
  'post /v2/models/{model}/infer': [() => post('/v2/models/a/infer', infer), () => post('/v2/models/a/infer', {})],
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
)
test('every operation is tried below', () => {
  expect(operations.map(([name]) => name).sort()).toEqual(Object.keys(ASK).sort())
})
test.each(operations)('the answers of %s fit its description', async (name, { responses }) => {
  for (const ask of ASK[name]!) {
    const answer = await ask()
    const described = responses[answer.status] ?? responses.default
    expect(described, `${answer.status} of ${name}`).toBeDefined()
    const type = answer.headers.get('content-type')?.split(';')[0]
    if (type === undefined) {
      expect(answer.status).toBe(204)
      continue
    }
    const schema = described!.content?.[type]?.schema
    expect(schema, `${type} of ${name}`).toBeDefined()
    const body = type.endsWith('json') ? await answer.json() : await answer.text()
    const check = ajv.compile(schema!)
    expect(
      check(body),
      `${name} ${answer.status}: ${JSON.stringify(check.errors)} in ${JSON.stringify(body).slice(0, 200)}`,
    ).toBe(true)
  }
})
