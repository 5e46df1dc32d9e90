import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { isCausal } from '../../lib/spec/architecture.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin, ULP } from '../rounding.js'
import { apart, build, contexts, DIM, LONGEST, predict, variants, widened } from './tiny.js'

const BATCH = 4
/** Largest float32 round-off of a unit vector; a wrong formula has a larger error. */
const FLOAT32 = 1000 * ULP
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const all = architectures.flatMap((a) => variants(a).map(([about, options]) => [`${a.name} (${about})`, a, options] as const))

printMargin()
beforeAll(() => void useThreads(1)) // nothing here is large enough for several threads

describe.each(all)('%s', (title, a, options) => {
  const causal = isCausal(a, options)
  const leak = a.leak ?? 0
  const model = build(a, options, a.fixedContext ? { context: 5 } : {})
  const wide = model.then((narrow) => widened(a, options, narrow, a.fixedContext ? 5 : undefined))
  /** Largest error of the outputs against double precision. */
  const own = (async () => {
    const probes = a.fixedContext ? [contexts(33, 5)] : [contexts(33, 5), contexts(BATCH, 70), contexts(1, LONGEST)]
    const errors = probes.map(async (x, i) => {
      const batch = [33, BATCH, 1][i]!
      return apart(await predict(await model, x, batch, causal), await predict(await wide, x, batch, causal))
    })
    return Math.max(...(await Promise.all(errors)))
  })()
  const expectSame = async (got: ArrayLike<number>, want: ArrayLike<number>, what: string) =>
    expectRounding(Math.max(0, apart(got, want) - leak), await own, `${title}, ${what}`)
  const reading = (time: number) => (a.fixedContext ? build(a, options, { context: time }) : model)

  test.each([1, 5, 7, 64, LONGEST])('a model predicts one finite unit vector per context of %d', async (time) => {
    const y = await predict(await reading(time), contexts(BATCH, time), BATCH)
    expect(y.length).toBe(BATCH * DIM)
    for (let b = 0; b < BATCH; b++) expect(Math.hypot(...y.subarray(b * DIM, (b + 1) * DIM))).toBeCloseTo(1, 5)
  })

  test('a prediction does not depend on other rows of its batch', async () => {
    const x = contexts(BATCH, 7)
    const model = await reading(7)
    const before = await predict(model, x, BATCH)
    const other = x.slice()
    other.set(contexts(1, 7, 2), 2 * 7 * DIM)
    const after = await predict(model, other, BATCH)
    const row = (y: Float64Array, b: number) => y.subarray(b * DIM, (b + 1) * DIM)
    for (const b of [0, 1, 3]) await expectSame(row(after, b), row(before, b), `row ${b}`)
    expect(apart(row(after, 2), row(before, 2))).toBeGreaterThan(1e-4)
    await expectSame(await predict(model, x.subarray(7 * DIM, 14 * DIM), 1), row(before, 1), 'a row alone')
  })

  test('a prediction depends on every position of the context', async () => {
    const x = contexts(1, 5)
    const before = await predict(await model, x, 1)
    for (let t = 0; t < 5; t++) {
      const other = x.slice()
      other.set(contexts(1, 1, 50 + t), t * DIM)
      expect(apart(await predict(await model, other, 1), before), `position ${t}`).toBeGreaterThan(1e-6)
    }
  })

  test.runIf(causal).each([1, 5, 70])('predictAll over %d positions ends with the prediction of predict', async (time) => {
    const x = contexts(BATCH, time)
    const every = await predict(await model, x, BATCH, true)
    expect(every.length).toBe(x.length)
    const last = Array.from({ length: BATCH }, (_, b) => [...every.subarray(((b + 1) * time - 1) * DIM, (b + 1) * time * DIM)])
    await expectSame(await predict(await model, x, BATCH), last.flat(), `the last of ${time}`)
  })

  test.runIf(causal)('predictions of a causal model do not depend on later positions', async () => {
    const time = 9
    const x = contexts(1, time)
    const before = await predict(await model, x, 1, true)
    for (const t of [1, 4, 8]) {
      const other = x.slice()
      other.set(contexts(1, time - t, 3), t * DIM)
      const after = await predict(await model, other, 1, true)
      await expectSame(after.subarray(0, t * DIM), before.subarray(0, t * DIM), `before ${t}`)
      expect(apart(after.subarray(t * DIM), before.subarray(t * DIM))).toBeGreaterThan(1e-4)
      const prefix = await predict(await model, x.slice(0, t * DIM), 1)
      await expectSame(prefix, before.subarray((t - 1) * DIM, t * DIM), `a prefix of ${t}`)
    }
  })

  test.runIf(causal)('a causal model predicts equally for a prefix and inside a longer context', async () => {
    const x = contexts(1, LONGEST)
    const every = await predict(await model, x, 1, true)
    for (const t of [5, 32, 33, 64, 65, 128, 130, 256, 257, LONGEST])
      await expectSame(await predict(await model, x.slice(0, t * DIM), 1), every.subarray((t - 1) * DIM, t * DIM), `${t} of many`)
  })

  test.runIf(causal)('a stepper equals predictAll and starts over after reset', async () => {
    const time = 40
    const x = contexts(BATCH, time)
    const every = await predict(await model, x, BATCH, true)
    const rowsOf = (all: ArrayLike<number>, t: number) =>
      Float32Array.from({ length: BATCH * DIM }, (_, i) => all[(Math.floor(i / DIM) * time + t) * DIM + (i % DIM)]!)
    const stepper = native.stepper(await model, BATCH)
    for (const steps of [time, 3]) {
      await native.stepperReset(stepper)
      for (let t = 0; t < steps; t++) {
        const at = Tensor.from(rowsOf(x, t), [BATCH, DIM])
        using y = Tensor.wrap(await native.stepperStep(stepper, at.native))
        const want = rowsOf(every, t)
        await expectSame((await y.data()) as Float32Array, want, `step ${t}`)
      }
    }
    native.dispose(stepper)
  })

  test('predictions equal those in double precision for any thread count and batch', async () => {
    const x = contexts(33, 5)
    const single = await predict(await model, x, 33)
    expect(await own).toBeLessThan(FLOAT32)
    for (const threads of [2, 3]) {
      useThreads(threads)
      await expectSame(await predict(await model, x, 33), single, `${threads} threads`)
    }
    useThreads(1)
    const parts = []
    for (let b = 0; b < 33; b += 11) parts.push(...(await predict(await model, x.slice(b * 5 * DIM, (b + 11) * 5 * DIM), 11)))
    await expectSame(parts, single, 'parts of a batch')
  })
})

