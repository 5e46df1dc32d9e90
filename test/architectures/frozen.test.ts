import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { matricesOf } from '../../lib/checkpoint/quantize-matrix.js'
import { type NativeModel, native } from '../../lib/native.js'
import { random } from '../../lib/statistics/random.js'
import { Tensor } from '../../lib/torch/tensor.js'

const panels = 'panels' in (await native.timeKernels('fp32', 16, 16, Int32Array.of(1)))

/** Makes a model whose matrices are all different from zero. */
async function made(
  name: string,
  dim: number,
  options: Readonly<Record<string, unknown>> = {},
  context = 5,
): Promise<NativeModel> {
  const { presets, spec } = findArchitecture(name)
  const { node } = spec({ dim, context }, { ...presets.tiny, ...options })
  const model = await native.model(node, 'float32', 'cpu', 3)
  for (const { tensor, layout } of native.modelState(model))
    if (layout !== undefined) await Tensor.wrap(tensor).change('aten::add_.Scalar', 0.01)
  return model
}
const freeze = (model: NativeModel) =>
  native.modelFreeze(
    model,
    matricesOf(model).map(({ name }) => name),
  )

async function predicted(model: NativeModel, batch: number, context: number, dim: number, all = false): Promise<Float32Array> {
  const data = Float32Array.from({ length: batch * context * dim }, (_, i) => random(7, i) - 0.5)
  using x = Tensor.from(data, [batch, context, dim])
  using y = Tensor.wrap(await native.modelPredict(model, x.native, all))
  return (await y.data()) as Float32Array
}
async function stepped(model: NativeModel, batch: number, dim: number): Promise<Float32Array[]> {
  const stepper = native.stepper(model, batch)
  const found: Float32Array[] = []
  for (let t = 0; t < 3; t++) {
    using x = Tensor.from(
      Float32Array.from({ length: batch * dim }, (_, i) => random(t, i) - 0.5),
      [batch, dim],
    )
    using y = Tensor.wrap(await native.stepperStep(stepper, x.native))
    found.push((await y.data()) as Float32Array)
  }
  native.dispose(stepper)
  return found
}
const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))
const NEAR = 2e-5

