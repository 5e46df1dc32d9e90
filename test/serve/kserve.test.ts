import { afterAll, expect, test } from 'vitest'
import { startServer } from '../../lib/serve/start-server.js'
import { client, problem, start } from './client.js'
import { asBytes, contexts, DIM, fakeEngines } from './fake-engine.js'

const { open } = fakeEngines()
const server = await startServer({ runs: ['a', 'b'], port: 0 }, open)
afterAll(() => server.kill())
const { post, raw, get } = client(() => server.url)

const input = { name: 'contexts', shape: [2, 3, DIM], datatype: 'FP32' }
const lists = contexts(2)
const expected = (await (await post('/v1/predict', { contexts: lists })).json()) as { predictions: number[][] }
const output = { name: 'predictions', shape: [2, DIM], datatype: 'FP32' }

test('a run is described with its tensors', async () => {
  expect(await (await get('/v2/models/b')).json()).toEqual({
    name: 'b',
    platform: 'lvm-torch',
    inputs: [{ name: 'contexts', datatype: 'FP32', shape: [-1, 3, DIM] }],
    outputs: [{ name: 'predictions', datatype: 'FP32', shape: [-1, DIM] }],
  })
  expect(await (await get('/v2/models/b/ready')).json()).toEqual({ name: 'b', ready: true })
  expect((await get('/v2/models/c')).status).toBe(404)
})

test.each([
  ['flat', lists.flat(2)],
  ['nested', lists],
])('infer answers %s data as predict does', async (_what, data) => {
  const answer = await post('/v2/models/a/infer', { id: 'i', inputs: [{ ...input, data }] })
  expect(await answer.json()).toEqual({
    model_name: 'a',
    id: 'i',
    outputs: [{ ...output, data: expected.predictions.flat() }],
  })
})

/** A body of the binary tensor data extension. */
function binary(change: object = {}, more: object = {}) {
  const values = asBytes(lists)
  const json = Buffer.from(
    JSON.stringify({ inputs: [{ ...input, parameters: { binary_data_size: values.length }, ...change }], ...more }),
  )
  return { body: Buffer.concat([json, values]), headers: { 'inference-header-content-length': String(json.length) } }
}

test('infer reads and writes tensors as bytes', async () => {
  const { body, headers } = binary({}, { outputs: [{ name: 'predictions', parameters: { binary_data: true } }] })
  const answer = await raw('/v2/models/a/infer', body, headers)
  expect(answer.status).toBe(200)
  const length = Number(answer.headers.get('inference-header-content-length'))
  const bytes = Buffer.from(await answer.arrayBuffer())
  expect(JSON.parse(bytes.toString('utf8', 0, length))).toEqual({
    model_name: 'a',
    outputs: [{ ...output, parameters: { binary_data_size: 4 * 2 * DIM } }],
  })
  expect(Array.from(new Float32Array(Uint8Array.from(bytes.subarray(length)).buffer))).toEqual(expected.predictions.flat())
})

test.each([
  ['another type', { inputs: [{ ...input, datatype: 'FP64', data: [] }] }, /expected "FP32"/],
  ['no data', { inputs: [input] }, /expected "data"/],
  [
    'a shape that the data does not have',
    { inputs: [{ ...input, data: [1, 2] }] },
    /expected 24 numbers for "data" but received 2/,
  ],
  ['nested data of another shape', { inputs: [{ ...input, data: contexts(1) }] }, /data has another/],
  ['a shape of two axes', { inputs: [{ ...input, shape: [2, 3], data: [] }] }, /at least 3 items/],
  ['two inputs', { inputs: [input, input] }, /at most 1 items/],
  ['an unknown output', { inputs: [{ ...input, data: lists }], outputs: [{ name: 'loss' }] }, /only "predictions"/],
])('infer refuses %s', async (_what, body, detail) => {
  const found = await problem(await post('/v2/models/a/infer', body))
  expect(found).toMatchObject({ status: 400, code: 'BAD_REQUEST', error: found.detail })
  expect(found.detail).toMatch(detail)
})

test.each([
  ['without the length of its JSON', binary().body, {}],
  ['with a length beyond the body', binary().body, { 'inference-header-content-length': '999999' }],
  [
    'with another size than it says',
    binary({ parameters: { binary_data_size: 4 } }).body,
    binary({ parameters: { binary_data_size: 4 } }).headers,
  ],
  ['with a size that is no number', binary({ parameters: {} }).body, binary({ parameters: {} }).headers],
  ['with broken JSON', Buffer.from('{{'), { 'inference-header-content-length': '2' }],
])('infer refuses a binary body %s', async (_what, body, headers) => {
  expect(await problem(await raw('/v2/models/a/infer', body, headers as Record<string, string>))).toMatchObject({ status: 400 })
})

test('infer refuses an input of another name', async () => {
  const answer = await post('/v2/models/a/infer', { inputs: [{ ...input, name: 'vectors', data: lists }] })
  expect(await problem(answer)).toMatchObject({ status: 400, error: expect.stringContaining('"contexts"') })
})

test('a run with a name of 128 characters is found by its path', async () => {
  const name = 'n'.repeat(128)
  const { server, get } = await start({ runs: [`${name}=a`] })
  expect((await get(`/v2/models/${name}`)).status).toBe(200)
  expect(await problem(await get(`/v2/models/${'n'.repeat(257)}`))).toMatchObject({ status: 414, code: 'TOO_LARGE' })
  await server.kill()
})
