import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, native } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { run } from '../native/run.js'
import { apart, build, contexts, DIM, gaussian, LONGEST, predict } from './tiny.js'

/** Two layers of attention over pairs of positions would hold 800 MB at this length. */
const [TIME, ALLOWED] = [4096, 250e6]

beforeAll(() => void useThreads(1))

interface Trained {
  readonly loss: number
  /** Of every trainable parameter, by its name. */
  readonly gradients: Record<string, Float64Array>
}

describe.each(architectures.map((a) => [a.name, a] as const))('%s over long contexts', (_, a) => {
  test.runIf(a.causal)('sees in its first positions what it sees in contexts that end there', async () => {
    const model = await build(a)
    const x = contexts(1, LONGEST)
    const every = await predict(model, x, 1, true)
    for (const time of [1, 17, 64, 65, 128, 130, 256, 258, LONGEST]) {
      const short = await predict(model, x.slice(0, time * DIM), 1)
      const near = 2e-5 + (time === LONGEST ? 0 : (a.leak ?? 0))
      expect(apart(every.subarray((time - 1) * DIM, time * DIM), short), `position ${time}`).toBeLessThan(near)
    }
  })

  // In double precision, with the dropout that training has: the same seed and step drop the same.
  test('has the slope of its training loss as its gradient', async () => {
    const options = { ...a.presets.tiny, ...('dropout' in a.fields ? { dropout: 0.2 } : {}) }
    const model = await build(a, options, { dtype: 'float64' })
    const table = Tensor.from(Float64Array.from(contexts(1, LONGEST + 1, 4)), [LONGEST + 1, DIM])
    const samples = native.samples(table.native, null, Int32Array.of(0), Int32Array.of(LONGEST), LONGEST)
    const whole = await train(model, samples)
    const largest = Math.max(...Object.values(whole.gradients).map((g) => Math.sqrt(g.reduce((sum, v) => sum + v * v, 0))))
    for (const { name, tensor, trainable } of native.modelState(model)) {
      if (!trainable) continue
      using weight = Tensor.wrap(tensor)
      const gradient = whole.gradients[name]!
      const raw = Float64Array.from(gaussian(gradient.length, 5))
      const length = Math.sqrt(raw.reduce((sum, v) => sum + v * v, 0))
      const direction = raw.map((v) => v / length)
      const losses = []
      for (const step of [1e-5, -2e-5]) {
        await weight.op(
          'aten::add_',
          Tensor.from(
            direction.map((v) => v * step),
            weight.shape,
          ),
        ) // there, and as far behind
        losses.push((await train(model, samples)).loss)
      }
      await weight.op(
        'aten::add_',
        Tensor.from(
          direction.map((v) => v * 1e-5),
          weight.shape,
        ),
      )
      const slope = (losses[0]! - losses[1]!) / 2e-5
      const expected = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0)
      expect(Math.abs(slope - expected), name).toBeLessThan(2e-3 * (Math.abs(expected) + 1e-2 * largest))
    }
  })

  test.runIf(process.platform === 'linux')('trains in memory that does not grow with the square of their length', async () => {
    const { code, out, err } = await run('../architectures/long.mjs', [a.name, TIME])
    expect([code, err]).toEqual([0, ''])
    expect(Number(out)).toBeLessThan(ALLOWED)
  })
})

/** One step of training at a learning rate of zero. */
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
  const trainer = native.trainer(model, samples, Int32Array.of(0), { ...usual, beta1: 0, beta2: 0.5, eps: 1e-8 })
  await native.trainerRun(trainer, 1, 0, new Float64Array(1))
  const { slots } = native.trainerState(trainer)
  const gradients = await Promise.all(
    slots.map(async ({ name, m }) => [name, Float64Array.from((await Tensor.wrap(m).data()) as Float64Array)] as const),
  )
  const { loss } = native.trainerSums(trainer)
  native.dispose(trainer)
  return { loss, gradients: Object.fromEntries(gradients) }
}
