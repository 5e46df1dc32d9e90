import { describe, expect, test } from 'vitest'
import type { Tensor } from '../../lib/torch/tensor.js'
import { torch } from '../../lib/torch/torch.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

/** Largest difference of a gradient from central differences, in float64. */
async function error(f: (x: Tensor) => Tensor, x: Tensor): Promise<number> {
  x.requiresGrad = true
  await f(x).backward()
  const own = (await x.grad!.data()) as Float64Array
  const values = (await x.data()) as Float64Array
  let worst = 0
  for (let i = 0; i < values.length; i++) {
    const at = async (step: number) => {
      const moved = values.slice()
      moved[i] = moved[i]! + step
      return f(torch.tensor(Array.from(moved), { dtype: 'float64' }).reshape(x.shape)).item()
    }
    worst = Math.max(worst, Math.abs(own[i]! - ((await at(1e-3)) - (await at(-1e-3))) / 2e-3))
  }
  return worst
}

describe('gradients', () => {
  const weight = torch.randn([3, 3], { generator: torch.generator(2), dtype: 'float64' })
  test.each<[string, (x: Tensor) => Tensor]>([
    ['a product', (x) => x.matmul(weight).pow(2).sum()],
    ['a softmax', (x) => x.softmax(-1).mul(weight).sum()],
    ['views', (x) => x.at(0, '1:').mul(x.at(':', 1).at('1:')).sum()],
    [
      'a norm',
      (x) =>
        x
          .div(x.norm(2, [-1], true))
          .mul(weight)
          .sum(),
    ],
    ['a loss', (x) => x.tanh().mseLoss(weight)],
  ])('agree with differences for %s', async (_, f) => {
    const x = torch.randn([3, 3], { generator: torch.generator(1), dtype: 'float64' })
    expect(await error(f, x)).toBeLessThan(1e-4)
  })
  test('add up, and are cleared by setting grad to undefined', async () => {
    const x = torch.tensor([1, 2], { requiresGrad: true })
    for (let i = 0; i < 2; i++) x.pow(2).sum().backward()
    expect(await x.grad!.tolist()).toEqual([4, 8])
    x.grad = undefined
    expect(x.grad).toBeUndefined()
  })
  test('a tensor of several elements takes a gradient of its shape', async () => {
    const x = torch.tensor([1, 2], { requiresGrad: true })
    x.mul(3).backward({ gradient: torch.tensor([1, 10]) })
    expect(await x.grad!.tolist()).toEqual([3, 30])
  })
  test('gradientsOf() gives gradients of gradients', async () => {
    const x = torch.tensor(2, { requiresGrad: true })
    const [first] = torch.gradientsOf(x.pow(3), [x], { createGraph: true })
    const [second] = torch.gradientsOf(first!, [x])
    expect([await first!.item(), await second!.item(), x.grad]).toEqual([12, 12, undefined])
    const unrelated = torch.zeros([2], { requiresGrad: true })
    expect(await torch.gradientsOf(x.mul(1), [unrelated])[0]!.tolist()).toEqual([0, 0])
  })
  test('noGrad() records none, also across await, and enableGrad() does inside it', async () => {
    const w = torch.ones([2], { requiresGrad: true })
    expect(torch.noGrad(() => w.mul(2).requiresGrad)).toBe(false)
    await torch.noGrad(async () => {
      await w.mul(2).data()
      expect(w.mul(2).requiresGrad).toBe(false)
      expect(torch.enableGrad(() => w.mul(2)).requiresGrad).toBe(true)
    })
    expect(w.mul(2).requiresGrad).toBe(true)
  })
  test('requiresGrad holds for the calls after it, not for those before', () => {
    const x = torch.ones([300, 300])
    const before = x.matmul(x)
    x.requiresGrad = true
    expect([before.requiresGrad, x.mul(1).requiresGrad]).toEqual([false, true])
  })
  test('noGrad() lets a step of gradient descent change a weight in place', async () => {
    const w = torch.tensor([1, 2], { requiresGrad: true })
    w.pow(2).sum().backward()
    torch.noGrad(() => w.sub_(w.grad!.mul(0.5)))
    expect(await w.tolist()).toEqual([0, 0])
  })
})

describe('gradients that cannot be', () => {
  const grads = () => torch.tensor([1, 2], { requiresGrad: true })
  test.each<[string, () => Promise<unknown>]>([
    ['backward() of several elements without a gradient', () => grads().mul(2).backward()],
    ['backward() of a tensor without a graph', () => torch.ones([]).backward()],
    [
      'a second backward() through one graph',
      async () => {
        const loss = grads().pow(2).sum()
        await loss.backward()
        await loss.backward()
      },
    ],
    [
      'backward() with a gradient of another shape',
      () =>
        grads()
          .mul(2)
          .backward({ gradient: torch.ones([3]) }),
    ],
    [
      'backward() through a tensor changed in place',
      () => {
        const x = grads().mul(1)
        const y = x.pow(2)
        x.add_(1)
        return y.sum().backward()
      },
    ],
    ['a change in place of a leaf that requires a gradient', () => grads().add_(1).data()],
    ['gradientsOf() of an integer', () => torch.gradientsOf(torch.arange(3).sum(), [grads()])[0]!.data()],
    ['requiresGrad of new integers', () => torch.zeros([2], { dtype: 'int64', requiresGrad: true }).data()],
    [
      'backward() of a failed tensor',
      () =>
        torch
          .ones([2])
          .add(torch.ones([3]))
          .sum()
          .backward(),
    ],
  ])('%s', async (_, run) => {
    await expect(run()).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test('requiresGrad of integers, and its end for a computed tensor', () => {
    const whole = torch.arange(3)
    expect(() => {
      whole.requiresGrad = true
    }).toThrow(code('BAD_ARGUMENT'))
    const computed = grads().mul(1)
    expect(() => {
      computed.requiresGrad = false
    }).toThrow(code('BAD_ARGUMENT'))
  })
  test.each([[{ keep: true }], [5], [{ gradient: 3 }]])(
    'backward refuses the options %j with the code BAD_ARGUMENT',
    (options) => {
      expect(() => grads().backward(options as object)).toThrow(code('BAD_ARGUMENT'))
    },
  )
})
