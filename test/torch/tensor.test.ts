import { describe, expect, test } from 'vitest'
import type { DType, NativeTensor, TypedArray } from '../../lib/native.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

const fail = () => {
  throw new Error('mine')
}
const cyclic = (): number[] => {
  const list: unknown[] = []
  list.push(list)
  return list as number[]
}
type Resizable = ArrayBuffer & { resize(bytes: number): void }
/** An array, and a shape that does something to its buffer while it is read. */
function whoseShape(change: (v: Float32Array) => void): [Float32Array, number[]] {
  const Buffer = ArrayBuffer as unknown as new (bytes: number, o: { maxByteLength: number }) => ArrayBuffer
  const v = new Float32Array(new Buffer(1 << 18, { maxByteLength: 1 << 18 }))
  const get = () => {
    change(v)
    return 1 << 16
  }
  return [v, Object.defineProperty([0], 0, { get })]
}

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
  test.each(kinds)('of %s gives back the same bits', async (dtype, array) => {
    using t = Tensor.from(array, [2, 2], { dtype })
    expect([t.dtype, t.shape, t.device]).toEqual([dtype, [2, 2], 'cpu'])
    const back = await t.data()
    expect(back).toBeInstanceOf(array.constructor)
    expect(new Uint8Array(back.buffer)).toEqual(new Uint8Array(array.buffer))
  })

  test.each(kinds.filter(([dtype]) => dtype !== 'float16' && dtype !== 'bfloat16' && dtype !== 'bool'))(
    'knows %s from the array alone, and its length',
    async (dtype, array) => {
      using t = Tensor.from(array)
      expect([t.dtype, t.shape]).toEqual([dtype, [4]])
    },
  )

  test('reads 16-bit patterns as the numbers they stand for', async () => {
    using half = Tensor.from(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001), [4], { dtype: 'float16' })
    expect(Array.from(await (await half.to({ dtype: 'float64' })).data(), Number)).toEqual([1, -2, 65504, 2 ** -24])
    using brain = Tensor.from(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x3fc0), [4], { dtype: 'bfloat16' })
    expect(Array.from(await (await brain.to({ dtype: 'float64' })).data(), Number)).toEqual([1, -2, Infinity, 1.5])
  })

  test('holds pairs of numbers when it is complex', async () => {
    using t = Tensor.from(Float32Array.of(1, 2, 3, 4), [2], { dtype: 'complex64' })
    expect([t.shape, [...(await t.data())]]).toEqual([[2], [1, 2, 3, 4]])
  })

  test('copies: what happens to the array later does not matter', async () => {
    const array = Float32Array.of(1, 2)
    using t = Tensor.from(array)
    array.fill(9)
    const first = await t.data()
    ;(first as Float32Array).fill(8)
    expect([...(await t.data())]).toEqual([1, 2])
  })

  test('takes the part of a larger buffer that a view shows, and shared memory', async () => {
    const whole = Float32Array.from({ length: 10 }, (_, i) => i)
    using part = Tensor.from(whole.subarray(3, 7), [2, 2])
    expect([...(await part.data())]).toEqual([3, 4, 5, 6])
    using bytes = Tensor.from(Buffer.from([7, 8, 9]).subarray(1))
    expect([bytes.dtype, ...(await bytes.data())]).toEqual(['uint8', 8, 9])
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2).fill(5)
    using copy = Tensor.from(shared)
    expect([...(await copy.data())]).toEqual([5, 5])
  })

  test('may be empty, a scalar, or have many dimensions', async () => {
    using none = Tensor.from(new Float32Array(0), [3, 0, 2])
    expect([none.shape, (await none.data()).length]).toEqual([[3, 0, 2], 0])
    using scalar = Tensor.from(Float64Array.of(2.5), [])
    expect([scalar.shape, await scalar.item()]).toEqual([[], 2.5])
    using deep = Tensor.from(Int8Array.of(1), Array(12).fill(1))
    expect(deep.shape).toHaveLength(12)
    using list = Tensor.from([1, 2, 3.5])
    expect([list.dtype, ...(await list.data())]).toEqual(['float32', 1, 2, 3.5])
  })

  test('counts every bool that is not 0 as 1', async () => {
    using t = Tensor.from(Uint8Array.of(2, 0, 255), [3], { dtype: 'bool' })
    expect([...(await t.data())]).toEqual([1, 0, 1])
    expect(await (await t.op('aten::sum')).item()).toBe(2)
  })

  test.each<[string, () => unknown]>([
    ['fewer elements than the shape', () => Tensor.from(new Float32Array(3), [4])],
    ['more elements than the shape', () => Tensor.from(new Float32Array(5), [2, 2])],
    ['elements for an empty shape', () => Tensor.from(new Float32Array(1), [0])],
    ['none for a scalar', () => Tensor.from(new Float32Array(0), [])],
    ['a negative size', () => Tensor.from(new Float32Array(0), [-1])],
    ['two negative sizes', () => Tensor.from(new Float32Array(4), [-2, -2])],
    ['a size with a fraction', () => Tensor.from(new Float32Array(1), [1.5])],
    ['a size that is no number', () => Tensor.from(new Float32Array(0), [Number.NaN])],
    ['an infinite size', () => Tensor.from(new Float32Array(0), [Infinity])],
    ['sizes whose product overflows', () => Tensor.from(new Float32Array(0), [2 ** 32, 2 ** 32])],
    ['bytes that overflow', () => Tensor.from(new Float32Array(0), [2 ** 62])],
    ['a size beyond 64 bits', () => Tensor.from(new Float32Array(0), [2 ** 64])],
    ['a dtype that is none', () => Tensor.from(new Float32Array(1), [1], { dtype: 'float99' as DType })],
    ['an array of another width', () => Tensor.from(new Float32Array(2), [1], { dtype: 'float64' })],
    ['an array of another kind', () => Tensor.from(new Float32Array(2), [2], { dtype: 'int32' })],
    ['16-bit patterns without a dtype', () => Tensor.from(new Uint16Array(2))],
    ['a kind of array that has no dtype', () => Tensor.from(new Uint32Array(2) as unknown as TypedArray)],
    ['no array', () => Tensor.from(null as unknown as TypedArray)],
    ['text', () => Tensor.from('abc' as unknown as TypedArray)],
    ['an object', () => Tensor.from({ length: 2 } as unknown as TypedArray, [2])],
    ['a shape that is no list', () => Tensor.from(new Float32Array(1), 1 as unknown as number[])],
    [
      'a buffer that was given away',
      () => {
        const gone = new Float32Array(4)
        structuredClone(gone.buffer, { transfer: [gone.buffer] })
        return Tensor.from(gone, [4])
      },
    ],
    ['text among numbers', () => Tensor.from([1, 'x', 2] as unknown as number[])],
    ['undefined among numbers', () => Tensor.from([1, undefined] as unknown as number[])],
    ['a hole among numbers', () => Tensor.from(new Array(3) as number[])],
    ['lists of other lengths', () => Tensor.from([[1, 2], [3]])],
    ['lists of other depths', () => Tensor.from([[1, 2], 3])],
    ['a list where a number is', () => Tensor.from([1, [2]])],
    ['nothing inside lists', () => Tensor.from([[1], [null]] as unknown as number[][])],
    ['a list that holds itself', () => Tensor.from(cyclic())],
    ['the longest list there is', () => Tensor.from(new Array(2 ** 32 - 1).fill(0, 0, 1) as number[])],
    ['lists that do not hold the elements of a shape', () => Tensor.from([[1, 2]], [3])],
    ['a dtype that every object has', () => Tensor.from(new Float32Array(1), [1], { dtype: 'toString' as DType })],
    ['an option that is none', () => Tensor.from([1], [1], { type: 'float32' } as object)],
    ['a getter that throws', () => Tensor.from(Object.defineProperty([0], 0, { get: fail }) as number[])],
    [
      'a shape with a getter that gives the buffer away',
      () => Tensor.from(...whoseShape((v) => structuredClone(v.buffer, { transfer: [v.buffer] }))),
    ],
    ['a shape with a getter that shrinks the buffer', () => Tensor.from(...whoseShape((v) => (v.buffer as Resizable).resize(0)))],
    [
      'options with a getter that shrinks the buffer',
      () => {
        const [v] = whoseShape(() => {})
        const options = Object.defineProperty({}, 'dtype', {
          get: () => {
            ;(v.buffer as Resizable).resize(16)
            return 'float32'
          },
          enumerable: true,
        })
        return Tensor.from(v, [1 << 16], options)
      },
    ],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(code('BAD_ARGUMENT'))
  })

  test('has the shape of lists inside each other', async () => {
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
  })
  test('cannot be disposed', () => {
    expect(() => native.dispose({} as NativeTensor)).toThrow(code('BAD_ARGUMENT'))
  })
})
