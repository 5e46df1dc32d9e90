import { describe, expect, test } from 'vitest'
import type { DType, TypedArray } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

describe('a tensor made of a typed array', () => {
  const kinds: [DType, TypedArray][] = [
    ['float32', Float32Array.of(1.5, -0, Infinity, NaN)],
    ['float64', Float64Array.of(Math.PI, -1e300, 5e-324, NaN)],
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001)],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001)],
    ['int64', BigInt64Array.of(1n, -(2n ** 63n), 2n ** 63n - 1n, 0n)],
    ['int32', Int32Array.of(1, -(2 ** 31), 2 ** 31 - 1, 0)],
    ['int16', Int16Array.of(1, -32768, 32767, 0)],
    ['int8', Int8Array.of(1, -128, 127, 0)],
    ['uint8', Uint8Array.of(1, 128, 255, 0)],
    ['bool', Uint8Array.of(1, 0, 0, 1)],
  ]
  test.each(kinds)('Tensor.from keeps the bits of a %s array', async (dtype, array) => {
    using t = Tensor.from(array, [2, 2], { dtype })
    expect([t.dtype, t.shape, t.device]).toEqual([dtype, [2, 2], 'cpu'])
    const back = await t.data()
    expect(back).toBeInstanceOf(array.constructor)
    expect(new Uint8Array(back.buffer)).toEqual(new Uint8Array(array.buffer))
  })

  test.each(kinds.filter(([dtype]) => dtype !== 'float16' && dtype !== 'bfloat16' && dtype !== 'bool'))(
    'Tensor.from takes the dtype %s and the length from the array',
    async (dtype, array) => {
      using t = Tensor.from(array)
      expect([t.dtype, t.shape]).toEqual([dtype, [4]])
    },
  )

  test('Tensor.from reads a Uint16Array as float16 or bfloat16 patterns', async () => {
    using half = Tensor.from(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001), [4], { dtype: 'float16' })
    expect(Array.from(await (await half.to({ dtype: 'float64' })).data(), Number)).toEqual([1, -2, 65504, 2 ** -24])
    using brain = Tensor.from(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x3fc0), [4], { dtype: 'bfloat16' })
    expect(Array.from(await (await brain.to({ dtype: 'float64' })).data(), Number)).toEqual([1, -2, Infinity, 1.5])
  })

  test('Tensor.from reads a complex array as pairs of numbers', async () => {
    using t = Tensor.from(Float32Array.of(1, 2, 3, 4), [2], { dtype: 'complex64' })
    expect([t.shape, [...(await t.data())]]).toEqual([[2], [1, 2, 3, 4]])
  })

  test('Tensor.from copies, so later changes of the array have no effect', async () => {
    const array = Float32Array.of(1, 2)
    using t = Tensor.from(array)
    array.fill(9)
    const first = await t.data()
    ;(first as Float32Array).fill(8)
    expect([...(await t.data())]).toEqual([1, 2])
  })

  test('Tensor.from accepts a view of a larger buffer, and shared memory', async () => {
    const whole = Float32Array.from({ length: 10 }, (_, i) => i)
    using part = Tensor.from(whole.subarray(3, 7), [2, 2])
    expect([...(await part.data())]).toEqual([3, 4, 5, 6])
    using bytes = Tensor.from(Buffer.from([7, 8, 9]).subarray(1))
    expect([bytes.dtype, ...(await bytes.data())]).toEqual(['uint8', 8, 9])
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2).fill(5)
    using copy = Tensor.from(shared)
    expect([...(await copy.data())]).toEqual([5, 5])
  })

  test('Tensor.from makes empty tensors, scalars and tensors of many dimensions', async () => {
    using none = Tensor.from(new Float32Array(0), [3, 0, 2])
    expect([none.shape, (await none.data()).length]).toEqual([[3, 0, 2], 0])
    using scalar = Tensor.from(Float64Array.of(2.5), [])
    expect([scalar.shape, await scalar.item()]).toEqual([[], 2.5])
    using deep = Tensor.from(Int8Array.of(1), Array(12).fill(1))
    expect(deep.shape).toHaveLength(12)
    using list = Tensor.from([1, 2, 3.5])
    expect([list.dtype, ...(await list.data())]).toEqual(['float32', 1, 2, 3.5])
  })

  test('Tensor.from reads every bool that is not 0 as 1', async () => {
    using t = Tensor.from(Uint8Array.of(2, 0, 255), [3], { dtype: 'bool' })
    expect([...(await t.data())]).toEqual([1, 0, 1])
    expect(await (await t.op('aten::sum')).item()).toBe(2)
  })

  test('Tensor.from takes the shape of nested lists', async () => {
    using table = Tensor.from([
      [1, 2],
      [3, 4],
      [5, Number.NaN],
    ])
    expect([table.dtype, table.shape, [...(await table.data())]]).toEqual(['float32', [3, 2], [1, 2, 3, 4, 5, Number.NaN]])
    using deep = Tensor.from([[[1], [2]]])
    expect(deep.shape).toEqual([1, 2, 1])
    using none = Tensor.from([[], []])
    expect(none.shape).toEqual([2, 0])
    using flat = Tensor.from(
      [
        [1, 2],
        [3, 4],
      ],
      [4],
    )
    expect(flat.shape).toEqual([4])
  })
})
