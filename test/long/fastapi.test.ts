import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load, loadtest } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { inputOf } from '../../lib/study/benchmark/benchmark-inputs.js'
import { done, hasModule, python, SAMPLE, workFolder } from './python.js'

const app = join(packageRoot(), 'examples', 'fastapi_app.py')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

it('the FastAPI example has at most 80 lines', () => {
  expect(readFileSync(app, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(80)
})

describe.skipIf(!hasModule('fastapi') || !hasModule('uvicorn'))('the FastAPI example', () => {
  const folder = workFolder()
  const run = join(folder, 'artifacts/lvm/models/a')
  let [child, url] = [undefined as ChildProcess | undefined, '']
  beforeAll(async () => {
    await done(folder, ['train', 'transformer', '--preset', 'tiny', '--epochs', 1, '--data', SAMPLE, '--name', 'a'])
    await done(folder, ['export', 'a'])
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    child = spawn(python(), [app, run, '--port', String(port)], { stdio: ['ignore', 'inherit', 'inherit'] })
    for (let i = 0; i < 240 && !(await fetch(`${url}/readyz`).catch(() => undefined))?.ok; i++) await sleep(250)
  })
  afterAll(() => void child?.kill())
  const post = (body: BodyInit, headers: Record<string, string>) => fetch(`${url}/v1/predict`, { method: 'POST', body, headers })
  const json = { 'content-type': 'application/json' }

  it('the FastAPI example predicts what the run predicts, as JSON and as bytes', async () => {
    using model = await load(run, { device: 'cpu' })
    const [batch, { context, dim }] = [3, model]
    const x = inputOf(model, batch)
    const expected = await model.predict(x)
    const rows = (n: number, size: number) =>
      Array.from({ length: n }, (_, i) => Array.from(x.subarray(i * size, (i + 1) * size)))
    const vectors = rows(batch * context, dim)
    const contexts = Array.from({ length: batch }, (_, i) => vectors.slice(i * context, (i + 1) * context))
    const { predictions } = (await (await post(JSON.stringify({ contexts }), json)).json()) as { predictions: number[][] }
    const raw = await post(Uint8Array.from(Buffer.from(x.buffer)), {
      'content-type': 'application/octet-stream',
      'x-shape': `${batch},${context},${dim}`,
    })
    expect(raw.headers.get('x-shape')).toBe(`${batch},${dim}`)
    const bytes = new Float32Array(await raw.arrayBuffer())
    for (const [i, value] of expected.entries()) {
      expect(Math.abs(predictions.flat()[i]! - value)).toBeLessThan(1e-5)
      expect(Math.abs(bytes[i]! - value)).toBeLessThan(1e-5)
    }
  })

  it.each([
    ['no JSON', '{', json, 400, 'BAD_REQUEST'],
    ['a context of another shape', '{"contexts":[[[1,2]]]}', json, 400, 'BAD_REQUEST'],
    ['ragged lists', '{"contexts":[[[1,2],[3]]]}', json, 400, 'BAD_REQUEST'],
    ['another type', 'x', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA'],
    ['bytes of another length', 'abcd', { 'content-type': 'application/octet-stream', 'x-shape': '1,5,768' }, 400, 'BAD_REQUEST'],
    ['a shape that is no shape', 'abcd', { 'content-type': 'application/octet-stream', 'x-shape': 'x' }, 400, 'BAD_REQUEST'],
  ])('the FastAPI example answers %s with a problem document', async (_, body, headers, status, code) => {
    const answer = await post(body, headers as Record<string, string>)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
    expect(await answer.json()).toMatchObject({ status, code, request_id: expect.any(String) })
  })

  it('the FastAPI example refuses NaN and unknown paths, and tells its state', async () => {
    const nan = new Float32Array(5 * 768).fill(Number.NaN)
    const refused = await post(new Uint8Array(nan.buffer), { 'content-type': 'application/octet-stream', 'x-shape': '1,5,768' })
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([422, 'DATA_NOT_FINITE'])
    expect(((await (await fetch(`${url}/nothing`)).json()) as { code: string }).code).toBe('NOT_FOUND')
    for (const path of ['/livez', '/readyz', '/openapi.json', '/v1/models']) expect((await fetch(url + path)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^process_cpu_seconds_total [\d.]+$/m)
  })

  it('a load test of the FastAPI example ends without a failed request', async () => {
    const { loadtest: document } = await loadtest({ url, rate: 30, duration: 3, p99: '5s', out: join(folder, 'out') })
    expect(document).toMatchObject({ met: true, server: { model: 'a', architecture: 'transformer', dim: 768 } })
  })
})
