import { beforeAll, describe, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { isCausal } from '../../lib/spec/architecture.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, expectSlope, printMargin, ULP, ULP64 } from '../rounding.js'
import { apart, build, contexts, DIM, gaussian, LONGEST, predict, widened } from './tiny.js'

/** Lengths on both sides of the thresholds where layers switch to another algorithm. */
const LENGTHS = [1, 2, 5, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129, 256, 257]
const still = (options: Record<string, unknown>) => ({ ...options, inputScale: 'sqrt_dim' })

printMargin()
beforeAll(() => void useThreads(1))

/** Models without random features; test/architectures/favor.test.ts tests their leak and gradients. */
const exact = architectures.filter(({ leak, fixedContext }) => leak === undefined && fixedContext === undefined)

const memory = { residual: 'memory', input: 'memory', memories: 3 }
const each = [
  ...exact.map((a) => [a.name, a, a.presets.tiny] as const),
  ...[findArchitecture('mlp'), findArchitecture('gru')].map(
    (a) => [`${a.name} with memory`, a, { ...a.presets.tiny, ...memory }] as const,
  ),
]

describe.each(each)('%s', (_, a, given) => {
  const options = still(given)

  test.runIf(isCausal(a, options))(
    'predictions for a prefix equal those inside the whole context, for every algorithm',
    async () => {
      const single = await build(a, options)
      const model = await widened(a, options, single)
      const x = contexts(1, LONGEST)
      const every = await predict(model, x, 1, true)
      const own = (apart(await predict(single, x, 1, true), every) * ULP64) / ULP // round-off of float32, estimated in float64
      for (const time of LENGTHS) {
        const want = every.subarray((time - 1) * DIM, time * DIM)
        const last = apart(await predict(model, x.slice(0, time * DIM), 1), want)
        expectRounding(last, own, `${a.name}, last of ${time}`, 1, ULP64)
        const all = await predict(model, x.slice(0, time * DIM), 1, true)
        expectRounding(apart(all, every.subarray(0, time * DIM)), own, `${a.name}, all of ${time}`, 1, ULP64)
      }
    },
  )

  test.each([5, 40, LONGEST])('gradients equal finite differences of the loss at a context of %d', async (time) => {
    const model = await build(a, options, { dtype: 'float64' })
    const x = Float64Array.from(contexts(1, time))
    const target = Tensor.from(Float64Array.from(contexts(1, 1, 9)), [1, DIM])
    const examine = async (x: Float64Array) =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(await native.modelExamine(model, Tensor.from(x, [1, time, DIM]).native, target.native)).map(
            async ([name, tensor]) => [name, (await Tensor.wrap(tensor).data()) as Float64Array] as const,
          ),
        ),
      )
    const found = await examine(x)
    const weights = native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)] as const)
    const start = await Promise.all(weights.map(async ([, weight]) => (await weight.data()) as Float64Array))
    const names = ['grad_x', ...weights.map(([name]) => `grad/${name}`)].filter((name) => name in found)
    for (const [seed, name] of names.entries()) {
      const slope = found[name]!
      const way = Float64Array.from(gaussian(slope.length, 100 + seed))
      const at = weights.findIndex(([weight]) => `grad/${weight}` === name)
      const loss = async (step: number) => {
        if (at < 0) return (await examine(x.map((value, i) => value + step * way[i]!))).loss![0]!
        const moved = Tensor.from(
          start[at]!.map((value, i) => value + step * way[i]!),
          weights[at]![1].shape,
        )
        await native.modelLoad(
          model,
          Object.fromEntries(weights.map(([key, weight], i) => [key, (i === at ? moved : weight).native])),
        )
        const { loss } = await examine(x)
        const back = Tensor.from(start[at]!, weights[at]![1].shape)
        await native.modelLoad(
          model,
          Object.fromEntries(weights.map(([key, weight], i) => [key, (i === at ? back : weight).native])),
        )
        return loss![0]!
      }
      const derivative = way.reduce((sum, w, i) => sum + w * slope[i]!, 0)
      await expectSlope(derivative, loss, `${a.name} at ${time}, ${name}`, 1e-4)
    }
  })
})
