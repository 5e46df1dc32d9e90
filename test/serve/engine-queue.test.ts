import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../lib/serve/engine-types.js'
import { CONTEXT, code, contexts, folderOfFile, trainTiny, type Watched, watch, within } from './served-run.js'

const out = folderOfFile()
let run: string
const open: Engine[] = []
beforeAll(async () => {
  run = await trainTiny(out, 'lstm')
})
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})
async function serve(o: Parameters<typeof watch>[1] = {}): Promise<Watched> {
  const served = await watch(run, o)
  open.push(served.engine)
  await served.engine.predict(contexts(1), within(5000))
  served.events.length = 0
  return served
}
const ask = (engine: Engine, batch = 1, context = CONTEXT, signal?: AbortSignal) =>
  engine.predict(contexts(batch, batch, context), within(10_000, signal))

test('requests that arrive together share batches of at most maxBatch contexts of one length', async () => {
  const { engine, of } = await serve({ maxBatch: 8 })
  await Promise.all(Array.from({ length: 40 }, (_, i) => ask(engine, 1 + (i % 2), i % 4 < 2 ? 5 : 7)))
  const batches = of('batch')
  expect(batches.reduce((sum, { contexts }) => sum + contexts, 0)).toBe(60)
  expect(batches.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThanOrEqual(40)
  expect(Math.max(...batches.map(({ contexts }) => contexts))).toBe(8)
  expect(batches.length).toBeLessThanOrEqual(10)
  expect(new Set(batches.map(({ context }) => context))).toEqual(new Set([5, 7]))
  expect(batches.every(({ inferenceMs }) => inferenceMs > 0)).toBe(true)
  expect(of('waited')).toHaveLength(40)
})

test('a request larger than maxBatch is computed in parts and answered whole', async () => {
  const { engine, of } = await serve({ maxBatch: 8 })
  const x = contexts(21)
  const whole = await engine.predict(x, within(5000))
  expect(of('batch').map(({ contexts }) => contexts)).toEqual([8, 8, 5])
  const size = CONTEXT * engine.run.dim
  for (const i of [0, 7, 8, 20]) {
    const one = { contexts: x.contexts.subarray(i * size, (i + 1) * size), batch: 1, context: CONTEXT }
    const alone = await engine.predict(one, within(5000))
    for (const [j, y] of whole.subarray(i * engine.run.dim, (i + 1) * engine.run.dim).entries())
      expect(y).toBeCloseTo(alone[j]!, 6)
  }
})

test('a large request does not delay small ones that come after it', async () => {
  const { engine } = await serve({ maxBatch: 4 })
  const order: string[] = []
  const large = ask(engine, 400).then(() => order.push('large'))
  const small = Array.from({ length: 10 }, () => ask(engine).then(() => order.push('small')))
  const other = ask(engine, 1, 7).then(() => order.push('other length'))
  await Promise.all([large, ...small, other])
  expect(order.indexOf('large')).toBe(11)
})

test('a rollout of many steps does not delay predictions that come after it', async () => {
  const { engine } = await serve({ maxBatch: 4 })
  const order: string[] = []
  const long = engine.rollout(contexts(4), 200, within(10_000)).then(() => order.push('rollout'))
  await Promise.all([long, ...Array.from({ length: 10 }, () => ask(engine).then(() => order.push('predict')))])
  expect(order.at(-1)).toBe('rollout')
})

test('a full queue refuses more contexts, tells when to come again, and accepts them later', async () => {
  const { engine, of } = await serve({ maxBatch: 2, maxQueue: 10 })
  const accepted = Array.from({ length: 10 }, () => ask(engine))
  await expect(ask(engine)).rejects.toEqual(code('OVERLOADED'))
  expect(engine.gauges.queued).toBe(10)
  expect(engine.gauges.retryAfter).toBe(1)
  await Promise.all(accepted)
  expect(engine.gauges.queued).toBe(0)
  expect(of('rejected')).toEqual([{ type: 'rejected', code: 'OVERLOADED' }])
  await ask(engine, 10)
})

test('a request that would wait longer than maxWait is refused at once, and one that need not wait never is', async () => {
  const { engine, of } = await serve({ maxBatch: 4, maxWait: 1e-3 })
  const first = ask(engine, 30) // takes longer than maxWait, but nothing is before it
  await expect(ask(engine)).rejects.toEqual(code('OVERLOADED'))
  await first
  await ask(engine)
  expect(of('rejected')).toEqual([{ type: 'rejected', code: 'OVERLOADED' }])
  const patient = await serve({ maxBatch: 4, maxWait: 60_000 })
  await Promise.all(Array.from({ length: 40 }, () => ask(patient.engine)))
  expect(patient.of('rejected')).toEqual([])
})

test('time that requests spend outside the queue counts towards maxWait', async () => {
  const { engine } = await serve({ maxBatch: 4, maxWait: 2000 })
  const late = () => engine.predict(contexts(1), { ...within(5000), since: performance.now() - 60_000 })
  await Promise.all(Array.from({ length: 40 }, late)) // their first bytes came a minute ago
  const first = ask(engine)
  await expect(ask(engine)).rejects.toEqual(code('OVERLOADED'))
  await first
  for (let i = 0; i < 100; i++) await ask(engine) // quick ones let the lag fall
  await Promise.all([ask(engine), ask(engine)])
})

test('a request that never fits into the queue is refused as too large', async () => {
  const { engine } = await serve({ maxQueue: 10 })
  await expect(ask(engine, 11)).rejects.toEqual(code('TOO_LARGE'))
})

test('a request whose deadline passes in the queue fails then, and is not computed', async () => {
  const { engine, of } = await serve({ maxBatch: 4 })
  const x = contexts(200, 1, 7)
  const before = ask(engine, 800) // keeps the process busy
  await expect(engine.predict(x, within(2))).rejects.toEqual(code('DEADLINE'))
  expect(engine.gauges.queued).toBeGreaterThan(0)
  expect(engine.gauges.queued).toBeLessThan(800)
  await before
  expect(of('batch').filter(({ context }) => context === 7).length).toBeLessThan(5)
  expect(of('rejected')).toEqual([{ type: 'rejected', code: 'DEADLINE' }])
})

test('a rollout that was accepted is not refused at a later step', async () => {
  const { engine } = await serve({ maxBatch: 2, maxQueue: 20 })
  const rolled = engine.rollout(contexts(3), 8, within(10_000))
  const more: Promise<unknown>[] = []
  for (let i = 0; i < 50; i++) {
    while (engine.gauges.queued < 20) more.push(ask(engine))
    await new Promise((done) => setImmediate(done))
  }
  expect((await rolled).length).toBe(3 * 8 * engine.run.dim)
  await expect(engine.rollout(contexts(21), 2, within(10_000))).rejects.toEqual(code('TOO_LARGE'))
  await Promise.all(more)
})

test('a deadline that has passed already is refused at once', async () => {
  const { engine } = await serve()
  await expect(engine.predict(contexts(1), within(-1))).rejects.toEqual(code('DEADLINE'))
})

describe('a client that leaves', () => {
  test('is taken out of the queue', async () => {
    const { engine, of } = await serve({ maxBatch: 4 })
    const before = ask(engine, 400)
    const client = new AbortController()
    const waiting = ask(engine, 100, 7, client.signal)
    const outcome = expect(waiting).rejects.toEqual(code('INTERRUPTED'))
    const queued = engine.gauges.queued
    client.abort()
    expect(engine.gauges.queued).toBe(queued - 100)
    await outcome
    await before
    expect(of('batch').every(({ context }) => context === CONTEXT)).toBe(true)
    expect(of('rejected')).toEqual([{ type: 'rejected', code: 'CLIENT_LEFT' }])
  })
  test('before its request is refused at once', async () => {
    const { engine } = await serve()
    await expect(ask(engine, 1, CONTEXT, AbortSignal.abort())).rejects.toEqual(code('INTERRUPTED'))
  })
})

test('a single client never waits for others, even with a batch delay', async () => {
  const { engine, of } = await serve({ batchDelay: 500 })
  for (let i = 0; i < 3; i++) await ask(engine)
  expect(Math.max(...of('waited').map(({ queueMs }) => queueMs))).toBeLessThan(100)
})

test('with several clients a batch delay gathers requests that come one after another', async () => {
  const { engine, of } = await serve({ batchDelay: 200, maxBatch: 4 })
  await Promise.all([ask(engine), ask(engine)])
  const later = Array.from({ length: 4 }, async (_, i) => {
    await new Promise((done) => setTimeout(done, 10 * i))
    await ask(engine)
  })
  await Promise.all(later)
  expect(of('batch').at(-1)).toMatchObject({ contexts: 4 })
})
