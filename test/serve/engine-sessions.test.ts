import { afterEach, beforeAll, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import type { Engine } from '../../lib/serve/engine-types.js'
import { code, contexts, DIM, folderOfFile, trainTiny, vectors, type Watched, watch, within } from './served-run.js'

const out = folderOfFile()
let run: string
const open: Engine[] = []
beforeAll(async () => {
  run = await trainTiny(out, 'gru')
})
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})
async function serve(o: Parameters<typeof watch>[1] = {}, of = run): Promise<Watched> {
  const served = await watch(of, o)
  open.push(served.engine)
  return served
}
const openOne = (engine: Engine) => engine.openSession(within(5000))
const row = (all: Float32Array, i: number) => all.subarray(i * DIM, (i + 1) * DIM)
const feed = (engine: Engine, id: string, vector = vectors(1)) => engine.feed(id, vector, within(5000))

test('a session predicts after each vector what a stepper of the loaded run predicts', async () => {
  const { engine } = await serve()
  const x = vectors(6)
  using model = await load(run)
  const stepper = model.stepper()
  const id = await openOne(engine)
  for (let t = 0; t < 6; t++)
    expect(await feed(engine, id, row(x, t))).toEqual({ prediction: await stepper.step(row(x, t)), position: t + 1 })
  stepper.dispose()
})

test('steps of one session keep their order, and sessions do not mix', async () => {
  const { engine } = await serve()
  const ids = await Promise.all(Array.from({ length: 10 }, () => openOne(engine)))
  const x = ids.map((_, i) => vectors(8, 10 + i))
  const together = await Promise.all(ids.flatMap((id, i) => Array.from({ length: 8 }, (_, t) => feed(engine, id, row(x[i]!, t)))))
  using model = await load(run)
  for (const [i] of ids.entries()) {
    const stepper = model.stepper()
    for (let t = 0; t < 8; t++) {
      const { prediction, position } = together[8 * i + t]!
      expect(position).toBe(t + 1)
      const alone = await stepper.step(row(x[i]!, t))
      expect(Math.max(...alone.map((y, j) => Math.abs(y - prediction[j]!)))).toBeLessThan(1e-5)
    }
    stepper.dispose()
  }
})

test('a session that is unknown, was ended, evicted or idle too long is told apart', async () => {
  const { engine } = await serve({ maxSessions: 2, sessionIdle: 0.4 })
  await expect(feed(engine, 'none')).rejects.toEqual(code('NOT_FOUND'))
  await expect(engine.endSession('none')).rejects.toEqual(code('NOT_FOUND'))
  const [first, second] = [await openOne(engine), await openOne(engine)]
  await feed(engine, first)
  const third = await openOne(engine) // evicts the second, which was used least recently
  await expect(feed(engine, second)).rejects.toThrow(/evicted/)
  await feed(engine, third)
  await engine.endSession(third)
  await expect(feed(engine, third)).rejects.toThrow(/ended by its client/)
  await expect(engine.endSession(third)).rejects.toEqual(code('SESSION_GONE'))
  await new Promise((done) => setTimeout(done, 600))
  expect(engine.gauges.sessions).toBe(0)
  await expect(feed(engine, first)).rejects.toThrow(/idle too long/)
})

test('no session is evicted while it computes', async () => {
  const { engine } = await serve({ maxSessions: 1 })
  const id = await openOne(engine)
  const step = feed(engine, id)
  await expect(openOne(engine)).rejects.toEqual(code('OVERLOADED'))
  expect((await step).position).toBe(1)
  await openOne(engine)
  await expect(feed(engine, id)).rejects.toEqual(code('SESSION_GONE'))
})

test('a session ended during a step fails that step and does not come back', async () => {
  const { engine } = await serve()
  const id = await openOne(engine)
  const step = expect(feed(engine, id)).rejects.toEqual(code('SESSION_GONE'))
  await engine.endSession(id)
  await step
  expect(engine.gauges.sessions).toBe(0)
})

test('a vector that is not finite fails its own step only, and does not count', async () => {
  const { engine } = await serve()
  const [one, two] = [await openOne(engine), await openOne(engine)]
  const bad = feed(engine, one, vectors(1).fill(Number.NaN))
  const good = feed(engine, two)
  await expect(bad).rejects.toEqual(code('DATA_NOT_FINITE'))
  expect((await good).position).toBe(1)
  expect(await feed(engine, one)).toEqual({ prediction: (await good).prediction, position: 1 })
})

test('a step computed after its deadline counts in the position', async () => {
  const { engine } = await serve({ maxBatch: 1 })
  const id = await openOne(engine)
  await feed(engine, id)
  const x = contexts(1, 1, 3000) // a long context keeps the process busy
  const busy = engine.predict(x, within(10_000))
  await new Promise((done) => setImmediate(done))
  const late = expect(engine.feed(id, vectors(1), within(3))).rejects.toEqual(code('DEADLINE'))
  await late
  await busy
  const { position } = await feed(engine, id)
  expect([2, 3]).toContain(position)
})

test('sessions are lost with the process, except those that were not fed', async () => {
  const { engine, of } = await serve()
  const [fed, fresh] = [await openOne(engine), await openOne(engine)]
  await feed(engine, fed)
  process.kill(engine.gauges.pid!, 'SIGKILL')
  while (of('fault').length === 0) await new Promise((done) => setTimeout(done, 5))
  await expect(feed(engine, fed)).rejects.toThrow(/lost with its inference process/)
  expect((await feed(engine, fresh)).position).toBe(1)
})

test('a model that is not causal has no sessions, and rolls out over a window', async () => {
  const mlp = await trainTiny(out, 'mlp')
  const { engine } = await serve({}, mlp)
  await expect(openOne(engine)).rejects.toThrow(/expected a causal model but mlp/)
  const x = contexts(2)
  const all = await engine.rollout(x, 2, within(5000))
  const first = await engine.predict(x, within(5000))
  for (const i of [0, 1]) expect(row(all, 2 * i)).toEqual(row(first, i))
})

test('a rollout feeds its predictions back', async () => {
  const { engine } = await serve({ maxBatch: 2 })
  const x = contexts(3)
  const all = await engine.rollout(x, 4, within(5000))
  using model = await load(run)
  for (let i = 0; i < 3; i++) {
    let seen = [...x.contexts.subarray(i * 5 * DIM, (i + 1) * 5 * DIM)]
    for (let step = 0; step < 4; step++) {
      const next = await model.predict(Float32Array.from(seen), { context: 5 + step })
      const got = row(all, 4 * i + step)
      expect(Math.max(...next.map((y, j) => Math.abs(y - got[j]!)))).toBeLessThan(1e-5)
      seen = [...seen, ...next]
    }
  }
})
