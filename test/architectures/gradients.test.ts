import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, native, type TrainerOptions } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { BASE, CHAINED, CONTEXT, exactly, ids, made, mean, TRAIN, train, weights } from './task.js'
import { apart, contexts, DIM } from './tiny.js'

printMargin()
beforeAll(() => void useThreads(1))

describe.each(architectures.map((a) => [a.name, a] as const))('%s', (_, a) => {
  const still = 'dropout' in a.fields ? { dropout: 0 } : {}
  const trainer = (model: NativeModel, o: Partial<TrainerOptions> = {}, count = 2000) =>
    native.trainer(model, TRAIN.samples, ids(count), { ...BASE, ...o })

  test('the training loss equals that of an evaluation with the same weights', async () => {
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

  // 70 windows: the last step of an epoch has 6, so its last micro-batch is smaller.
  test('gradients of four accumulated batches equal those of one large batch', async () => {
    const runs = []
    for (const o of [{ batch: 32 }, { batch: 8, accumulate: 4 }, { batch: 5, accumulate: 7 }]) {
      const model = await made(a, still)
      const of = await trainer(model, { ...o, clip: 0, weightDecay: 0 }, 70)
      const moments = []
      for (let step = 0; step < native.trainerStepsPerEpoch(of); step++) {
        await native.trainerRun(of, 1, step, new Float64Array(1)) // a learning rate of 0 leaves the weights unchanged
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

  test('gradients with recompute are bit-equal to those without', async () => {
    const results = []
    for (const recompute of [false, true]) {
      const model = await made(a)
      const of = await trainer(model, { recompute, accumulate: 2, bf16: true }, 200)
      results.push({ loss: await train(of, 8, 1e-3), weights: await weights(model) })
    }
    expect(results[1]).toEqual(results[0])
  })

  test.runIf(a.causal)('the sequence objective trains on every position', async () => {
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
})
