import { beforeAll, describe, expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { type NativeModel, native } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { apart, build, contexts, DIM, predict } from './tiny.js'

const EVERY = 6
const performer = findArchitecture('performer')
const options = { ...performer.presets.tiny, redraw: EVERY }
const COUNT = 'core.performer.proj_updater.calls_since_last_redraw'
const FEATURES = [0, 1].map((i) => `core.performer.net.layers.${i}.0.fn.fast_attention.projection_matrix`)

beforeAll(() => void useThreads(1))

const value = async (model: NativeModel, name: string) => {
  using tensor = Tensor.wrap(native.modelState(model).find((entry) => entry.name === name)!.tensor)
  return Array.from((await tensor.data()) as ArrayLike<number | bigint>, Number)
}
const features = (model: NativeModel) => Promise.all(FEATURES.map((name) => value(model, name)))

async function trainer(model: NativeModel, o: { seed?: number; batch?: number; accumulate?: number } = {}) {
  const table = Tensor.from(contexts(200, 1), [200, DIM]).native
  const first = Int32Array.from({ length: 190 }, (_, i) => i)
  const samples = native.samples(
    table,
    null,
    first,
    first.map((row) => row + 5),
    5,
  )
  const usual = {
    loss: 'mse',
    bf16: false,
    sequence: false,
    recompute: false,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    clip: 1,
    ema: 0,
  } as const
  return native.trainer(model, samples, first, { batch: 2, accumulate: 1, seed: 3, ...usual, ...o })
}
const step = (of: Awaited<ReturnType<typeof trainer>>, from: number, count: number) =>
  native.trainerRun(of, 1, from, new Float64Array(count).fill(1e-3))

test('a FAVOR+ stepper of one layer equals the prediction of the context that ends at its step, for all keys', async () => {
  const model = await build(performer, { ...options, layers: 1 }, { dtype: 'float64' })
  const [batch, time] = [3, 60]
  const x = Tensor.from(Float64Array.from(contexts(batch, time)), [batch, time, DIM])
  const stepper = native.stepper(model, batch)
  for (let t = 0; t < time; t++) {
    using at = await x.op('aten::select', 1, t)
    using context = await x.op('aten::narrow', 1, 0, t + 1)
    using stepped = Tensor.wrap(await native.stepperStep(stepper, at.native))
    using read = Tensor.wrap(await native.modelPredict(model, context.native, false))
    expect(apart((await stepped.data()) as Float64Array, (await read.data()) as Float64Array), `step ${t}`).toBeLessThan(1e-9)
  }
})

describe('random features', () => {
  test('random features are blocks of orthogonal rows with lengths of normal vectors, and differ by layer and seed', async () => {
    const e = 32
    const wide = { ...options, headDim: e, features: 2 * e + 5 }
    const [one, two] = await features(await build(performer, wide))
    expect(one).not.toEqual(two)
    expect(await features(await build(performer, wide, { seed: 2 }))).not.toContainEqual(one)
    const row = (i: number) => one!.slice(i * e, (i + 1) * e)
    const product = (i: number, j: number) => row(i).reduce((sum, x, k) => sum + x * row(j)[k]!, 0)
    for (const [i, j] of [
      [0, 1],
      [3, 31],
      [32, 40],
      [64, 68],
    ] as const)
      expect(Math.abs(product(i, j))).toBeLessThan(1e-3)
    expect(Math.abs(product(0, 32))).toBeGreaterThan(1e-3)
    const squares = Array.from({ length: 2 * e + 5 }, (_, i) => product(i, i))
    expect(squares.reduce((a, b) => a + b, 0) / squares.length / e).toBeCloseTo(1, 0)
    expect(new Set(squares.map((s) => s.toFixed(3))).size).toBeGreaterThan(e) // lengths differ
  })

  test('random features of all layers are redrawn together after every `redraw` training batches', async () => {
    const model = await build(performer, options)
    const training = await trainer(model)
    const drawn = [await features(model)]
    for (let i = 0; i < 2 * EVERY + 3; i++) {
      await step(training, i, 1)
      const now = await features(model)
      const before = drawn.at(-1)!
      if (i === EVERY || i === 2 * EVERY + 1) {
        for (const layer of [0, 1]) expect(now[layer], `step ${i}`).not.toEqual(before[layer])
        drawn.push(now)
        expect(await value(model, COUNT)).toEqual([0])
      } else expect(now, `step ${i}`).toEqual(before)
    }
    expect(drawn.length).toBe(3)
    expect(await value(model, COUNT)).toEqual([1])
  })

  test('redrawn random features depend only on the seed and the step', async () => {
    const drawnAfter = async (o: Parameters<typeof trainer>[1], steps = EVERY + 1) => {
      const model = await build(performer, options)
      await step(await trainer(model, o), 0, steps)
      return features(model)
    }
    const first = await drawnAfter({})
    expect(await drawnAfter({})).toEqual(first)
    expect(await drawnAfter({ seed: 4 })).not.toEqual(first)
    const within = await drawnAfter({ batch: 1, accumulate: 4 }, 2)
    expect(within).not.toEqual(await features(await build(performer, options)))
  })

  test('random features stay constant in inference, and with redraw 0', async () => {
    const model = await build(performer, options)
    const before = await features(model)
    for (let i = 0; i < 2 * EVERY; i++) await predict(model, contexts(1, 5), 1)
    expect([await features(model), await value(model, COUNT)]).toEqual([before, [0]])
    const never = await build(performer, { ...options, redraw: 0 })
    expect(native.modelState(never).map(({ name }) => name)).not.toContain(COUNT)
    const fixed = await features(never)
    await step(await trainer(never), 0, 2 * EVERY)
    expect(await features(never)).toEqual(fixed)
  })

  test('random features continue bit-equally from a saved count', async () => {
    const whole = await build(performer, options)
    await step(await trainer(whole), 0, EVERY + 4)
    const [early, late] = [await build(performer, options), await build(performer, options, { seed: 9 })]
    const [a, b] = [await trainer(early), await trainer(late)]
    await step(a, 0, 4)
    await native.modelLoad(late, Object.fromEntries(native.modelState(early).map(({ name, tensor }) => [name, tensor])))
    for (const [i, { m, v }] of native.trainerState(a).slots.entries()) {
      const into = native.trainerState(b).slots[i]!
      await Tensor.wrap(into.m).op('aten::copy_', Tensor.wrap(m))
      await Tensor.wrap(into.v).op('aten::copy_', Tensor.wrap(v))
    }
    native.trainerSetSteps(b, 4)
    await step(b, 4, EVERY)
    expect(await features(late)).toEqual(await features(whole))
    const x = contexts(3, 5)
    expect(apart(await predict(late, x, 3), await predict(whole, x, 3))).toBe(0)
  })
})
