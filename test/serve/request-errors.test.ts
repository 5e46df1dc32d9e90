import { afterAll, expect, test } from 'vitest'
import { ERRORS, LvmError } from '../../lib/errors.js'
import { startServer } from '../../lib/serve/start-server.js'
import { client, problem } from './client.js'
import { asBytes, axis, contexts, DIM, fakeEngines } from './fake-engine.js'

const told: string[] = []
const { open, faults } = fakeEngines()
const server = await startServer(
  { runs: ['a'], bank: 'bank.npy', port: 0, maxBatch: 4, maxBody: 4096, tell: (event) => told.push(JSON.stringify(event)) },
  open,
)
afterAll(() => server.kill())
const { post, raw, get } = client(() => server.url)

const predict = (change: (x: unknown[][][]) => void) => {
  const x: unknown[][][] = contexts(2)
  change(x)
  return { contexts: x }
}
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

const REFUSED: readonly (readonly [what: string, body: unknown, status: number, code: string, detail: RegExp])[] = [
  ['no contexts', {}, 400, 'BAD_REQUEST', /expected "contexts" in "body" but received \{\}/],
  ['an empty list of contexts', { contexts: [] }, 400, 'BAD_REQUEST', /at least one context/],
  ['more contexts than a batch holds', { contexts: contexts(5) }, 413, 'TOO_LARGE', /at most 4 contexts but received 5/],
  ['contexts that are text', { contexts: 'x' }, 400, 'BAD_REQUEST', /expected a list for "body.contexts" but received "x"/],
  [
    'a context that is a number',
    predict((x) => x.splice(1, 1, 7 as never)),
    400,
    'BAD_REQUEST',
    /"contexts\[1\]" but received 7/,
  ],
  [
    'a ragged list of vectors',
    predict((x) => x[1]!.pop()),
    400,
    'BAD_REQUEST',
    /3 vectors, as in contexts\[0\] for "contexts\[1\]" but received 2/,
  ],
  [
    'a short vector',
    predict((x) => x[1]![2]!.pop()),
    400,
    'BAD_REQUEST',
    /expected 4 numbers for "contexts\[1\]\[2\]" but received 3/,
  ],
  [
    'text in a vector',
    predict((x) => x[0]![1]!.splice(2, 1, '0.5')),
    400,
    'BAD_REQUEST',
    /expected a number for "contexts\[0\]\[1\]\[2\]" but received "0.5"/,
  ],
  ['null in a vector', predict((x) => x[0]![1]!.splice(2, 1, null)), 400, 'BAD_REQUEST', /a number/],
  ['a number beyond float32', predict((x) => x[0]![1]!.splice(2, 1, 1e308)), 422, 'DATA_NOT_FINITE', /contexts\[0\]\[1\]\[2\]/],
  [
    'a number beyond float64',
    JSON.stringify(predict(() => {})).replace('0', '1e400'),
    422,
    'DATA_NOT_FINITE',
    /contexts\[0\]\[0\]/,
  ],
  ['a vector of zeros', predict((x) => x[1]!.splice(0, 1, [0, 0, 0, 0])), 422, 'DATA_ZERO', /contexts\[1\]\[0\]/],
  [
    'a vector of another length',
    predict((x) => x[1]!.splice(0, 1, [2, 0, 0, 0])),
    422,
    'DATA_NORM',
    /"contexts\[1\]\[0\]" has length 2/,
  ],
  [
    'another context length than in training',
    { contexts: contexts(1, 2) },
    400,
    'BAD_REQUEST',
    /expected 3 vectors in a context of a but received 2/,
  ],
  [
    'an unknown key',
    { contexts: contexts(1), modell: 'a' },
    400,
    'BAD_REQUEST',
    /no key "modell" in "body"; did you mean "model"/,
  ],
  ['an unknown run', { contexts: contexts(1), model: 'b' }, 404, 'NOT_FOUND', /expected one of a for "model"/],
  ['a prototype in a key', '{"contexts": [], "__proto__": {"x": 1}}', 400, 'BAD_REQUEST', /./],
  ['a constructor in a key', '{"contexts": [], "constructor": {"prototype": {}}}', 400, 'BAD_REQUEST', /./],
  ['broken JSON', '{"contexts": [', 400, 'BAD_REQUEST', /JSON/],
  ['an empty body', '', 400, 'BAD_REQUEST', /body/i],
  ['a body that is a list', '[]', 400, 'BAD_REQUEST', /expected an object for "body"/],
  ['a body of null', 'null', 400, 'BAD_REQUEST', /expected an object for "body"/],
  ['lists nested deeper than any tensor', `{"contexts": ${deep(1000)}}`, 400, 'BAD_REQUEST', /expected 3 vectors/],
]
test.each(REFUSED)('predict refuses %s', async (_what, body, status, code, detail) => {
  const answer = await post('/v1/predict', body)
  const found = await problem(answer)
  expect(found).toMatchObject({ status, code, type: 'about:blank', instance: '/v1/predict' })
  expect(found.detail).toMatch(detail)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('x-request-id')).toBe(found.request_id)
})

