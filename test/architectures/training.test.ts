import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, native, type TrainerOptions } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { BASE, CONTEXT, cosine, ids, made, mean, score, TEST, TRAIN, train, weights } from './task.js'
import { contexts, DIM, predict, unit } from './tiny.js'

beforeAll(() => void useThreads(1))

test('neither the last vector nor the mean of the context predicts the rule', () => {
  const rows = ids(400)
  const target = (row: number) => TEST.y.subarray(row * DIM, (row + 1) * DIM)
  const vector = (row: number, t: number) => TEST.x.subarray((row * CONTEXT + t) * DIM, (row * CONTEXT + t + 1) * DIM)
  const middle = (row: number) =>
    unit(Float32Array.from({ length: DIM }, (_, d) => [0, 1, 2, 3, 4].reduce((sum, t) => sum + vector(row, t)[d]!, 0)))
  expect(Math.abs(mean(rows.map((row) => cosine(vector(row, 4), target(row)) * 1e6)) / 1e6)).toBeLessThan(0.1)
  expect(Math.abs(mean(rows.map((row) => cosine(middle(row), target(row)) * 1e6)) / 1e6)).toBeLessThan(0.1)
})

describe.each(architectures.map((a) => [a.name, a] as const))('%s', (_, a) => {
  const still = 'dropout' in a.fields ? { dropout: 0 } : {}
  const trainer = (model: NativeModel, o: Partial<TrainerOptions> = {}, count = 2000) =>
    native.trainer(model, TRAIN.samples, ids(count), { ...BASE, ...o })

  test('a model learns a rule that neither the last vector nor the mean predicts', async () => {
    const model = await made(a)
    expect(Math.abs(await score(model))).toBeLessThan(0.25)
    await train(await trainer(model), 300, 1e-2)
    expect(await score(model)).toBeGreaterThan(0.5)
  })

  test('training is bit-equal for the same seed and differs for another', async () => {
    const results = []
    for (const seed of [3, 3, 4]) {
      const model = await made(a)
      const loss = await train(await trainer(model, { seed }), 70, 1e-3)
      results.push({ loss, weights: await weights(model) })
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]!.loss).not.toBe(results[0]!.loss)
  })

  test('training in bf16 reaches the loss of fp32, and its weights predict equally in fp32', async () => {
    const scores = []
    const losses = []
    for (const bf16 of [false, true]) {
      const model = await made(a, still)
      losses.push(await train(await trainer(model, { bf16 }), 150, 1e-2))
      scores.push(await score(model))
      const fresh = await made(a, still, 99)
      await native.modelLoad(fresh, Object.fromEntries(native.modelState(model).map(({ name, tensor }) => [name, tensor])))
      const x = contexts(8, CONTEXT, 5)
      expect(await predict(fresh, x, 8), `bf16 ${bf16}`).toEqual(await predict(model, x, 8))
    }
    expect(losses[1]! / losses[0]!).toBeGreaterThan(0.85)
    expect(losses[1]! / losses[0]!).toBeLessThan(1.15)
    expect(losses[1]).not.toBe(losses[0])
    expect(Math.abs(scores[1]! - scores[0]!)).toBeLessThan(0.1)
  })

  test('training with weights and moments in bfloat16 reaches nearly the same loss', async () => {
    const scores = []
    for (const dtype of ['float32', 'bfloat16'] as const) {
      const { node } = a.spec({ dim: DIM, context: CONTEXT }, { ...a.presets.tiny, ...still })
      const model = await native.model(node, dtype, 'cpu', 5)
      const before = await score(model)
      await train(await trainer(model), 300, 1e-2)
      scores.push(await score(model))
      expect(scores.at(-1)! - before).toBeGreaterThan(0.2)
      for (const { tensor, trainable } of native.modelState(model)) if (trainable) expect(native.tensorDtype(tensor)).toBe(dtype)
    }
    expect(Math.abs(scores[1]! - scores[0]!)).toBeLessThan(0.15)
  })

  test.runIf('dropout' in a.fields)('dropout acts in training and never in inference', async () => {
    const running = async (dropout: number, seed: number) =>
      train(await trainer(await made(a, { dropout }), { seed }, 320), 10, 0)
    const none = await running(0, 3)
    const some = await running(0.5, 3)
    expect(Math.abs(some / none - 1)).toBeGreaterThan(1e-4)
    expect(await running(0.5, 3)).toBe(some)
    expect(await running(0.5, 4)).not.toBe(some)
    const [dropping, plain] = [await made(a, { dropout: 0.5 }), await made(a, { dropout: 0 })]
    const x = contexts(8, CONTEXT, 5)
    const want = await predict(plain, x, 8)
    expect(await predict(dropping, x, 8)).toEqual(want)
    await train(await trainer(dropping, { weightDecay: 0 }, 64), 2, 0)
    expect(await predict(dropping, x, 8)).toEqual(want)
  })
})

test.each([
  ['NaN', Number.NaN],
  ['infinite', 1e30],
])('a training loss that becomes %s ends training with DIVERGED and the step', async (word, value) => {
  const model = await made(architectures[0]!, { dropout: 0 })
  const of = await native.trainer(model, TRAIN.samples, ids(200), BASE)
  await train(of, 2, 1e-3)
  const weight = Tensor.wrap(native.modelState(model).find(({ trainable }) => trainable)!.tensor)
  for (const { tensor, trainable } of native.modelState(model))
    if (trainable) await Tensor.wrap(tensor).change('aten::fill_', value)
  await expect(native.trainerRun(of, 1, 2, Float64Array.of(1e-3))).rejects.toMatchObject({
    name: 'LvmError',
    code: 'DIVERGED',
    message: `training: the loss of the training batch became ${word} at step 3`,
  })
  const kept = await weight.data()
  expect(kept).toEqual(new Float32Array(kept.length).fill(value))
})

test('a trainer is built off the JS thread', async () => {
  const { node } = architectures[0]!.spec({ dim: DIM, context: CONTEXT }, { width: 1500, layers: 1, dropout: 0 })
  const model = await native.model(node, 'float32', 'cpu', 1)
  const start = performance.now()
  const built = native.trainer(model, TRAIN.samples, ids(10), { ...BASE, ema: 0.9 })
  const blocked = performance.now() - start
  native.dispose(await built)
  expect(blocked).toBeLessThan((performance.now() - start) / 2)
  native.dispose(model)
})