describe.each(architectures.map((a) => [a.name, a] as const))('%s', (_, a) => {
  const model = build(a, a.presets.tiny, { context: 5 })
  const give = async (x: Tensor) => Tensor.wrap(await native.modelPredict(await model, x.native, false))
  test.each<[string, string, () => Tensor | Promise<Tensor>]>([
    ['vectors of another dimension', 'BAD_ARGUMENT', () => Tensor.from(contexts(1, 5), [5, 1, DIM].reverse())],
    ['a context without vectors', 'BAD_ARGUMENT', () => Tensor.from(new Float32Array(0), [2, 0, DIM])],
    ['a table instead of contexts', 'BAD_ARGUMENT', () => Tensor.from(contexts(1, 5), [5, DIM])],
    ['whole numbers', 'BAD_ARGUMENT', () => Tensor.from(new Int32Array(5 * DIM), [1, 5, DIM])],
    ['complex numbers', 'BAD_ARGUMENT', () => Tensor.from(new Float32Array(10 * DIM), [1, 5, DIM], { dtype: 'complex64' })],
    ['NaN', 'DATA_NOT_FINITE', () => Tensor.from(contexts(1, 5).fill(NaN, 7, 8), [1, 5, DIM])],
    ['Inf', 'DATA_NOT_FINITE', () => Tensor.from(contexts(1, 5).fill(-Infinity, 7, 8), [1, 5, DIM])],
  ])('a model refuses %s', async (_, expected, make) => {
    await expect(give(await make())).rejects.toThrow(code(expected))
  })
  test('a model accepts vectors in half precision and predicts in its own', async () => {
    const x = Tensor.from(contexts(2, 5), [2, 5, DIM])
    const want = (await (await give(x)).data()) as Float32Array
    for (const [dtype, near] of [
      ['float16', 5e-3],
      ['bfloat16', 5e-2],
      ['float64', 1e-6],
    ] as const) {
      const y = await give(await x.to({ dtype }))
      expect([y.dtype, y.shape]).toEqual(['float32', [2, DIM]])
      expect(apart((await y.data()) as Float32Array, want)).toBeLessThan(near)
    }
  })
  test('a model predicts nothing for an empty batch', async () => {
    expect((await give(Tensor.from(new Float32Array(0), [0, 5, DIM]))).shape).toEqual([0, DIM])
  })
  test('a model refuses weights that do not fit and keeps its own', async () => {
    const mine = await model
    const x = contexts(1, 5)
    const before = await predict(mine, x, 1)
    const state = Object.fromEntries(native.modelState(mine).map(({ name, tensor }) => [name, tensor]))
    const [first] = Object.keys(state) as [string]
    const { [first]: _, ...rest } = state
    const flat = Tensor.from([1]).native
    const doubled = await (await Tensor.wrap(state[first]!).op('aten::mul', 2)).to({})
    for (const [weights, sentence] of [
      [rest, `expected a tensor "${first}" but there is none`],
      [{ ...state, extra: flat }, 'received "extra"'],
      [{ ...state, [first]: flat }, `for "${first}" but received [1]`],
      [{ ...rest, [`x${first}`]: doubled.native }, first],
    ] as const) {
      await expect(native.modelLoad(mine, weights)).rejects.toThrow(code('BAD_CHECKPOINT'))
      await expect(native.modelLoad(mine, weights)).rejects.toThrow(sentence)
    }
    expect(await predict(mine, x, 1)).toEqual(before)
  })
  test('a stepper refuses vectors of another width or batch', async () => {
    const stepper = native.stepper(await model, 2)
    for (const shape of [
      [1, DIM],
      [2, DIM + 1],
      [2, 1, DIM],
    ]) {
      const x = Tensor.from(new Float32Array(shape.reduce((p, q) => p * q)).fill(0.1), shape)
      await expect(native.stepperStep(stepper, x.native)).rejects.toThrow(code('BAD_ARGUMENT'))
    }
    const nan = Tensor.from(new Float32Array(2 * DIM).fill(NaN), [2, DIM])
    await expect(native.stepperStep(stepper, nan.native)).rejects.toThrow(code('DATA_NOT_FINITE'))
  })
})
