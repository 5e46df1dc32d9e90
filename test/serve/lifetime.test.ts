import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import type { Moment } from '../../lib/stages.js'
import { start } from './client.js'
import { axis, contexts } from './fake-engine.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Asks without pause in several loops until told to stop; returns the statuses, with 0 for a lost connection. */
function load(post: (path: string, body: unknown) => Promise<Response>, loops = 8) {
  const statuses: number[] = []
  let on = true
  const loop = async () => {
    while (on) {
      try {
        const answer = await post('/v1/predict', { contexts: contexts(1) })
        await answer.arrayBuffer()
        statuses.push(answer.status)
      } catch {
        if (on) statuses.push(0)
      }
    }
  }
  const running = Promise.all(Array.from({ length: loops }, loop))
  return {
    statuses,
    stop: async () => {
      on = false
      await running
    },
  }
}

test('close answers 503 on /readyz during the grace, finishes what it accepted, and accepts nothing afterwards', async () => {
  const { server, get, post, events, seen } = await start({}, { delay: 400 })
  await get('/livez')
  const accepted = post('/v1/predict', { contexts: contexts(1) })
  await expect.poll(() => seen.deadlines.length).toBe(1)
  const closing = server.close({ grace: 0.2 })
  const ready = await get('/readyz')
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ status: 'stopping' })
  expect(ready.headers.get('connection')).toBe('close')
  expect((await get('/livez')).status).toBe(200)
  const answer = await accepted
  expect(answer.status).toBe(200)
  expect(answer.headers.get('connection')).toBe('close')
  expect(await closing).toBe(0)
  await expect(get('/livez')).rejects.toThrow()
  expect(seen.engines[0]!.state).toBe('closed')
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['draining', 'stopped']))
})

test('an abort before the server listens ends the loading with INTERRUPTED, and onProgress is told the stage', async () => {
  const controller = new AbortController()
  const seen: string[] = []
  const onProgress = ({ open: [outer] }: Moment) => void seen.push(outer?.stage ?? '')
  const starting = start({ runs: ['a', 'b'] }, { hangs: true }, { signal: controller.signal, onProgress })
  setTimeout(() => controller.abort(), 50)
  await expect(starting).rejects.toMatchObject({ code: 'INTERRUPTED' })
  expect(seen).toContain('load the runs')
})

test('an abort of a server that listens closes it, as close() does', async () => {
  const controller = new AbortController()
  const { get, events, seen } = await start({}, {}, { signal: controller.signal })
  expect((await get('/livez')).status).toBe(200)
  controller.abort()
  await expect.poll(() => events.at(-1)?.type).toBe('stopped')
  await expect(get('/livez')).rejects.toThrow()
  expect(seen.engines[0]!.state).toBe('closed')
})

test('close counts the requests that the drain timeout cuts off', async () => {
  const { server, post, seen } = await start({ drainTimeout: 0.2 }, { delay: 2000 })
  const accepted = post('/v1/predict', { contexts: contexts(1) })
  accepted.catch(() => {})
  await expect.poll(() => seen.deadlines.length).toBe(1)
  expect(await server.close()).toBe(1)
  await expect(accepted).rejects.toThrow()
})

test('close does not wait for clients that hold a connection open', async () => {
  const { server } = await start()
  const { hostname, port } = new URL(server.url)
  const silent = connect(Number(port), hostname)
  await new Promise((done) => silent.once('connect', done))
  const begun = performance.now()
  await server.close()
  expect(performance.now() - begun).toBeLessThan(2000)
  silent.destroy()
})

test('a reload under load loses no request, and the new run answers afterwards', async () => {
  const { server, post, seen } = await start({}, { delay: 5 })
  const running = load(post)
  await sleep(100)
  for (let i = 1; i <= 5; i++) {
    await expect.poll(() => running.statuses.length).toBeGreaterThan(i * 10)
    await server.reload()
  }
  await expect.poll(() => running.statuses.length).toBeGreaterThan(60)
  await running.stop()
  expect(new Set(running.statuses)).toEqual(new Set([200]))
  await expect.poll(() => seen.engines.map(({ state }) => state)).toEqual([...Array(5).fill('closed'), 'ready'])
  await server.kill()
})

test('a close under load cuts off no accepted request', async () => {
  const { server, post } = await start({}, { delay: 20 })
  const running = load(post)
  await sleep(100)
  expect(await server.close({ grace: 0.2 })).toBe(0)
  await running.stop()
  const answered = running.statuses.filter((status) => status !== 0)
  expect(new Set(answered)).toEqual(new Set([200])) // 0: refused connections after the end
})

test('a failed reload keeps the old run, and says why in the events and the metrics', async () => {
  const { server, post, get, events, faults } = await start()
  faults.refuses = () => new LvmError('BAD_CHECKPOINT', 'load: the run is damaged')
  await expect(server.reload()).rejects.toThrow('damaged')
  expect((await post('/v1/predict', { contexts: contexts(1) })).status).toBe(200)
  expect(events.find(({ type }) => type === 'reload_failed')).toMatchObject({ code: 'BAD_CHECKPOINT' })
  expect(await (await get('/metrics')).text()).toContain('lvm_reloads_total{outcome="failed"} 1')
  await server.kill()
})

test('a reload reads the list of runs again', async () => {
  const list = join(folder, 'models')
  writeFileSync(list, '# served\nb=x/first\n')
  const { server, get, seen } = await start({ modelsFile: list })
  const names = async () =>
    ((await (await get('/v1/models')).json()) as { models: { name: string }[] }).models.map(({ name }) => name)
  expect(await names()).toEqual(['a', 'b'])
  writeFileSync(list, 'c=x/second\n')
  await server.reload()
  expect(await names()).toEqual(['a', 'c'])
  expect(seen.opened.at(-1)!.run).toBe('x/second')
  await server.kill()
})

test('a session of a replaced run goes on until the next reload, and is gone afterwards', async () => {
  const { server, post } = await start()
  const { session } = (await (await post('/v1/sessions', {})).json()) as { session: string }
  const feed = () => post(`/v1/sessions/${session}`, { vector: axis(0) })
  await server.reload()
  expect(await (await feed()).json()).toMatchObject({ position: 1 })
  await server.reload()
  await expect.poll(async () => (await feed()).status).toBe(410)
  await server.kill()
})

test('readyz answers 503 while the inference process is restarted', async () => {
  const { server, get, faults } = await start()
  faults.state = 'restarting'
  const answer = await get('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toEqual({ status: 'restarting', models: { a: 'restarting' } })
  expect((await get('/v2/health/ready')).status).toBe(503)
  expect((await get('/livez')).status).toBe(200)
  await server.kill()
})

test('a reload of a server that stops leaves no run open', async () => {
  const { server, seen } = await start()
  const closing = server.close({ grace: 0.1 })
  await expect(server.reload()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await closing
  expect(seen.engines.map(({ state }) => state)).toEqual(['closed'])
})

test('a server that is stopped during a reload ends the loading, and tells last that it stopped', async () => {
  const { server, seen, faults, events } = await start()
  faults.hangs = true
  const reload = server.reload()
  await expect.poll(() => seen.opened.length).toBe(2)
  await Promise.all([expect(reload).rejects.toMatchObject({ code: 'UNAVAILABLE' }), server.close()])
  expect(events.slice(-2)).toMatchObject([
    { type: 'reload_failed', code: 'UNAVAILABLE' },
    { type: 'stopped', lost: 0 },
  ])
})
