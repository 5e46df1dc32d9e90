import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, type NativeSamples, type NativeTrainer, native, type TrainerOptions } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { apart, contexts, DIM, predict, unit } from './tiny.js'

printMargin()

const CONTEXT = 5
const BASE: TrainerOptions = {
  batch: 32,
  accumulate: 1,
  loss: 'mse',
  bf16: false,
  sequence: false,
  recompute: false,
  seed: 3,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clip: 1,
  ema: 0,
}

/** A rule that only order and position explain: the last vector turned, mixed with the one two before it. */
function task(count: number, seed: number): { samples: NativeSamples; x: Float32Array; y: Float32Array } {
  const x = contexts(count, CONTEXT, seed)
  const y = Float32Array.from({ length: count * DIM }, (_, i) => {
    const [row, d] = [Math.floor(i / DIM), i % DIM]
    const at = (t: number, k: number) => x[(row * CONTEXT + t) * DIM + (k % DIM)]!
    return (d % 2 === 0 ? 1 : -1) * at(4, d + 1) + 0.5 * at(2, d + 5)
  })
  unit(y)
  const first = Int32Array.from({ length: count }, (_, i) => i * CONTEXT)
  const targets = Int32Array.from(first.keys())
  const table = (data: Float32Array) => Tensor.from(data, [data.length / DIM, DIM]).native
  return { samples: native.samples(table(x), table(y), first, targets, CONTEXT), x, y }
}
const TRAIN = task(2000, 11)
/** Windows over one table, each followed by its target. */
const CHAINED = ((): NativeSamples => {
  const table = Tensor.from(contexts(120, 1, 13), [120, DIM])
  const first = Int32Array.from({ length: 100 }, (_, i) => i)
  return native.samples(
    table.native,
    null,
    first,
    first.map((row) => row + CONTEXT),
    CONTEXT,
  )
})()
const TEST = task(400, 12)
const ids = (n: number) => Int32Array.from({ length: n }, (_, i) => i)
const cosine = (p: ArrayLike<number>, q: ArrayLike<number>) => Array.from(p).reduce((sum, v, i) => sum + v * q[i]!, 0)
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length

const specOf = (a: Architecture, options: Record<string, unknown>) =>
  a.spec({ dim: DIM, context: CONTEXT }, { ...a.presets.tiny, ...options }).node
const made = (a: Architecture, options: Record<string, unknown> = {}, seed = 5): Promise<NativeModel> =>
  native.model(specOf(a, options), 'float32', 'cpu', seed)
/** The same model in double precision. */
async function exactly(a: Architecture, options: Record<string, unknown>): Promise<NativeModel> {
  const [narrow, wide] = [await made(a, options), await native.model(specOf(a, options), 'float64', 'cpu', null)]
  await native.modelLoad(wide, Object.fromEntries(native.modelState(narrow).map(({ name, tensor }) => [name, tensor])))
  return wide
}

/** Trains for so many steps, over as many epochs as that takes, and returns the mean loss of the last epoch. */
async function train(trainer: NativeTrainer, steps: number, lr: number): Promise<number> {
  const perEpoch = native.trainerStepsPerEpoch(trainer)
  for (let done = 0, epoch = 1; done < steps; epoch++) {
    const count = Math.min(perEpoch, steps - done)
    native.trainerSums(trainer, { loss: 0, gradNorm: 0, windows: 0, steps: 0 })
    done += await native.trainerRun(trainer, epoch, 0, new Float64Array(count).fill(lr))
  }
  const { loss, windows } = native.trainerSums(trainer)
  return loss / windows
}
async function weights(model: NativeModel): Promise<Record<string, Float32Array>> {
  const state = native.modelState(model).map(async ({ name, tensor }) => [name, await Tensor.wrap(tensor).data()] as const)
  return Object.fromEntries(await Promise.all(state)) as Record<string, Float32Array>
}
const score = async (model: NativeModel) =>
  mean((await native.evaluate(model, TEST.samples, ids(400), { batch: 128, centre: null })).cosine)

beforeAll(() => void useThreads(1))

