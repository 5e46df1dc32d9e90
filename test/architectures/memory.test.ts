import { beforeAll, describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { fill } from '../../lib/checkpoint/run-weights.js'
import type { Stored } from '../../lib/checkpoint/stored-tensors.js'
import { type NativeModel, native } from '../../lib/native.js'
import { isCausal } from '../../lib/spec/architecture.js'
import { contextsOf } from '../../lib/spec/contexts.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { plan } from '../../lib/train/recipe.js'
import { LONG } from '../cases.js'
import { run } from '../native/run.js'
import { apart, build, contexts, DIM, gaussian, predict, widened } from './tiny.js'

beforeAll(() => void useThreads(1))

const lstm = findArchitecture('lstm')
const mlp = findArchitecture('mlp')
const tiny = (more: Record<string, unknown>, of = lstm) => ({ ...of.presets.tiny, ...more })
/** θ at which λ = σ(θ) is exactly 0 in float32, some between, and θ at which it is exactly 1. */
const DECAYS = [-104, -1, 0.5, 3.9, 104]
const WEIGHTS = [0.7, -0.2, 0.4, 1.1, 0.3]

async function set(model: NativeModel, values: Record<string, readonly number[]>): Promise<void> {
  for (const { name, tensor } of native.modelState(model)) {
    const weight = Tensor.wrap(tensor)
    const given = Tensor.from(Float64Array.from(values[name] ?? []), [values[name]?.length ?? 0])
    if (name in values) await weight.op('aten::copy_', await given.to({ dtype: weight.dtype }))
  }
}

/** Exponential means of all vectors up to each position, by their definition. Returns [position][mean] → vector. */
function means(x: ArrayLike<number>, decays: readonly number[]): number[][][] {
  const sums = decays.map(() => new Array<number>(DIM).fill(0))
  const totals = decays.map(() => 0)
  return Array.from({ length: x.length / DIM }, (_, t) =>
    decays.map((decay, k) => {
      const rate = 1 / (1 + Math.exp(-decay))
      totals[k] = rate * totals[k]! + 1
      sums[k] = sums[k]!.map((sum, c) => rate * sum + x[t * DIM + c]!)
      return sums[k]!.map((sum) => sum / totals[k]!)
    }),
  )
}
const unit = (v: readonly number[]) => v.map((value) => value / Math.hypot(...v))

describe('residual memory', () => {
  const options = tiny({ residual: 'memory', memories: DECAYS.length })
  const model = (dtype: 'float32' | 'float64' = 'float64') =>
    (async () => {
      const { node } = lstm.spec({ dim: DIM, context: 5 }, options)
      const made = await native.model(node, dtype, 'cpu', 1) // the head starts at zero
      await set(made, { 'residual.weight': WEIGHTS, 'residual.decay': DECAYS })
      return made
    })()

  test('a model whose head is zero predicts the mixture of exponential means, at every position', async () => {
    const x = contexts(1, 300)
    const want = means(x, DECAYS).map((of) =>
      unit(of[0]!.map((_, c) => of.reduce((sum, mean, k) => sum + WEIGHTS[k]! * mean[c]!, 0))),
    )
    for (const [dtype, near] of [
      ['float64', 1e-12],
      ['float32', 2e-6],
    ] as const) {
      const built = await model(dtype)
      expect(apart(await predict(built, x, 1, true), want.flat())).toBeLessThan(near)
      for (const time of [1, 2, 64, 65, 128, 129, 300])
        expect(apart(await predict(built, x.slice(0, time * DIM), 1), want[time - 1]!)).toBeLessThan(near)
    }
  })
  test('weights follow the standardised summary of the means, and the means are centred', async () => {
    const [built, x, k] = [await model(), contexts(1, 40), DECAYS.length]
    const size = 2 * k + (k * (k - 1)) / 2
    const numbers = (seed: number, n: number) => [...gaussian(n, seed)]
    const [summary, middle, shift, center] = [numbers(1, k * size), numbers(2, size), numbers(3, size), numbers(4, DIM)]
    const scale = shift.map((value) => 1 + Math.abs(value))
    await set(built, { 'residual.center': center, 'residual.summary_center': middle, 'residual.summary_scale': scale })
    const rows = native.modelState(built).find(({ name }) => name === 'residual.summary')!
    await Tensor.wrap(rows.tensor).change('aten::copy_', Tensor.from(Float64Array.from(summary), [k, size]))
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    const rates = DECAYS.map((decay) => 1 / (1 + Math.exp(-decay)))
    const want = means(x, DECAYS).map((of, t) => {
      const totals = rates.map((rate) => Array.from({ length: t + 1 }, (_, age) => rate ** age).reduce((a, b) => a + b))
      const norms = of.map((mean) => Math.hypot(...mean))
      const cosines = of.flatMap((a, i) => of.slice(i + 1).map((b, j) => dot(a, b) / (norms[i]! * norms[i + 1 + j]!)))
      const z = [...totals.map(Math.log), ...norms, ...cosines].map((value, j) => (value - middle[j]!) / scale[j]!)
      const weights = WEIGHTS.map((weight, i) => weight + dot(z, summary.slice(i * size, (i + 1) * size)))
      return unit(center.map((value, c) => of.reduce((sum, mean, i) => sum + weights[i]! * (mean[c]! - value), 0)))
    })
    expect(apart(await predict(built, x, 1, true), want.flat())).toBeLessThan(1e-11)
    expect(apart(await predict(built, x, 1), want.at(-1)!)).toBeLessThan(1e-11)
  })
  test('a run of an earlier version, without centres and scale, is filled with what that version computed', async () => {
    const [own, other, x] = [await model(), await model(), contexts(1, 20)]
    const state = native.modelState(own)
    const earlier = state.filter(({ name }) => !/center|summary_scale/.test(name))
    expect(state.length - earlier.length).toBe(3)
    const tensors = earlier.map(({ name, tensor }): [string, Stored] => {
      const kept = Tensor.wrap(tensor)
      return [name, { shape: kept.shape, read: async () => kept.to({ dtype: 'float64' }) }]
    })
    const sizes = new Map(state.map(({ name, tensor }) => [name, Tensor.wrap(tensor).shape[0]!]))
    const full = (name: string, value: number) => ({ [name]: new Array<number>(sizes.get(name)!).fill(value) })
    await set(other, {
      ...full('residual.center', 3),
      ...full('residual.summary_center', 3),
      ...full('residual.summary_scale', 3),
    })
    await fill(other, 'earlier.pt', new Map(tensors))
    expect(await predict(other, x, 1)).toEqual(await predict(own, x, 1))
    const lacking = new Map(tensors.filter(([name]) => name !== 'residual.gate'))
    await expect(fill(other, 'earlier.pt', lacking)).rejects.toThrow(
      /earlier.pt: expected a tensor "residual.gate" but received none/,
    )
  })
  test('a decay of 0 is the last vector and a decay of 1 the plain mean, exactly', async () => {
    const x = contexts(1, 200)
    for (const [decay, residual] of [
      [-104, 'last'],
      [104, 'mean'],
    ] as const) {
      const { node } = lstm.spec({ dim: DIM, context: 5 }, tiny({ residual: 'memory', memories: 1 }))
      const one = await native.model(node, 'float32', 'cpu', 1)
      await set(one, { 'residual.decay': [decay] })
      const plain = await native.model(lstm.spec({ dim: DIM, context: 5 }, tiny({ residual })).node, 'float32', 'cpu', 1)
      expect(apart(await predict(one, x, 1), await predict(plain, x, 1))).toBeLessThan(1e-7)
    }
  })
  test('initial weights are equal, and initial decays reach from .02 to .98', async () => {
    for (const memories of [undefined, 1, 3, 64]) {
      const made = await native.model(
        lstm.spec({ dim: DIM, context: 5 }, tiny({ residual: 'memory', memories })).node,
        'float32',
        'cpu',
        7,
      )
      const state = new Map(native.modelState(made).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
      const [weight, decay] = await Promise.all(
        ['weight', 'decay'].map(async (name) => [...((await state.get(`residual.${name}`)!.data()) as Float32Array)]),
      )
      const count = memories ?? 6
      expect(weight).toEqual(new Array(count).fill(Math.fround(1 / count)))
      const rates = decay!.map((theta) => 1 / (1 + Math.exp(-theta)))
      expect(rates[0]).toBeCloseTo(count === 1 ? 0.8 : 0.02, 6)
      expect(rates.at(-1)).toBeCloseTo(count === 1 ? 0.8 : 0.98, 6)
      expect(rates).toEqual(rates.toSorted((a, b) => a - b))
    }
  })
  test('bf16 weights keep sums in float32: the error at position 2,000 is one of rounding', async () => {
    const x = contexts(1, 2000)
    const [half, wide] = [
      await native.model(lstm.spec({ dim: DIM, context: 5 }, options).node, 'bfloat16', 'cpu', 1),
      await model(),
    ]
    for (const each of [half, wide]) // exact in bf16
      await set(each, { 'residual.weight': [0.5, 0.25, 0.5, 1, 0.25], 'residual.decay': [-104, -1, 0.5, 3.875, 104] })
    const all = [await predict(half, x, 1, true), await predict(wide, x, 1, true)] as const
    expect(apart(all[0].slice(-DIM), all[1].slice(-DIM))).toBeLessThan(0.01)
    expect(apart(await predict(half, x, 1), all[1].slice(-DIM))).toBeLessThan(0.01)
  })
})

describe('input memory', () => {
  test('the trunk reads each vector and the exponential means, scaled like the vector', async () => {
    const options = tiny({ input: 'memory', memories: DECAYS.length, inputScale: 'sqrt_dim' })
    const model = await widened(lstm, options, await build(lstm, options))
    await set(model, { 'input.decay': DECAYS })
    const x = contexts(1, 150)
    const found = await native.modelExamine(
      model,
      Tensor.from(Float64Array.from(x), [1, 150, DIM]).native,
      Tensor.from(Float64Array.from(contexts(1, 1)), [1, DIM]).native,
    )
    const seen = Tensor.wrap(found['seen/input']!)
    expect(seen.shape).toEqual([1, 150, 6 * DIM])
    const want = means(x, DECAYS).flatMap((of, t) => [...x.slice(t * DIM, (t + 1) * DIM), ...of.flat()])
    expect(
      apart(
        (await seen.data()) as Float64Array,
        want.map((value) => value * Math.sqrt(DIM)),
      ),
    ).toBeLessThan(1e-12)
  })
  test('an mlp with input memory is causal, reads contexts of any length and learns sequences', async () => {
    const options = tiny({ input: 'memory' }, mlp)
    expect([isCausal(mlp, {}), isCausal(mlp, options)]).toEqual([false, true])
    expect(contextsOf(mlp.spec({ dim: DIM, context: 5 }, options).node)).toEqual({ shortest: 1, longest: Infinity })
    expect(mlp.spec({ dim: DIM, context: 5 }, options).node).toEqual(mlp.spec({ dim: DIM, context: 99 }, options).node)
    expect(plan('mlp', { data: 'x.npy', objective: 'sequence', input: 'memory' }).train.objective).toBe('sequence')
    expect(() => plan('mlp', { data: 'x.npy', objective: 'sequence' })).toThrow(/is not causal/)
  })
})

describe.each(architectures.map((a) => [a.name, a] as const))('%s', (name, a) => {
  const spec = (o: Record<string, unknown>) => a.spec({ dim: DIM, context: 5 }, { ...a.presets.tiny, ...o })
  test('memories without a memory, too many and none are refused', () => {
    expect(() => spec({ memories: 3 })).toThrow(expect.objectContaining({ code: 'BAD_SPEC' }))
    expect(() => spec({ memories: 3 })).toThrow(`${name}: expected "residual" or "input" memory with "memories" 3`)
    for (const memories of [0, 65, 1.5]) {
      expect(() => spec({ residual: 'memory', memories })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    }
  })
  test('a spec without memory is the same as before there was one', () => {
    const { node } = spec({ residual: 'decay' })
    expect([node.op, Object.keys(node.params), node.of.length]).toEqual([
      'predictor',
      ['dim', 'output', 'residual', 'inputScale'],
      2,
    ])
    expect(JSON.stringify(node)).not.toMatch(/memoryInput|memoryMixture/)
  })
})

test('states at different positions are fed together, and equal those fed alone', async () => {
  const a = mlp
  const model = await build(a, tiny({ residual: 'memory', input: 'memory', memories: 3 }, a))
  const [one, other, alone] = [native.stepper(model, 1), native.stepper(model, 1), native.stepper(model, 1)]
  const x = contexts(1, 9)
  const at = (from: number, rows = 1) => Tensor.from(x.slice(from * DIM, (from + rows) * DIM), [rows, DIM]).native
  const answer = async (y: ReturnType<typeof native.stepperStep>) => (await Tensor.wrap(await y).data()) as Float32Array
  const joint = await native.jointSteps(model)
  for (let t = 0; t < 5; t++) await native.stepperStep(one, at(t))
  await native.stepperStep(other, at(7))
  const both = await answer(
    native.jointStep(
      joint,
      [one, other],
      Tensor.from(Float32Array.from([...x.slice(5 * DIM, 6 * DIM), ...x.slice(8 * DIM)]), [2, DIM]).native,
    ),
  )
  for (let t = 0; t < 5; t++) await native.stepperStep(alone, at(t))
  expect(apart(both.slice(0, DIM), await answer(native.stepperStep(alone, at(5))))).toBeLessThan(1e-6)
  await native.stepperReset(alone)
  await native.stepperStep(alone, at(7))
  expect(apart(both.slice(DIM), await answer(native.stepperStep(alone, at(8))))).toBeLessThan(1e-6)
})

test.runIf(LONG && process.platform === 'linux')(
  'training on 16,384 vectors with residual memory stays within its estimate',
  async () => {
    const { code, out, err } = await run('../architectures/within-estimate.mjs', [], 110_000)
    expect([code, err]).toEqual([0, ''])
    const { used, estimated } = JSON.parse(out) as { used: number; estimated: number }
    expect(used).toBeLessThan(estimated)
  },
  120_000,
)