test('JSON nested 10,000 levels deep is refused without an internal error', async () => {
  const { open } = fakeEngines()
  const roomy = await startServer({ runs: ['a'], port: 0 }, open)
  for (const body of [`{"contexts": ${deep(10_000)}}`, deep(10_000), `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`]) {
    const answer = await client(() => roomy.url).post('/v1/predict', body)
    expect(answer.status).toBe(400)
    expect((await problem(answer)).code).toBe('BAD_REQUEST')
  }
  await roomy.kill()
})

const NAN = Buffer.from(Float32Array.from([Number.NaN, ...Array(11).fill(1)]).buffer)
const BYTES: readonly (readonly [what: string, body: Buffer, shape: string | undefined, status: number, code: string])[] = [
  ['without a shape', asBytes(contexts(1)), undefined, 400, 'BAD_REQUEST'],
  ['with a shape that is no list', asBytes(contexts(1)), 'x', 400, 'BAD_REQUEST'],
  ['with a negative size', asBytes(contexts(1)), '-1,3,4', 400, 'BAD_REQUEST'],
  ['with a shape of two axes', asBytes(contexts(1)), '3,4', 400, 'BAD_REQUEST'],
  ['with a size that overflows', asBytes(contexts(1)), '999999999,999999999,4', 413, 'TOO_LARGE'],
  ['with fewer bytes than the shape says', asBytes(contexts(1)), '2,3,4', 400, 'BAD_REQUEST'],
  ['with another dimension', asBytes(contexts(1)), '1,4,3', 400, 'BAD_REQUEST'],
  ['with NaN', NAN, '1,3,4', 422, 'DATA_NOT_FINITE'],
  ['with zeros', Buffer.alloc(48), '1,3,4', 422, 'DATA_ZERO'],
  ['without bytes', Buffer.alloc(0), '0,3,4', 400, 'BAD_REQUEST'],
]
test.each(BYTES)('predict refuses bytes %s', async (_what, body, shape, status, code) => {
  const answer = await raw('/v1/predict', body, shape === undefined ? {} : { 'x-shape': shape })
  expect(await problem(answer)).toMatchObject({ status, code })
})

test.each([
  ['/v1/retrieve', { contexts: contexts(1), k: 0 }, /expected a number ≥ 1 for "body.k" but received 0/],
  ['/v1/retrieve', { contexts: contexts(1), k: 1.5 }, /expected an integer for "body.k"/],
  ['/v1/retrieve', { contexts: contexts(1), exclude: [-1] }, /"body.exclude.0" but received -1/],
  ['/v1/rollout', { contexts: contexts(1) }, /expected "steps"/],
  ['/v1/rollout', { contexts: contexts(1), steps: 1e9 }, /≤ 1000/],
  ['/v1/sessions', { modell: 'a' }, /no key/],
])('%s refuses %j', async (path, body, detail) => {
  const found = await problem(await post(path, body))
  expect(found.status).toBe(400)
  expect(found.detail).toMatch(detail)
})

