import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { load, Tensor, train } from '../../lib/index.js'
import { place, vectorFile } from '../train/runs.js'

/** Allowed growth over 8,000 steps; one leaked small object per step would exceed it. Units: bytes */
const ALLOWED = 32e6

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

async function settled(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    gc()
    await sleep(50)
  }
  return process.memoryUsage.rss()
}

it.each(['lstm', 'transformer'] as const)(
  'memory does not grow from step 2,000 to step 10,000 of %s, saves and epochs included',
  async (model) => {
    const data = await vectorFile('base', { articles: 40, length: 60, dim: 64 })
    const options = {
      model,
      data,
      preset: 'tiny',
      epochs: 1000,
      maxSteps: 10_000,
      out: place('runs'),
      saveEvery: 100,
      threads: 1,
    } as const
    const at: Record<number, number> = {}
    let [steps, before] = [0, 0]
    for await (const event of train(options)) {
      if (event.type !== 'progress') continue
      steps += event.step - before
      before = event.step === event.steps ? 0 : event.step
      for (const mark of [2000, 9900]) if (at[mark] === undefined && steps >= mark) at[mark] = await settled()
    }
    console.log(`${model}: ${Object.values(at).map((bytes) => (bytes / 1e6).toFixed(1))} MB`)
    expect(at[9900]! - at[2000]!).toBeLessThan(ALLOWED)
  },
)

it.each([
  ['that are disposed', true],
  ['that are left to the garbage collector', false],
])('memory does not grow over 10,000 tensors %s', async (_, dispose) => {
  const make = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const tensor = Tensor.from(new Float32Array(10_000).fill(i))
      const sum = await tensor.op('aten::mul', 2)
      if (dispose) for (const made of [tensor, sum]) made.dispose()
      if (i % 200 === 0) await sleep(0) // a tick of the event loop, where handles are finalised
    }
    return settled()
  }
  const before = await make(1000)
  const after = await make(10_000)
  console.log(`${((after - before) / 1e6).toFixed(1)} MB more`) // a leak of all tensors would add 800 MB
  expect(after - before).toBeLessThan(ALLOWED)
})

it('memory does not grow over 2,000 predictions, steppers and loads', async () => {
  const data = await vectorFile('small', { articles: 5 })
  for await (const _ of train({ model: 'gru', data, preset: 'tiny', epochs: 1, out: place('runs'), name: 'served', threads: 1 }));
  const x = new Float32Array(32 * 5 * 16).fill(0.25)
  const serve = async (count: number) => {
    using model = await load(place('runs/served'))
    for (let i = 0; i < count; i++) {
      await model.predict(x)
      const stepper = model.stepper({ batch: 4 })
      await stepper.step(x.subarray(0, 64))
      stepper.dispose()
      if (i % 100 === 0) (await load(place('runs/served'))).dispose()
    }
    return settled()
  }
  const before = await serve(500)
  expect((await serve(2000)) - before).toBeLessThan(ALLOWED)
})
