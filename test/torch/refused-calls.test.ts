import { describe, expect, test } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { torch } from '../../lib/torch/torch.js'
import { runNode } from '../docs/run-node.js'

const code = (...expected: string[]) =>
  expect.objectContaining({ name: 'LvmError', code: expect.stringMatching(`^(${expected.join('|')})$`) })
const ones = (...shape: number[]) => torch.ones(shape)
type Loose = Record<string, (...args: unknown[]) => Tensor>
const loose = (x: Tensor) => x as unknown as Loose

describe('a call that cannot work', () => {
  test('rejects where it is awaited, with the place of the call in its stack', async () => {
    const failing = () => ones(2, 3).matmul(ones(2, 3))
    const later = failing().relu().sum()
    const error = (await later.data().catch((caught) => caught)) as LvmError
    expect(error.code).toBe('BAD_ARGUMENT')
    expect(error.message).toBe('matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)')
    expect(error.stack).toMatch(/^LvmError: matmul: .*\n +at failing \(.*refused-calls\.test\.ts/)
  })
  test('keeps its place while thousands of others run', async () => {
    const failing = () => ones(2).add(ones(3))
    const bad = failing()
    let x = ones(1)
    for (let i = 0; i < 10_000; i++) x = x.add(1)
    expect(await x.item()).toBe(10_001)
    await expect(bad.data()).rejects.toThrow(expect.objectContaining({ stack: expect.stringMatching(/at failing/) }))
  })
  test('in place fails the tensor itself', async () => {
    const x = ones(2)
    x.add_(ones(3))
    await expect(x.data()).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test('a call that fails does not harm other calls', async () => {
    const x = ones(2)
    x.matmul(ones(3))
    expect(await x.add(1).tolist()).toEqual([2, 2])
  })
  test('backward() that nobody awaits is thrown by the next wait, once', async () => {
    const x = ones(2)
    x.backward()
    await expect(x.ready()).rejects.toThrow(code('BAD_ARGUMENT'))
    expect(await x.tolist()).toEqual([1, 1])
  })
})

describe('refused at once', () => {
  test.each<[string, () => unknown]>([
    ['a missing argument', () => loose(ones(2)).matmul!()],
    ['a number for a tensor', () => loose(ones(2)).matmul!(3)],
    ['text for a number', () => loose(ones(2)).add!('1')],
    ['an unknown named argument', () => loose(ones(2)).sum!(0, { keepDims: true })],
    ['NaN for an integer', () => ones(2).sum(Number.NaN)],
    ['NaN as a size', () => torch.zeros([Number.NaN])],
    ['a fraction as a size', () => torch.zeros([1.5])],
    ['an infinite size', () => torch.zeros([Infinity])],
    ['a size beyond 64 bits', () => torch.zeros([2 ** 64])],
    ['an unknown dtype', () => torch.zeros([1], { dtype: 'float99' as 'float32' })],
    ['a function', () => loose(ones(2)).add!(() => 1)],
    [
      'a proxy that throws',
      () =>
        loose(ones(2)).add!(
          new Proxy([], {
            get: () => {
              throw new Error('mine')
            },
          }),
        ),
    ],
    [
      'a list that contains itself',
      () => {
        const list: unknown[] = []
        list.push(list)
        return torch.cat(list as Tensor[])
      },
    ],
    ['a foreign tensor', () => loose(ones(2)).add!({ native: {} })],
    ['requiresGrad of another type', () => torch.zeros([1], { requiresGrad: 1 as unknown as boolean })],
    ['a list with a number among tensors', () => torch.cat([ones(2), 3 as unknown as Tensor])],
    ['an unknown reduction', () => ones(2).mseLoss(ones(2), 'average' as 'mean')],
    ['too deep lists for a tensor', () => torch.tensor('text' as unknown as number)],
  ])('%s', (_, run) => {
    expect(run).toThrow(code('BAD_ARGUMENT'))
  })
  test.each<[string, string, string, () => unknown]>([
    ['sum', 'dmi', 'did you mean "dim"?', () => loose(ones(2)).sum!({ dmi: 1 })],
    ['sum', 'keepDims', 'did you mean "keepdim"?', () => loose(ones(2)).sum!(0, { keepDims: true })],
    ['randn', 'dtpye', 'did you mean "dtype"?', () => torch.randn([2], { dtpye: 'float32' } as object)],
    ['mseLoss', 'qqqqq', 'check the value', () => loose(ones(2)).mseLoss!(ones(2), { qqqqq: 1 })],
  ])('an unknown named argument of %s, %s, by its name and with the nearest one', (name, key, hint, run) => {
    const message = expect.stringMatching(new RegExp(`^${name}: expected one of the named arguments .+ but received "${key}"$`))
    expect(run).toThrow(expect.objectContaining({ message, hint: expect.stringContaining(hint) }))
  })
  test('a known named argument of a wrong type is not called unknown', () => {
    expect(() => loose(ones(2)).sum!({ dim: 'x' })).toThrow(/expected .+ for "dim"/)
  })
  test('a device that is missing', () => {
    expect(() => torch.zeros([1], { device: 'cuda:99' })).toThrow(code('DEVICE_UNAVAILABLE'))
  })
  test('a disposed tensor, as itself, as an argument and in a list', () => {
    const x = ones(2)
    x.dispose()
    for (const use of [() => x.add(1), () => ones(2).add(x), () => torch.cat([ones(2), x]), () => x.at(0), () => ones(2).at(x)])
      expect(use).toThrow(code('DISPOSED'))
  })
})

describe('refused when awaited', () => {
  test.each<[string, () => Tensor]>([
    ['other shapes', () => ones(2, 3).add(ones(4))],
    ['a dimension that is not there', () => ones(2).sum(5)],
    ['a negative size', () => torch.zeros([-1])],
    ['a wrong number of elements', () => ones(6).reshape([4])],
    ['another dtype', () => ones(2, 2).matmul(torch.arange(4).reshape([2, 2]))],
    ['positions outside', () => ones(3).indexSelect(0, torch.arange(9))],
    ['negative positions of an embedding', () => torch.embedding(ones(3, 2), torch.tensor([-1]).to({ dtype: 'int64' }))],
    ['classes outside', () => ones(2, 3).crossEntropyLoss(torch.tensor([1, 7]).to({ dtype: 'int64' }))],
    ['counts of negative numbers', () => torch.tensor([-1]).to({ dtype: 'int64' }).bincount()],
    ['gather outside', () => ones(2, 2).gather(1, torch.full([2, 2], 9, { dtype: 'int64' }))],
    ['scatter outside', () => ones(2, 2).scatter(1, torch.full([2, 2], 9, { dtype: 'int64' }), 1)],
    ['a singular matrix', () => torch.zeros([2, 2]).linalgInv()],
    ['a matrix that is not positive definite', () => torch.zeros([2, 2]).linalgCholesky()],
    ['an empty list', () => torch.cat([])],
    ['the maximum of nothing', () => torch.zeros([0]).max()],
    ['a bad probability', () => ones(2).dropout(2, true)],
    ['probabilities below zero', () => torch.tensor([-1, 1]).multinomial(1)],
    ['a kernel larger than its input', () => ones(1, 1, 2, 2).conv2d(ones(1, 1, 5, 5))],
    ['a stride of zero', () => ones(1, 1, 4, 4).maxPool2d(2, 0)],
    ['negative padding', () => ones(1, 1, 4).avgPool1d(2, 1, -1)],
    ['a bad equation', () => torch.einsum('ij,jk', [ones(2)])],
    ['groups that do not divide', () => ones(1, 3).groupNorm(2)],
    ['overflowing sizes', () => torch.zeros([2 ** 40, 2 ** 40])],
    ['integers where there are none', () => torch.arange(3).softmax(0)],
  ])('%s', async (_, run) => {
    await expect(run().data()).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test.each<[string, () => Tensor]>([
    ['more memory than the machine has', () => torch.zeros([2 ** 42])],
    ['a small tensor repeated', () => ones(2 ** 20).repeat([2 ** 22, 1])],
    ['an outer product', () => ones(2 ** 22).outer(ones(2 ** 22))],
  ])('%s', async (_, run) => {
    await expect(run().data()).rejects.toThrow(code('OUT_OF_MEMORY'))
  })
})

test('every operator survives wrong arguments with a coded error or a result', async () => {
  const values = [
    ones(2, 3),
    torch.arange(4),
    torch.zeros([0]),
    3,
    -1,
    Number.NaN,
    true,
    null,
    'x',
    [],
    [1, 2],
    [ones(2)],
    undefined,
    {},
  ]
  let random = 1
  const pick = () => {
    random = (random * 48271) % 2147483647
    return values[random % values.length]
  }
  const big = /^(cartesianProd|combinations|repeat|repeatInterleave|tile)$/ // results grow with the arguments
  for (const [name, run] of Object.entries(torch as unknown as Loose)) {
    if (['noGrad', 'enableGrad', 'scope', 'keep', 'manualSeed', 'generator'].includes(name) || big.test(name)) continue
    for (let i = 0; i < 12; i++) {
      const args = Array.from({ length: 1 + (i % 4) }, pick)
      try {
        const result = run(...args)
        if (result instanceof Tensor) await result.ready()
      } catch (error) {
        expect(error, name).toBeInstanceOf(LvmError)
        expect(['BAD_ARGUMENT', 'NATIVE', 'OUT_OF_MEMORY', 'DISPOSED'], `${name} ${error}`).toContain((error as LvmError).code)
      }
    }
  }
}, 20_000)

describe('a failed backward that nobody awaits', () => {
  test('is thrown once where it is awaited after all', async () => {
    using w = torch.ones([3], { requiresGrad: true })
    using doubled = w.mul(2)
    const later = doubled.backward()
    await new Promise((done) => setTimeout(done, 50)) // it has failed
    await expect(later).rejects.toThrow(/scalar outputs/)
    expect(await w.tolist()).toEqual([1, 1, 1])
  })
  test('ends a program that waits for no tensor with its error', async () => {
    const index = JSON.stringify(new URL('../../dist/lib/index.js', import.meta.url).href)
    const script = `import { torch } from ${index}; torch.ones([3], { requiresGrad: true }).mul(2).backward()`
    const { status, stderr } = await runNode(['--input-type=module', '-e', script])
    expect([status, stderr]).toEqual([1, expect.stringMatching(/scalar outputs/)])
  })
})
