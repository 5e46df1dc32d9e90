import { describe, expect, test } from 'vitest'
import { AdamW, createModel, SGD, type Tensor, torch, warmupCosine } from '../../../lib/index.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const start = (values: number[] = [1, -2]) => torch.tensor(values, { requiresGrad: true })
/** One step on the sum of squares: the gradient of x is 2 x. */
async function step(optimizer: AdamW | SGD, ...tensors: Tensor[]): Promise<number> {
  for (const x of tensors) x.pow(2).sum().backward()
  return optimizer.step()
}
const numbers = async (x: Tensor) => (await x.tolist()) as number[]

describe('parameter groups', () => {
  test('of SGD have their own learning rate and weight decay', async () => {
    const [a, b] = [start(), start()]
    await step(
      new SGD(
        [
          { params: [a], lr: 0.1 },
          { params: { b }, weightDecay: 1 },
        ],
        { lr: 0.2 },
      ),
      a,
      b,
    )
    expect(await numbers(a)).toEqual([expect.closeTo(1 - 0.1 * 2, 6), expect.closeTo(-2 + 0.1 * 4, 6)])
    expect(await numbers(b)).toEqual([expect.closeTo(1 - 0.2 * (2 + 1), 6), expect.closeTo(-2 + 0.2 * (4 + 2), 6)])
  })
  test('of AdamW update as separate optimizers do, to the bit', async () => {
    const [a, b, alone, other] = [start(), start(), start(), start()]
    const both = new AdamW([{ params: [a], lr: 0.03, weightDecay: 0.5 }, { params: [b] }], { lr: 0.01, weightDecay: 0 })
    const [first, second] = [new AdamW([alone], { lr: 0.03, weightDecay: 0.5 }), new AdamW([other], { lr: 0.01, weightDecay: 0 })]
    for (let i = 0; i < 5; i++) {
      await step(both, a, b)
      await step(first, alone)
      await step(second, other)
    }
    expect([await numbers(a), await numbers(b)]).toEqual([await numbers(alone), await numbers(other)])
  })
  test('follow the rate of a schedule in proportion, and each can be set', async () => {
    const optimizer = new AdamW([{ params: [start()], lr: 3e-4 }, { params: [start()] }], { lr: 1e-3 })
    const rate = warmupCosine({ lr: 1e-3, steps: 10, warmup: 0.1 })
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([3e-4, 1e-3])
    for (let i = 0; i < 10; i++) {
      optimizer.lr = rate(i)
      expect(optimizer.groups[1]!.lr).toBe(rate(i))
      expect(optimizer.groups[0]!.lr).toBeCloseTo(0.3 * rate(i), 12)
    }
    optimizer.groups[0]!.lr = 0.5
    optimizer.groups[0]!.weightDecay = 0.25
    expect(optimizer.groups[0]).toMatchObject({ lr: 0.5, weightDecay: 0.25, names: ['0'] })
    optimizer.lr = 1e-3
    expect(optimizer.groups[0]).toMatchObject({ lr: 3e-4, weightDecay: 0.25 })
  })
  test('share the norm that is clipped, and their state has one name for each tensor', async () => {
    const [a, b] = [start([3]), start([4])]
    const optimizer = new SGD([{ params: [a] }, { params: [b] }], { lr: 1, clip: 1, momentum: 0.9 })
    expect(await step(optimizer, a, b)).toBeCloseTo(10, 5)
    expect([await numbers(a), await numbers(b)]).toEqual([[expect.closeTo(2.4, 5)], [expect.closeTo(3.2, 5)]])
    expect(Object.keys(optimizer.stateDict().tensors)).toEqual(['0.m', '1.m'])
  })
  test('keep the rules of a model for its tensors: no decay, and a bound of the rate', async () => {
    const model = await createModel({ model: 's4', preset: 'tiny', dim: 8, context: 4 })
    const whole = await createModel({ model: 's4', preset: 'tiny', dim: 8, context: 4 })
    const tensors = Object.values(model.namedParameters())
    const grouped = new AdamW([{ params: tensors.slice(0, 3) }, { params: tensors.slice(3) }], { lr: 0.1, weightDecay: 0.5 })
    const plain = new AdamW(whole, { lr: 0.1, weightDecay: 0.5 })
    const x = torch.ones([2, 4, 8])
    for (const [m, optimizer] of [
      [model, grouped],
      [whole, plain],
    ] as const) {
      m.forward(x).pow(2).sum().backward()
      await optimizer.step()
    }
    const [own, expected] = [model.stateDict(), whole.stateDict()]
    for (const [name, tensor] of Object.entries(expected)) expect(await own[name]!.tolist(), name).toEqual(await tensor.tolist())
  })
})

