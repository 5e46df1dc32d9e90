import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, native } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { run } from '../native/run.js'
import { expectSlope, printMargin } from '../rounding.js'
import { build, contexts, DIM, gaussian, LONGEST } from './tiny.js'

/** Two layers of full attention scores would take 800 MB at this length. */
const [TIME, ALLOWED] = [4096, 150e6]

printMargin()
beforeAll(() => void useThreads(1))

interface Trained {
  readonly loss: number
  /** Gradient of every trainable parameter, by its name. */
  readonly gradients: Record<string, Float64Array>
}

describe.each(architectures.map((a) => [a.name, a] as const))('%s over long contexts', (_, a) => {
  // Double precision, and the same seed and step for each loss, so that the dropout masks are equal.
  test.runIf('dropout' in a.fields)('gradients use the same dropout mask as the loss', async () => {
    const model = await build(a, { ...a.presets.tiny, dropout: 0.2 }, { dtype: 'float64' })
    const table = Tensor.from(Float64Array.from(contexts(1, LONGEST + 1, 4)), [LONGEST + 1, DIM])
    const samples = native.samples(table.native, null, Int32Array.of(0), Int32Array.of(LONGEST), LONGEST)
    const { gradients } = await train(model, samples)
    const hidden = (a.leak ?? 0) * Math.max(...Object.values(gradients).map(length)) // see test/architectures/favor.test.ts
    for (const { name, tensor, trainable } of native.modelState(model)) {
      if (!trainable) continue
      using weight = Tensor.wrap(tensor)
      const gradient = gradients[name]!
      const way = Float64Array.from(gaussian(gradient.length, 5))
      const norm = length(way)
      let at = 0
      const loss = async (step: number) => {
        using moved = Tensor.from(
          way.map((v) => (v / norm) * (step - at)),
          weight.shape,
        )
        at = step
        await weight.op('aten::add_', moved)
        return (await train(model, samples)).loss
      }
      const derivative = gradient.reduce((sum, g, i) => sum + (g * way[i]!) / norm, 0)
      await expectSlope(derivative, loss, `${a.name}, ${name}`, 1e-4, hidden)
      await loss(0)
    }
  })

  test.runIf(process.platform === 'linux')('memory of training does not grow with the square of the context length', async () => {
    const { code, out, err } = await run('../architectures/long.mjs', [a.name, TIME])
    expect([code, err]).toEqual([0, ''])
    expect(Number(out)).toBeLessThan(ALLOWED)
  })
})

test.runIf(process.platform === 'linux').each(['mean', 'decay', 'memory'])(
  'the residual %s at every position takes memory that does not grow with the square of their number',
  async (residual) => {
    const { code, out, err } = await run('../architectures/long.mjs', ['lstm', TIME, residual])
    expect([code, err]).toEqual([0, ''])
    expect(Number(out)).toBeLessThan(ALLOWED)
  },
)

const length = (v: Float64Array) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))

/** Runs one training step at a learning rate of zero. */
async function train(model: NativeModel, samples: ReturnType<typeof native.samples>): Promise<Trained> {
  const usual = {
    batch: 1,
    accumulate: 1,
    loss: 'mse',
    bf16: false,
    sequence: false,
    recompute: false,
    seed: 7,
    weightDecay: 0,
    clip: 0,
    ema: 0,
  } as const
  const trainer = await native.trainer(model, samples, Int32Array.of(0), { ...usual, beta1: 0, beta2: 0.5, eps: 1e-8 })
  await native.trainerRun(trainer, 1, 0, new Float64Array(1))
  const { slots } = native.trainerState(trainer)
  const gradients = await Promise.all(
    slots.map(async ({ name, m }) => [name, Float64Array.from((await Tensor.wrap(m).data()) as Float64Array)] as const),
  )
  const { loss } = native.trainerSums(trainer)
  native.dispose(trainer)
  return { loss, gradients: Object.fromEntries(gradients) }
}
