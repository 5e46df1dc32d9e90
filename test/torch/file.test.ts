import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { DType } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-tensor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const numbers = Float32Array.from({ length: 16 }, (_, i) => i)
const path = join(folder, 'sixteen.bin')
writeFileSync(path, numbers)
const empty = join(folder, 'empty.bin')
writeFileSync(empty, '')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

interface Part {
  offset: number
  shape: readonly number[]
  dtype: DType
}
describe.each([
  ['map', async (file: string, part: Part) => Tensor.map(file, part)],
  ['read', Tensor.read],
])('Tensor.%s', (method, open) => {
  test(`Tensor.${method} returns the elements at an offset of a file`, async () => {
    using t = await open(path, { offset: 8, shape: [2, 3], dtype: 'float32' })
    expect([t.shape, t.dtype, [...(await t.data())]]).toEqual([[2, 3], 'float32', [2, 3, 4, 5, 6, 7]])
    using bytes = await open(path, { offset: 4, shape: [4], dtype: 'uint8' })
    expect([...(await bytes.data())]).toEqual([...new Uint8Array(numbers.buffer, 4, 4)])
    using last = await open(path, { offset: 60, shape: [], dtype: 'float32' })
    expect(await last.item()).toBe(15)
  })
  test(`Tensor.${method} returns an empty tensor for no elements`, async () => {
    using none = await open(path, { offset: 64, shape: [0, 3], dtype: 'float32' })
    expect([none.shape, (await none.data()).length]).toEqual([[0, 3], 0])
    using hollow = await open(empty, { offset: 0, shape: [0], dtype: 'float32' })
    expect(hollow.shape).toEqual([0])
  })
  test.each<[string, string, string, Part]>([
    ['a file that is not there', 'FILE_MISSING', 'nowhere.bin', { offset: 0, shape: [1], dtype: 'float32' }],
    ['a folder', 'FILE_MISSING', '.', { offset: 0, shape: [1], dtype: 'float32' }],
    ['a file that is too short', 'DATA_FORMAT', 'sixteen.bin', { offset: 0, shape: [17], dtype: 'float32' }],
    ['a file that is too short for the dtype', 'DATA_FORMAT', 'sixteen.bin', { offset: 0, shape: [16], dtype: 'float64' }],
    ['a part that runs over the end', 'DATA_FORMAT', 'sixteen.bin', { offset: 60, shape: [2], dtype: 'float32' }],
    ['an offset beyond the end', 'DATA_FORMAT', 'sixteen.bin', { offset: 1000, shape: [1], dtype: 'float32' }],
    ['an offset before the start', 'DATA_FORMAT', 'sixteen.bin', { offset: -4, shape: [1], dtype: 'float32' }],
    ['an empty file', 'DATA_FORMAT', 'empty.bin', { offset: 0, shape: [1], dtype: 'uint8' }],
    ['an offset that is no number', 'BAD_ARGUMENT', 'sixteen.bin', { offset: NaN, shape: [1], dtype: 'float32' }],
    ['a shape that overflows', 'BAD_ARGUMENT', 'sixteen.bin', { offset: 0, shape: [2 ** 62], dtype: 'float32' }],
    ['a negative shape', 'BAD_ARGUMENT', 'sixteen.bin', { offset: 0, shape: [-1], dtype: 'float32' }],
    ['a dtype that is none', 'BAD_ARGUMENT', 'sixteen.bin', { offset: 0, shape: [1], dtype: 'float99' as DType }],
  ])(`Tensor.${method} refuses %s`, async (_, expected, name, part) => {
    await expect(open(join(folder, name), part)).rejects.toThrow(code(expected))
  })
})

test('changing a mapped tensor does not change its file', async () => {
  const before = readFileSync(path)
  using t = Tensor.map(path, { offset: 0, shape: [16], dtype: 'float32' })
  await t.op('aten::mul_', 0)
  expect(await (await t.op('aten::sum')).item()).toBe(0)
  expect(readFileSync(path)).toEqual(before)
})
test('Tensor.map requires an aligned offset, Tensor.read does not', async () => {
  const odd = { offset: 2, shape: [1], dtype: 'float32' } as const
  expect(() => Tensor.map(path, odd)).toThrow(code('BAD_ARGUMENT'))
  using read = await Tensor.read(path, odd)
  expect(await read.item()).toBe(new DataView(numbers.buffer).getFloat32(2, true))
})
test('a mapped tensor stays readable after its file is deleted', async () => {
  const gone = join(folder, 'gone.bin')
  writeFileSync(gone, numbers)
  using t = Tensor.map(gone, { offset: 0, shape: [4], dtype: 'float32' })
  rmSync(gone)
  expect([...(await t.data())]).toEqual([0, 1, 2, 3])
})
