import { describe, expect, test } from 'vitest'
import type { DType } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { torch } from '../../lib/torch/torch.js'

const refusal = (message: string) => expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) })

describe('lists of other elements than float32', () => {
  test.each<[DType, (number | bigint | boolean)[], number[]]>([
    ['uint8', [0, 255, true], [0, 255, 1]],
    ['int8', [-128, 127, 5n], [-128, 127, 5]],
    ['int16', [-32768, 32767, -0], [-32768, 32767, 0]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1], [-(2 ** 31), 2 ** 31 - 1]],
    ['int64', [2 ** 53, 16777217, -3n], [2 ** 53, 16777217, -3]],
    ['bool', [2, 0, -0.5, NaN, false, 0n], [1, 0, 1, 1, 0, 0]],
    ['float64', [0.1, 16777217, NaN], [0.1, 16777217, NaN]],
    ['float16', [1.5, 70000, 1n], [1.5, Infinity, 1]],
    ['bfloat16', [1.5, -0.25], [1.5, -0.25]],
  ])('make a tensor of %s without a rounding on the way', async (dtype, list, held) => {
    for (const t of [torch.tensor(list, { dtype }), Tensor.from(list, undefined, { dtype })]) {
      expect(t.dtype).toBe(dtype)
      expect(Array.from(await t.data('float64'))).toEqual(held)
    }
  })
  test('make a complex tensor of real numbers', async () => {
    expect([...(await torch.tensor([0.1, 2], { dtype: 'complex128' }).data())]).toEqual([0.1, 0, 2, 0])
  })
  test('of booleans are bool, of bigints int64, and one element needs no list', async () => {
    expect([torch.tensor([true, false]).dtype, torch.tensor([[1n], [2n]]).dtype, torch.tensor([]).dtype]).toEqual([
      'bool',
      'int64',
      'float32',
    ])
    expect([...(await torch.tensor([2n ** 62n + 1n, -1n]).data())]).toEqual([2n ** 62n + 1n, -1n])
    expect([torch.tensor(true).shape, await torch.tensor(true).tolist(), await torch.tensor(7n).item()]).toEqual([[], true, 7])
    expect(await torch.tensor(0.1, { dtype: 'float64' }).item()).toBe(0.1)
  })
  test('of a typed array convert with the same checks', async () => {
    expect(torch.tensor(Float64Array.of(1, 2) as never).dtype).toBe('float64')
    expect(await torch.tensor(Float64Array.of(0.1) as never, { dtype: 'float64' }).item()).toBe(0.1)
    expect(await torch.tensor(Uint8Array.of(255) as never, { dtype: 'int64' }).tolist()).toEqual([255])
    expect(() => torch.tensor(Float32Array.of(1, NaN) as never, { dtype: 'int32' })).toThrow(refusal('int32 at [1]'))
  })
})

test.each<[string, DType, unknown[]]>([
  ['a value of int32 at [1][0] but received NaN', 'int32', [[1], [NaN]]],
  ['a value of int64 at [0] but received Infinity', 'int64', [Infinity]],
  ['a value of int64 at [0] but received 1.5', 'int64', [1.5]],
  ['a value of int64 at [0] but received 9223372036854776000', 'int64', [2 ** 63]],
  ['a value of int64 at [1] but received 9223372036854775808n', 'int64', [0n, 2n ** 63n]],
  ['a value of uint8 at [1] but received 300', 'uint8', [0, 300]],
  ['a value of uint8 at [0] but received -1', 'uint8', [-1]],
  ['a value of uint8 at [0] but received 1152921504606846976n', 'uint8', [2n ** 60n]],
  ['a value of int8 at [0] but received 128', 'int8', [128]],
  ['a value of int16 at [0] but received -32769', 'int16', [-32769]],
])('torch.tensor and Tensor.from expected %s', (message, dtype, list) => {
  expect(() => torch.tensor(list as number[], { dtype })).toThrow(refusal(`tensor: expected ${message}`))
  expect(() => Tensor.from(list as number[], undefined, { dtype })).toThrow(refusal(`Tensor.from: expected ${message}`))
})

test('a list of elements of several types needs a dtype', async () => {
  expect(() => torch.tensor([true, 1.5])).toThrow(refusal('expected a boolean at [1] but received 1.5'))
  expect(() => torch.tensor([1, 2n])).toThrow(refusal('expected a number at [1] but received 2n'))
  expect(await torch.tensor([true, 1.5], { dtype: 'float32' }).tolist()).toEqual([1, 1.5])
})

test('integers that a number would round are refused, and data() gives them', async () => {
  const large = torch.tensor([1n, 2n ** 53n + 1n])
  for (const read of [large.tolist(), large.at(1).item()])
    await expect(read).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('9007199254740993'),
      hint: 'use await x.data(), which gives bigints',
    })
  expect(await large.data()).toEqual(BigInt64Array.of(1n, 2n ** 53n + 1n))
  expect(await torch.tensor([-(2n ** 60n)]).tolist()).toEqual([-(2 ** 60)])
})
