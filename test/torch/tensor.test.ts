import { describe, expect, test } from 'vitest'
import type { DType, NativeTensor } from '../../lib/native.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

describe('to() and item()', () => {
  test('to() converts as libtorch does and does not change the tensor', async () => {
    using t = Tensor.from([1.75, -1.75, 300])
    using whole = await t.to({ dtype: 'int64' })
    expect(await whole.data()).toEqual(BigInt64Array.of(1n, -1n, 300n))
    using half = await t.to({ dtype: 'bfloat16' })
    expect(Array.from(await (await half.to({ dtype: 'float32' })).data(), Number)).toEqual([1.75, -1.75, 300])
    using same = await t.to({})
    expect([same.dtype, same.device, t.dtype]).toEqual(['float32', 'cpu', 'float32'])
  })
  test('item() returns one element of any dtype as a number', async () => {
    expect(await Tensor.from(BigInt64Array.of(5n)).item()).toBe(5)
    expect(await Tensor.from(Uint16Array.of(0x3c00), [1, 1], { dtype: 'float16' }).item()).toBe(1)
    expect(await Tensor.from([NaN]).item()).toBeNaN()
  })
  test('to() and item() refuse unknown dtypes and tensors of several elements', async () => {
    using t = Tensor.from([1, 2])
    await expect(t.item()).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(Tensor.from(new Float32Array(0), [0]).item()).rejects.toThrow(code('BAD_ARGUMENT'))
    expect(() => t.to({ dtype: 'float99' as DType })).toThrow(code('BAD_ARGUMENT'))
    expect(() => t.to({ device: 'cuda:99' })).toThrow(code('DEVICE_UNAVAILABLE'))
    expect(() => t.to({ device: 'teapot' })).toThrow(code('BAD_ARGUMENT'))
  })
})

describe('data()', () => {
  test('data() with a dtype converts into the typed array of that dtype, and refuses names that are none', async () => {
    using half = Tensor.from(Uint16Array.of(0x3f80, 0xc020), undefined, { dtype: 'bfloat16' })
    const numbers: Float32Array = await half.data('float32')
    expect(numbers).toEqual(Float32Array.of(1, -2.5))
    expect(await half.data()).toEqual(Uint16Array.of(0x3f80, 0xc020))
    await expect(half.data('float31' as never)).rejects.toThrow(code('BAD_ARGUMENT'))
  })
})

describe('a complex tensor', () => {
  const complex = () => Tensor.from(Float32Array.of(1, 2, 3, 4), [2], { dtype: 'complex64' })
  test.each<[string, (t: Tensor) => Promise<unknown>]>([
    ['tolist()', (t) => t.tolist()],
    ['item()', (t) => t.at(0).item()],
    ['data() as floats', (t) => t.data('float32')],
    ['data() as bool', (t) => t.data('bool')],
  ])('%s refuses to drop the imaginary parts', async (_, read) => {
    await expect(read(complex())).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining('complex64') }),
    )
  })
  test('gives real and imaginary parts as the hint says', async () => {
    expect([await complex().real().tolist(), await complex().imag().tolist()]).toEqual([
      [1, 3],
      [2, 4],
    ])
    expect([...(await complex().data('complex128')), ...(await complex().data())]).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
  })
})

test('data() and item() convert the elements before a later call changes them', async () => {
  const t = Tensor.from([1])
  const read = [t.data('float64'), t.item(), t.tolist()]
  t.add_(1)
  expect(await Promise.all(read)).toEqual([Float64Array.of(1), 1, [1]])
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
  test.each(uses)('after dispose(), %s fails with DISPOSED', async (_, use) => {
    const t = Tensor.from([1])
    t.dispose()
    await expect((async () => use(t))()).rejects.toThrow(code('DISPOSED'))
  })
  test('dispose() may be called twice and does not affect other tensors of the same memory', async () => {
    const t = Tensor.from([1, 2, 3])
    using view = await t.op('aten::narrow', 0, 1, 2)
    t.dispose()
    expect(() => t.dispose()).not.toThrow()
    expect([...(await view.data())]).toEqual([2, 3])
  })
  test('dispose() does not affect work that was already started', async () => {
    const t = Tensor.from([1, 2, 3])
    const [data, sum] = [t.data(), t.op('aten::sum')]
    t.dispose()
    expect([...(await data), await (await sum).item()]).toEqual([1, 2, 3, 6])
  })
  test('`using` disposes a tensor at the end of its block', () => {
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
  ])('Tensor.wrap refuses %s as a handle', (_, make) => {
    expect(() => native.tensorShape(make() as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
    expect(() => Tensor.wrap(make() as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
  })
  test('dispose() refuses a value that is not a handle', () => {
    expect(() => native.dispose({} as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
  })
})

test('JSON.stringify refuses a tensor, also inside an object, and names tolist()', async () => {
  using x = Tensor.from([1, 2])
  expect(() => JSON.stringify({ loss: x })).toThrow(code('BAD_ARGUMENT'))
  expect(() => JSON.stringify(x)).toThrow('received a Tensor')
  expect(JSON.stringify(await x.tolist())).toBe('[1,2]')
})
