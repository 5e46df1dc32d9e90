import { expect, test } from 'vitest'
import type { DType, TypedArray } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const fail = () => {
  throw new Error('mine')
}
const cyclic = (): number[] => {
  const list: unknown[] = []
  list.push(list)
  return list as number[]
}
type Resizable = ArrayBuffer & { resize(bytes: number): void }
/** An array, and a shape whose getter changes the array's buffer. */
function whoseShape(change: (v: Float32Array) => void): [Float32Array, number[]] {
  const Buffer = ArrayBuffer as unknown as new (bytes: number, o: { maxByteLength: number }) => ArrayBuffer
  const v = new Float32Array(new Buffer(1 << 18, { maxByteLength: 1 << 18 }))
  const get = () => {
    change(v)
    return 1 << 16
  }
  return [v, Object.defineProperty([0], 0, { get })]
}

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
])('Tensor.from refuses %s', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ name: 'LvmError', code: 'BAD_ARGUMENT' }))
})
