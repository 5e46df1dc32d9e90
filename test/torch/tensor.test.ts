import { describe, expect, test } from 'vitest'
import type { DType, NativeTensor } from '../../lib/native.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

describe('to() and item()', () => {
  test('convert as libtorch does, and never change the tensor itself', async () => {
    using t = Tensor.from([1.75, -1.75, 300])
    using whole = await t.to({ dtype: 'int64' })
    expect(await whole.data()).toEqual(BigInt64Array.of(1n, -1n, 300n))
    using half = await t.to({ dtype: 'bfloat16' })
    expect(Array.from(await (await half.to({ dtype: 'float32' })).data(), Number)).toEqual([1.75, -1.75, 300])
    using same = await t.to({})
    expect([same.dtype, same.device, t.dtype]).toEqual(['float32', 'cpu', 'float32'])
  })
  test('item() gives one element of any dtype as a number', async () => {
    expect(await Tensor.from(BigInt64Array.of(5n)).item()).toBe(5)
    expect(await Tensor.from(Uint16Array.of(0x3c00), [1, 1], { dtype: 'float16' }).item()).toBe(1)
    expect(await Tensor.from([NaN]).item()).toBeNaN()
  })
  test('refuse what they cannot give', async () => {
    using t = Tensor.from([1, 2])
    await expect(t.item()).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(Tensor.from(new Float32Array(0), [0]).item()).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(t.to({ dtype: 'float99' as DType })).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(t.to({ device: 'cuda:99' })).rejects.toThrow(code('DEVICE_UNAVAILABLE'))
    await expect(t.to({ device: 'teapot' })).rejects.toThrow(code('DEVICE_UNAVAILABLE'))
  })
})

describe('dispose()', () => {
  const uses: [string, (t: Tensor) => unknown][] = [
    ['shape', (t) => t.shape],
    ['dtype', (t) => t.dtype],
    ['device', (t) => t.device],
    ['grad', (t) => t.grad],
    ['data()', (t) => t.data()],
    ['item()', (t) => t.item()],
    ['to()', (t) => t.to({ dtype: 'float64' })],
    ['op()', (t) => t.op('aten::neg')],
    ['backward()', (t) => t.backward()],
  ]
  test.each(uses)('makes any later %s fail with DISPOSED', async (_, use) => {
    const t = Tensor.from([1])
    t.dispose()
    await expect((async () => use(t))()).rejects.toThrow(code('DISPOSED'))
  })
  test('may be called twice, and leaves other tensors of the same memory alone', async () => {
    const t = Tensor.from([1, 2, 3])
    using view = await t.op('aten::narrow', 0, 1, 2)
    t.dispose()
    expect(() => t.dispose()).not.toThrow()
    expect([...(await view.data())]).toEqual([2, 3])
  })
  test('does not disturb work that was already asked for', async () => {
    const t = Tensor.from([1, 2, 3])
    const [data, sum] = [t.data(), t.op('aten::sum')]
    t.dispose()
    expect([...(await data), await (await sum).item()]).toEqual([1, 2, 3, 6])
  })
  test('is what `using` calls at the end of a block', () => {
    let kept: Tensor
    {
      using t = Tensor.from([1])
      kept = t
      expect(t.shape).toEqual([1])
    }
    expect(() => kept.shape).toThrow(code('DISPOSED'))
  })
})

describe('a handle that is none', () => {
  const real = () => Tensor.from([1]).native
  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a plain object', () => ({})],
    ['a function', () => () => 1],
    ['a number', () => 7],
    ['a proxy of a tensor', () => new Proxy(real(), {})],
    ['an object derived from a tensor', () => Object.create(real())],
    ['a copy of a tensor', () => ({ ...real() })],
    ['samples', () => native.samples(Tensor.from([1, 2], [2, 1]).native, null, Int32Array.of(0), Int32Array.of(1), 1)],
  ])('such as %s is refused', (_, make) => {
    expect(() => native.tensorShape(make() as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
    expect(() => Tensor.wrap(make() as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
  })
  test('cannot be disposed', () => {
    expect(() => native.dispose({} as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
  })
})