test('neither the last vector nor the mean of the context knows the rule', () => {
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

  test('learns a rule that neither the last vector nor the mean explains', async () => {
    const model = await made(a)
    expect(Math.abs(await score(model))).toBeLessThan(0.25)
    await train(await trainer(model), 300, 1e-2)
    expect(await score(model)).toBeGreaterThan(0.5)
  })

  test('goes the same way with the same seed, bit for bit, and another with another', async () => {
    const results = []
    for (const seed of [3, 3, 4]) {
      const model = await made(a)
      const loss = await train(await trainer(model, { seed }), 70, 1e-3)
      results.push({ loss, weights: await weights(model) })
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]!.loss).not.toBe(results[0]!.loss)
  })

  test('trains in bf16 as in fp32, and predicts from the same weights the same afterwards', async () => {
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

  test('reports while it trains what an evaluation of the same weights finds', async () => {
    for (const samples of [TRAIN.samples, CHAINED]) {
      for (const loss of ['mse', 'cosine'] as const) {
        const model = await made(a, still)
        const of = await native.trainer(model, samples, ids(100), { ...BASE, loss, weightDecay: 0 })
        const running = await train(of, 4, 0)
        const found = await native.evaluate(model, samples, ids(100), { batch: 7, centre: null })
        expect(running).toBeCloseTo(loss === 'mse' ? mean(found.mseRaw) : 1 - mean(found.cosine), 6)
      }
    }
  })

  // 70 windows: the last step of an epoch has 6, the last of its micro-batches fewer than the others.
  test('adds up four small batches to the gradients of one large', async () => {
    const runs = []
    for (const o of [{ batch: 32 }, { batch: 8, accumulate: 4 }, { batch: 5, accumulate: 7 }]) {
      const model = await made(a, still)
      const of = await trainer(model, { ...o, clip: 0, weightDecay: 0 }, 70)
      const moments = []
      for (let step = 0; step < native.trainerStepsPerEpoch(of); step++) {
        await native.trainerRun(of, 1, step, new Float64Array(1)) // the rate is 0: only the gradients matter
        moments.push(
          await Promise.all(native.trainerState(of).slots.map(({ m }) => Tensor.wrap(m).data() as Promise<Float32Array>)),
        )
      }
      runs.push({ moments, sums: native.trainerSums(of) })
    }
    const [whole, parts, ragged] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]]
    whole.moments.forEach((slots, step) => {
      slots.forEach((m, i) => {
        expect(apart(parts.moments[step]![i]!, m), `step ${step}`).toBeLessThan(1e-6)
      })
      const largest = Math.max(...slots.flatMap((m) => [...m]).map(Math.abs))
      const most = Math.max(...slots.map((m, i) => apart(parts.moments[step]![i]!, m)))
      expect(most / largest, `step ${step}`).toBeLessThan(1e-5)
    })
    const exact = await trainer(await exactly(a, still), { batch: 32, clip: 0, weightDecay: 0 }, 70)
    await native.trainerRun(exact, 1, 0, new Float64Array(native.trainerStepsPerEpoch(exact)))
    const own = Math.abs(whole.sums.loss - native.trainerSums(exact).loss)
    expectRounding(Math.abs(parts.sums.loss - whole.sums.loss), own, `loss of ${a.name} in parts`, whole.sums.loss)
    expect(parts.sums).toMatchObject({ windows: 70, steps: 3 })
    expect(ragged.sums).toMatchObject({ windows: 70, steps: 2 })
  })

  test('computes layers again in the backward pass to the same result, bit for bit', async () => {
    const results = []
    for (const recompute of [false, true]) {
      const model = await made(a)
      const of = await trainer(model, { recompute, accumulate: 2, bf16: true }, 200)
      results.push({ loss: await train(of, 8, 1e-3), weights: await weights(model) })
    }
    expect(results[1]).toEqual(results[0])
  })

  test.runIf(a.causal)('learns from every position with the sequence objective', async () => {
    const model = await made(a, still)
    const of = await native.trainer(model, CHAINED, ids(100), { ...BASE, sequence: true, weightDecay: 0 })
    const running = await train(of, 4, 0)
    const x = contexts(120, 1, 13)
    const rows = ids(100).length
    const windows = new Float32Array(rows * CONTEXT * DIM)
    for (let i = 0; i < rows; i++) windows.set(x.subarray(i * DIM, (i + CONTEXT) * DIM), i * CONTEXT * DIM)
    const examined = await native.modelExamine(
      model,
      Tensor.from(windows, [rows, CONTEXT, DIM]).native,
      Tensor.from(new Float32Array(rows * DIM).fill(0.1), [rows, DIM]).native,
    )
    const raw = (await Tensor.wrap(examined.raw_all!).data()) as Float32Array
    let sum = 0
    raw.forEach((value, i) => {
      const row = Math.floor(i / DIM)
      const [window, t] = [Math.floor(row / CONTEXT), row % CONTEXT]
      sum += (value - x[(window + t + 1) * DIM + (i % DIM)]!) ** 2
    })
    expect(running).toBeCloseTo(sum / raw.length, 6)
  })

  test('trains with weights and moments in bfloat16 nearly as well', async () => {
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

  test.runIf('dropout' in a.fields)('drops out while it trains, and never otherwise', async () => {
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

test('a trainer is built beside the JS thread', async () => {
  const { node } = architectures[0]!.spec({ dim: DIM, context: CONTEXT }, { width: 1500, layers: 1, dropout: 0 })
  const model = await native.model(node, 'float32', 'cpu', 1)
  const start = performance.now()
  const built = native.trainer(model, TRAIN.samples, ids(10), { ...BASE, ema: 0.9 })
  const blocked = performance.now() - start
  native.dispose(await built)
  expect(blocked).toBeLessThan((performance.now() - start) / 2)
  native.dispose(model)
})