describe('tensors that require no gradient', () => {
  test('are left out, with a group of nothing else', async () => {
    const [a, frozen] = [start(), start()]
    frozen.requiresGrad = false
    const optimizer = new AdamW([{ params: [a] }, { params: { frozen } }], { lr: 0.1, weightDecay: 1 })
    expect(optimizer.groups.map(({ names }) => names)).toEqual([['0'], []])
    await step(optimizer, a)
    expect(await numbers(frozen)).toEqual([1, -2])
    expect(Object.keys(optimizer.stateDict().tensors)).toEqual(['0.m', '0.v'])
  })
  test.each(['AdamW', 'SGD'] as const)(
    'of %s may be frozen and trained again later; an earlier gradient does not count',
    async (kind) => {
      const [a, b] = [start(), start()]
      const options = { lr: 0.1, weightDecay: 1 }
      const optimizer = kind === 'AdamW' ? new AdamW([a, b], options) : new SGD([a, b], { ...options, momentum: 0.9 })
      await step(optimizer, a, b)
      await b.pow(2).sum().backward()
      b.requiresGrad = false
      const before = await numbers(b)
      const norm = Math.hypot(...(await numbers(a)).map((value) => 2 * value))
      expect(await step(optimizer, a)).toBeCloseTo(norm, 5)
      expect(await numbers(b)).toEqual(before)
      b.requiresGrad = true
      await step(optimizer, a, b)
      expect(await numbers(b)).not.toEqual(before)
    },
  )
})

describe('refused', () => {
  const x = start()
  test.each<[string, string, () => unknown]>([
    ['a tensor in two groups', 'BAD_ARGUMENT', () => new AdamW([{ params: [x] }, { params: [x] }])],
    ['a name in two groups', 'BAD_ARGUMENT', () => new AdamW([{ params: { x } }, { params: { x: start() } }])],
    ['a group of nothing', 'BAD_ARGUMENT', () => new AdamW([{ params: [] }, { params: [x] }])],
    ['a group without tensors', 'BAD_ARGUMENT', () => new SGD([{ params: 5 as never }])],
    ['a group without params', 'BAD_ARGUMENT', () => new SGD([{ params: [x] }, { lr: 1 } as never])],
    ['an unknown option of a group', 'BAD_OPTION', () => new SGD([{ params: [x], momentum: 0.9 } as never])],
    ['a rate that is none', 'BAD_OPTION', () => new AdamW([{ params: [x], lr: -1 }])],
    ['a weight decay that is none', 'BAD_OPTION', () => new AdamW([{ params: [x], weightDecay: Number.NaN }])],
    ['groups of which nothing trains', 'BAD_ARGUMENT', () => new AdamW([{ params: [torch.ones([1])] }])],
    ['groups of computed tensors', 'BAD_ARGUMENT', () => new AdamW([{ params: [x.mul(2)] }])],
    [
      'a getter that throws',
      'BAD_ARGUMENT',
      () =>
        new AdamW([
          {
            get params(): never {
              throw new Error('no')
            },
          },
        ]),
    ],
    ['a rate of a group that is set to NaN', 'BAD_ARGUMENT', () => Object.assign(new SGD([x]).groups[0]!, { lr: Number.NaN })],
    [
      'a first rate of 0 with groups',
      'BAD_ARGUMENT',
      () => Object.assign(new SGD([{ params: [x], lr: 1 }], { lr: 0 }), { lr: 1 }),
    ],
  ])('%s', async (_, expected, run) => {
    await expect((async () => run())()).rejects.toThrow(code(expected))
  })
})
