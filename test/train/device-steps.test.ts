import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { native, type TrainerOptions } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { BASE, CHAINED, ids, made, TRAIN, train, weights } from '../architectures/task.js'
import { apart } from '../architectures/tiny.js'

beforeAll(() => void useThreads(1))

const STEPS = 12
const trained = async (a: (typeof architectures)[number], o: Partial<TrainerOptions>, count = 200) => {
  const model = await made(a)
  const samples = o.sequence ? CHAINED : TRAIN.samples
  const trainer = await native.trainer(model, samples, ids(o.sequence ? 100 : count), {
    ...BASE,
    ema: 0.9,
    emaWarmup: true,
    ...o,
  })
  const loss = await train(trainer, STEPS, 1e-3)
  const average = native.trainerState(trainer).slots.map(({ average }) => Tensor.wrap(average!).data() as Promise<Float32Array>)
  return { model, trainer, loss, values: await weights(model), average: await Promise.all(average) }
}

/** Compares weights to rounding; counters are bigints. */
const same = (values: Record<string, Float32Array>, expected: Record<string, Float32Array>) => {
  for (const [name, value] of Object.entries(expected))
    if (value instanceof Float32Array) expect(apart(values[name]!, value), name).toBeLessThan(2e-4)
}

describe.each(architectures.map((a) => [a.name, a] as const))('%s', (_, a) => {
  // 70 windows: the last step of an epoch is smaller than the recorded one.
  test('queued and recorded steps train as steps on the host do', async () => {
    const host = await trained(a, { steps: 'host' }, 70)
    const device = await trained(a, { steps: 'device' }, 70)
    const graph = await trained(a, { steps: 'graph' }, 70)
    expect(native.trainerSteps(host.trainer)).toEqual({ where: 'host', why: '' })
    expect(native.trainerSteps(device.trainer)).toEqual({ where: 'device', why: '' })
    const { where, why } = native.trainerSteps(graph.trainer)
    expect(where).toBe(a.name === 'performer' ? 'device' : 'graph')
    expect(why).toMatch(where === 'graph' ? /^$/ : /needs the host in every pass/)
    expect(device.loss).toBeCloseTo(host.loss, 5)
    same(device.values, host.values)
    host.average.forEach((value, i) => void expect(apart(device.average[i]!, value)).toBeLessThan(2e-4))
    expect(graph).toMatchObject({ loss: device.loss, values: device.values, average: device.average })
  })
})

const SCALES = { 'head.weight': 3, 'in_proj.weight': 0, 'in_proj.bias': 0 }
const lstm = architectures.find(({ name }) => name === 'lstm')!

describe('the steps that a device queues', () => {
  test.each([
    { accumulate: 3 },
    { loss: 'cosine' as const },
    { bf16: true },
    { keepZeros: true, clip: 0 },
    { recompute: true },
    { lrScales: SCALES },
  ])('train as steps on the host do with %o', async (o) => {
    const [host, device] = [await trained(lstm, { ...o, steps: 'host' }), await trained(lstm, { ...o, steps: 'device' })]
    expect(device.loss).toBeCloseTo(host.loss, 5)
    same(device.values, host.values)
  })

  test('train on every position with the sequence objective', async () => {
    const [host, device] = [
      await trained(lstm, { sequence: true, steps: 'host' }),
      await trained(lstm, { sequence: true, steps: 'graph' }),
    ]
    expect(device.loss).toBeCloseTo(host.loss, 5)
    expect(native.trainerSteps(device.trainer).where).toBe('graph')
  })

  test.each([
    [{ accumulate: 2 }, 'device', /accumulates/],
    [{ recompute: true }, 'device', /computed again/],
    [{ contrastive: { weight: 0.5, errorScale: 1, negatives: 8 } }, 'host', /contrastive/],
  ] as const)('say why %o is not recorded', async (o, where, why) => {
    const trainer = await native.trainer(await made(lstm), TRAIN.samples, ids(100), { ...BASE, ...o, steps: 'graph' })
    expect(native.trainerSteps(trainer)).toEqual({ where, why: expect.stringMatching(why) })
  })

  test('stop with the error and the weights of the host when a gradient is not finite', async () => {
    for (const steps of ['host', 'graph'] as const) {
      const model = await made(lstm)
      const trainer = await native.trainer(model, TRAIN.samples, ids(2000), { ...BASE, steps })
      await native.trainerRun(trainer, 1, 0, new Float64Array(10).fill(1e-3))
      const before = await weights(model)
      const bias = native.modelState(model).find(({ name }) => name.endsWith('head.bias') || name.endsWith('bias'))!
      await Tensor.wrap(bias.tensor).op('aten::fill_.Scalar', Number.NaN)
      await expect(native.trainerRun(trainer, 1, 10, new Float64Array(20).fill(1e-3))).rejects.toMatchObject({
        code: 'DIVERGED',
        message: expect.stringContaining('NaN at step 11'),
      })
      const after = await weights(model)
      for (const name of Object.keys(before)) if (name !== bias.name) expect(after[name]).toEqual(before[name])
      expect(native.trainerState(trainer).steps).toBe(10)
    }
  })

  test('continue an interrupted epoch to the bit', async () => {
    const run = async (parts: readonly number[]) => {
      const model = await made(lstm)
      let trainer = await native.trainer(model, TRAIN.samples, ids(2000), { ...BASE, steps: 'graph' })
      let from = 0
      for (const count of parts) {
        if (from > 0) {
          const { steps, slots } = native.trainerState(trainer)
          const next = await native.trainer(model, TRAIN.samples, ids(2000), { ...BASE, steps: 'graph' })
          for (const [i, slot] of native.trainerState(next).slots.entries())
            for (const key of ['m', 'v'] as const) await Tensor.wrap(slot[key]).op('aten::copy_', Tensor.wrap(slots[i]![key]))
          native.trainerSetSteps(next, steps)
          native.trainerSums(next, native.trainerSums(trainer))
          trainer = next
        }
        await native.trainerRun(trainer, 3, from, new Float64Array(count).fill(1e-3))
        from += count
      }
      return { values: await weights(model), sums: native.trainerSums(trainer) }
    }
    expect(await run([7, 1, 22])).toEqual(await run([30]))
  })
})