describe.runIf(panels)('a frozen model', () => {
  test.each(architectures.map(({ name }) => name))('of the architecture %s predicts as it did before', async (name) => {
    const { fixedContext, causal } = findArchitecture(name)
    const [plain, frozen] = [await made(name, 24), await made(name, 24)]
    expect(await freeze(frozen)).toBe(true)
    for (const [batch, context] of [
      [1, 5],
      [2, 1],
      [3, 8],
      [17, 5],
    ] as const) {
      if (fixedContext && context !== 5) continue
      const before = await predicted(plain, batch, context, 24)
      expect(furthest(await predicted(frozen, batch, context, 24), before), `${batch} × ${context}`).toBeLessThan(NEAR)
      if (causal && !fixedContext) {
        const every = await predicted(plain, batch, context, 24, true)
        expect(furthest(await predicted(frozen, batch, context, 24, true), every), 'all positions').toBeLessThan(NEAR)
      }
    }
    if (causal && !fixedContext && !['hyena'].includes(name)) {
      const [a, b] = [await stepped(plain, 2, 24), await stepped(frozen, 2, 24)]
      for (const [t, step] of a.entries()) expect(furthest(b[t]!, step), `step ${t}`).toBeLessThan(NEAR)
    }
  })

  test.each(['lstm', 'gru', 'transformer', 'distilgpt2'])(
    'of %s predicts every batch from 1 to 17 and widths of any size',
    async (name) => {
      for (const [dim, width] of [
        [7, 12],
        [33, 40],
      ] as const) {
        const heads = ['transformer', 'distilgpt2'].includes(name) ? { heads: 2 } : {}
        const [plain, frozen] = [await made(name, dim, { width, ...heads }), await made(name, dim, { width, ...heads })]
        await freeze(frozen)
        for (let batch = 1; batch <= 17; batch++) {
          const near = furthest(await predicted(frozen, batch, 3, dim), await predicted(plain, batch, 3, dim))
          expect(near, `batch ${batch}, width ${width}`).toBeLessThan(NEAR)
        }
      }
    },
  )

  test('sums over many inputs and rows as before, on one thread and on two', async () => {
    const threads = native.threads()
    const options = { width: 1056, layers: 1 }
    try {
      for (const count of [1, 2]) {
        native.setThreads(count)
        const [plain, frozen] = [await made('lstm', 40, options), await made('lstm', 40, options)]
        await freeze(frozen)
        for (const batch of [1, 5, 13, 29])
          expect(furthest(await predicted(frozen, batch, 4, 40), await predicted(plain, batch, 4, 40)), `${batch}`).toBeLessThan(
            NEAR,
          )
      }
    } finally {
      native.setThreads(threads)
    }
  })

  test.each(['lstm', 'gru', 'transformer', 'distilgpt2', 'mamba2', 'rwkv'])(
    'of %s gives a context the same bits alone and in a batch',
    async (name) => {
      const model = await made(name, 40)
      await freeze(model)
      const alone = await predicted(model, 1, 5, 40)
      for (const batch of [2, 3, 7, 17, 40])
        expect((await predicted(model, batch, 5, 40)).subarray(0, 40), `of ${batch}`).toEqual(alone)
    },
  )

  test.each(['fp32', 'int8'])('has no wrong kernel of ours for %s, whatever the shape', async (scheme) => {
    for (const [out, input] of [
      [1, 1],
      [31, 3],
      [32, 4],
      [33, 5],
      [100, 513],
      [64, 1025],
    ] as const)
      for (const kernel of ['panels', 'dynamic_panels'])
        expect(await native.wrongKernels(scheme, out, input), `${out} × ${input}`).not.toContain(kernel)
  })

  test('gives its values back, to the bit, and predicts with what is written to them', async () => {
    const [plain, frozen] = [await made('transformer', 24), await made('transformer', 24)]
    const before = await predicted(plain, 2, 5, 24)
    await freeze(frozen)
    const [want, own] = [plain, frozen].map((model) => native.modelState(model))
    for (const [i, { name, tensor, layout }] of want!.entries()) {
      expect([own![i]!.name, own![i]!.layout]).toEqual([name, layout])
      expect(await Tensor.wrap(own![i]!.tensor).data(), name).toEqual(await Tensor.wrap(tensor).data())
    }
    expect(await predicted(frozen, 2, 5, 24)).toEqual(before)
    for (const { tensor } of own!) await Tensor.wrap(tensor).change('aten::mul_.Scalar', 1.5)
    const after = await predicted(frozen, 2, 5, 24)
    expect(furthest(after, before)).toBeGreaterThan(0.01)
    await freeze(frozen)
    expect(furthest(await predicted(frozen, 2, 5, 24), after)).toBeLessThan(NEAR)
  })

  test('uses no packed weights of before after it is loaded anew', async () => {
    const [first, second] = [await made('gru', 24), await made('gru', 24, { norm: 'pre' })]
    for (const { tensor } of native.modelState(second)) await Tensor.wrap(tensor).change('aten::mul_.Scalar', 2)
    const want = await predicted(second, 3, 5, 24)
    await freeze(first)
    await native.modelLoad(first, Object.fromEntries(native.modelState(second).map(({ name, tensor }) => [name, tensor])))
    expect(await predicted(first, 3, 5, 24)).toEqual(want)
    await freeze(first)
    expect(furthest(await predicted(first, 3, 5, 24), want)).toBeLessThan(NEAR)
  })

  test('is trained with its values, as a model that was never frozen', async () => {
    const [plain, frozen] = [await made('lstm', 24), await made('lstm', 24)]
    await freeze(frozen)
    using x = Tensor.from(
      Float32Array.from({ length: 2 * 5 * 24 }, (_, i) => random(1, i) - 0.5),
      [2, 5, 24],
    )
    using y = Tensor.from(
      Float32Array.from({ length: 2 * 24 }, (_, i) => random(2, i) - 0.5),
      [2, 24],
    )
    const [a, b] = [await native.modelExamine(plain, x.native, y.native), await native.modelExamine(frozen, x.native, y.native)]
    for (const [name, tensor] of Object.entries(a))
      expect(await Tensor.wrap(b[name]!).data(), name).toEqual(await Tensor.wrap(tensor).data())
  })

  test('refuses a name that is no matrix, and changes nothing', async () => {
    const model = await made('lstm', 24)
    await expect(native.modelFreeze(model, ['head.bias'])).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' })
    await expect(native.modelFreeze(model, ['nothing'])).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' })
    expect(await native.modelFreeze(model, [])).toBe(false)
  })
})