test.each([
  ['a body of text', 'text/plain', 415],
  ['a form', 'application/x-www-form-urlencoded', 415],
  ['no known type', 'x', 415],
])('predict refuses %s', async (_what, type, status) => {
  expect(await problem(await post('/v1/predict', { contexts: contexts(1) }, { 'content-type': type }))).toMatchObject({
    status,
    code: 'UNSUPPORTED_MEDIA',
  })
})

test('a body beyond the limit is refused before it is read', async () => {
  const answer = await post('/v1/predict', `{"contexts": "${'x'.repeat(5000)}"}`)
  expect(await problem(answer)).toMatchObject({ status: 413, code: 'TOO_LARGE' })
})

test('a session that never was is not found, and one of a replaced run is gone', async () => {
  expect(await problem(await post('/v1/sessions/1-nothing', { vector: axis(0) }))).toMatchObject({ status: 410 })
  expect(await problem(await post('/v1/sessions/999-nothing', { vector: axis(0) }))).toMatchObject({
    status: 410,
    code: 'SESSION_GONE',
  })
  expect(await problem(await post('/v1/sessions/nothing', { vector: axis(0) }))).toMatchObject({ status: 404, code: 'NOT_FOUND' })
})

const fails = async (error: Error) => {
  faults.fails = () => error
  const answer = await post('/v1/predict', { contexts: contexts(1) })
  delete faults.fails
  return { answer, found: await problem(answer) }
}

test.each(['OVERLOADED', 'UNAVAILABLE'] as const)('%s carries Retry-After', async (code) => {
  const { answer, found } = await fails(new LvmError(code, 'predict: no'))
  expect(found).toMatchObject({ code, status: ERRORS[code].status })
  expect(answer.headers.get('retry-after')).toBe('2')
})

test('a request without room in the queue is refused before its body is read, and the connection serves the next one', async () => {
  faults.full = true
  const answer = await raw('/v1/predict', Buffer.from('{"contexts": [[['), { 'content-type': 'application/json' })
  const found = await problem(answer)
  const others = [(await get('/v1/models')).status, (await post('/v1/sessions', {})).status]
  delete faults.full
  expect(found).toMatchObject({ code: 'OVERLOADED', status: 429 })
  expect(answer.headers.get('retry-after')).toBe('2')
  expect(others).toEqual([200, 201])
  expect((await post('/v1/predict', { contexts: contexts(1) })).status).toBe(200)
})

test('an internal error is logged with its cause and answered without it', async () => {
  const { answer, found } = await fails(new TypeError('secret /root/file'))
  expect(answer.status).toBe(500)
  expect(found.code).toBe('INTERNAL')
  expect(JSON.stringify(found)).not.toContain('secret')
  expect(told.find((line) => line.includes('secret /root/file'))).toContain(found.request_id)
})

test('a code that no request causes is answered with its meaning, without names of files', async () => {
  const { found } = await fails(new LvmError('OUT_OF_MEMORY', 'cannot allocate for /root/run'))
  expect(found).toMatchObject({ status: 500, code: 'OUT_OF_MEMORY', detail: ERRORS.OUT_OF_MEMORY.about })
})

test('a sane request id comes back, and a strange one is replaced', async () => {
  const withId = async (id: string) => (await get('/livez', { 'x-request-id': id })).headers.get('x-request-id')
  expect(await withId('abc-123')).toBe('abc-123')
  expect(await withId('a b')).toMatch(/^[\w-]{36}$/)
  expect(await withId('a'.repeat(1000))).toMatch(/^[\w-]{36}$/)
})

test('every answer has the security headers', async () => {
  for (const answer of [await get('/livez'), await get('/nothing'), await post('/v1/predict', {})]) {
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('no prototype was changed', () => {
  expect(({} as Record<string, unknown>).x).toBeUndefined()
  expect(DIM).toBe(4)
})
