import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { architectures, type ModelName } from '../../lib/architectures/index.js'
import { load } from '../../lib/checkpoint/load-model.js'
import { quantize } from '../../lib/compress/quantize.js'
import { native } from '../../lib/native.js'
import type { Engine } from '../../lib/serve/engine-types.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { CONTEXT, contexts, DIM, folderOfFile, trainTiny, vectors, watch, within } from '../serve/served-run.js'

const out = folderOfFile()
const BATCH = 12
const names = [...architectures.map(({ name }) => name), 'quantised transformer']
const x = contexts(BATCH)
const row = (y: Float32Array, i: number) => y.subarray(i * DIM, (i + 1) * DIM)
const one = (i: number) => ({ ...x, contexts: x.contexts.subarray(i * CONTEXT * DIM, (i + 1) * CONTEXT * DIM), batch: 1 })
const apart = (a: Float32Array, b: Float32Array) => a.reduce((most, y, i) => Math.max(most, Math.abs(y - b[i]!)), 0)

printMargin()
beforeAll(() => void useThreads(1))

async function runOf(name: string): Promise<string> {
  if (name !== 'quantised transformer') return trainTiny(out, name as ModelName)
  const run = await trainTiny(out, 'transformer', {
    name: 'parent',
    width: 128,
    layers: 2,
    heads: 2,
    ffn: 256,
    head: 'mlp',
    maxSteps: 20,
  })
  await quantize({ run, threads: 1, latency: 0.02 })
  return `${run}_int8`
}
/** Answers for each context while other requests of several sizes and kinds share the process. */
async function underLoad(engine: Engine): Promise<Float32Array[]> {
  let running = true
  const others = Array.from({ length: 6 }, async (_, i) => {
    while (running) {
      await engine.predict(contexts(1 + i, 100 + i), within(60_000))
      await engine.rollout(contexts(2, 200 + i), 3, within(60_000))
    }
  })
  const answers = await Promise.all(Array.from({ length: BATCH }, (_, i) => engine.predict(one(i), within(60_000))))
  const whole = await engine.predict(x, within(60_000))
  running = false
  await Promise.all(others)
  return [...answers, ...Array.from({ length: BATCH }, (_, i) => row(whole, i))]
}

describe.each(names)('%s', (name) => {
  let run: string
  beforeAll(async () => {
    run = await runOf(name)
  })
  test('deterministic answers equal those of the loaded run, bit for bit, whatever else is asked', async () => {
    const { engine } = await watch(run, { deterministic: true, maxBatch: 5 })
    using model = await load(run)
    for (const [i, answer] of (await underLoad(engine)).entries())
      expect(answer).toEqual(await model.predict(one(i % BATCH).contexts))
    await engine.close()
  })
  test('batched answers equal single ones within rounding', async () => {
    const { engine } = await watch(run, { maxBatch: 5 })
    const single: Float32Array[] = []
    for (let i = 0; i < BATCH; i++) single.push(await engine.predict(one(i), within(60_000)))
    using model = await load(run, { exact: true })
    const wide = await native.model(model.manifest.spec, 'float64', 'cpu', null)
    await native.modelLoad(wide, Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor])))
    using input = Tensor.from(x.contexts, [BATCH, CONTEXT, DIM])
    using exact = Tensor.wrap(await native.modelPredict(wide, input.native, false))
    using narrow = await exact.to({ dtype: 'float32' })
    const truth = (await narrow.data()) as Float32Array
    const own = Math.max(...single.map((y, i) => apart(y, row(truth, i))))
    const leak = architectures.find((a) => a.name === name)?.leak ?? 0
    for (const [i, answer] of (await underLoad(engine)).entries())
      expectRounding(Math.max(0, apart(answer, single[i % BATCH]!) - leak), own, `${name}, context ${i % BATCH}`)
    native.dispose(wide)
    await engine.close()
  })
})

test('10,000 requests and 2,000 sessions leave the memory of both processes as it was', async () => {
  const { engine, events } = await watch(await trainTiny(out, 'gru', { name: 'long' }), { maxSessions: 50 })
  afterAll(() => engine.close())
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.gauges.pid}/status`, 'utf8'))![1]) * 1024
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const some = async (requests: number, sessions: number) => {
    for (let n = 0; n < requests; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => engine.predict(contexts(1, i), within(60_000))))
      events.length = 0
    }
    for (let n = 0; n < sessions; n++) {
      const id = await engine.openSession(within(60_000))
      await engine.feed(id, vectors(1), within(60_000))
      if (n % 2 === 0) await engine.endSession(id)
    }
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return { server: heapUsed + arrayBuffers, process: resident() }
  }
  const before = await some(2000, 400)
  const after = await some(8000, 1600)
  expect(after.process - before.process).toBeLessThan(8 << 20)
  expect(after.server - before.server).toBeLessThan(8 << 20)
  expect(engine.gauges.queued + engine.gauges.inFlight).toBe(0)
})

test('a process that no longer reacts is killed and started again', async () => {
  const { engine, of } = await watch(await trainTiny(out, 'lstm', { name: 'stopped' }))
  process.kill(engine.gauges.pid!, 'SIGSTOP')
  await engine.predict(contexts(1), within(30_000)).then(
    () => expect.unreachable(),
    (error) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }),
  )
  await engine.predict(contexts(1), within(30_000))
  expect(of('fault')).toMatchObject([{ signal: 'SIGKILL', lost: 1 }])
  await engine.close()
})
