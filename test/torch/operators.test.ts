import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Tensor } from '../../lib/torch/tensor.js'
import { torch } from '../../lib/torch/torch.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const range = (...shape: number[]) =>
  torch
    .arange(
      shape.reduce((a, b) => a * b, 1),
      { dtype: 'float32' },
    )
    .reshape(shape)

describe('operators', () => {
  test('a chain returns at once and data() waits for it', async () => {
    const w = torch.ones([4, 2])
    const sums = await range(3, 4).matmul(w).relu().sum(-1).data()
    expect(sums).toEqual(Float32Array.of(12, 44, 76))
  })
  test('named arguments stand at the end, in camel case', async () => {
    expect(range(2, 3).sum(0, { keepdim: true }).shape).toEqual([1, 3])
    expect(range(2, 3).sum(0, true).shape).toEqual([1, 3])
    expect(await torch.tensor([7, -7]).div(2, { roundingMode: 'floor' }).tolist()).toEqual([3, -4])
    expect(
      await torch
        .tensor([1, 3])
        .mseLoss(torch.tensor([1, 1]), { reduction: 'sum' })
        .item(),
    ).toBe(4)
    expect(await torch.tensor([1, 3]).std({ correction: 0 }).item()).toBe(1)
  })
  test('numbers, tensors and lists choose the form of an operator', async () => {
    expect(
      await torch
        .tensor([1, 2])
        .add(1)
        .add(torch.tensor([10, 20]))
        .tolist(),
    ).toEqual([12, 23])
    expect(await torch.pow(2, torch.tensor([3, 4])).tolist()).toEqual([8, 16])
    const [values, indices] = range(2, 3).max(1)
    expect([await values.tolist(), await indices.tolist()]).toEqual([
      [2, 5],
      [2, 2],
    ])
    expect(range(4, 4).permute([1, 0]).reshape(-1).shape).toEqual([16])
  })
  test('lists of tensors go in and out', async () => {
    expect(torch.cat([range(2, 3), range(1, 3)], 0).shape).toEqual([3, 3])
    const parts = range(5, 2).split(2)
    expect(parts.map(({ shape }) => shape[0])).toEqual([2, 2, 1])
    expect(await torch.einsum('ij,kj->ik', [range(1, 2), range(2, 2)]).tolist()).toEqual([[1, 3]])
  })
  test('operators in place change the tensor and return it', async () => {
    const x = torch.zeros([2])
    expect(x.add_(1).mul_(3)).toBe(x)
    expect(await x.tolist()).toEqual([3, 3])
  })
  test('in a mix of calls each one sees what those before it wrote', async () => {
    const x = torch.zeros([1])
    const seen: Tensor[] = []
    for (let i = 0; i < 3000; i++) {
      if (i % 1000 === 0) seen.push(x.clone())
      x.add_(1)
    }
    expect(await Promise.all(seen.map((one) => one.item()))).toEqual([0, 1000, 2000])
    expect(await x.item()).toBe(3000)
  })
  test('to() converts dtypes, and is the same tensor where nothing changes', async () => {
    expect(await torch.tensor([1.5, -1.5]).to({ dtype: 'int64' }).data()).toEqual(BigInt64Array.of(1n, -1n))
    expect(range(2).to({}).dtype).toBe('float32')
  })
  test('full() gives float32 unless told otherwise, since 1 and 1.0 are one number in JavaScript', () => {
    expect(torch.full([2], 1).dtype).toBe('float32')
    expect(torch.full([2], 1, { dtype: 'int64' }).dtype).toBe('int64')
  })
  test('shape and dtype of a tensor wait for it', () => {
    const x = range(3, 4).unsqueeze(0).eq(0)
    expect([x.shape, x.dtype, x.device]).toEqual([[1, 3, 4], 'bool', 'cpu'])
  })
  test('ready() waits without blocking and returns the tensor', async () => {
    const x = range(2).mul(2)
    expect(await x.ready()).toBe(x)
  })
  test('tolist() nests by shape, with true and false for bool', async () => {
    expect(await range(2, 1, 2).tolist()).toEqual([[[0, 1]], [[2, 3]]])
    expect(await torch.tensor([0, 2]).gt(1).tolist()).toEqual([false, true])
    expect(await torch.tensor(5).tolist()).toBe(5)
    expect(await torch.zeros([2, 0]).tolist()).toEqual([[], []])
    const dying = range(2)
    const list = dying.tolist()
    dying.dispose()
    expect(await list).toEqual([0, 1])
  })
})

describe('at()', () => {
  const x = range(2, 3, 4)
  test.each<[string, Parameters<Tensor['at']>, unknown]>([
    ['a position', [1, 2, 3], 23],
    ['a negative position', [-1, -1, -1], 23],
    ['a slice', [0, '1:3', 0], [4, 8]],
    ['a slice with a step', [0, '::2', 0], [0, 8]],
    [
      'an open slice',
      [0, ':', '-2:'],
      [
        [2, 3],
        [6, 7],
        [10, 11],
      ],
    ],
    [
      'an ellipsis',
      ['...', 0],
      [
        [0, 4, 8],
        [12, 16, 20],
      ],
    ],
    ['a new dimension', [0, 0, null], [[0, 1, 2, 3]]],
    ['a list of positions', [0, [2, 0], 0], [8, 0]],
    [
      'nothing',
      [],
      [
        [
          [0, 1, 2, 3],
          [4, 5, 6, 7],
          [8, 9, 10, 11],
        ],
        [
          [12, 13, 14, 15],
          [16, 17, 18, 19],
          [20, 21, 22, 23],
        ],
      ],
    ],
  ])('takes %s', async (_, index, expected) => {
    expect(await x.at(...index).tolist()).toEqual(expected)
  })
  test('at() takes masks and tensors of positions', async () => {
    expect(await x.at(x.gt(21)).tolist()).toEqual([22, 23])
    expect(await x.at(0, 0, torch.tensor([3, 1]).to({ dtype: 'int64' })).tolist()).toEqual([3, 1])
  })
  test('a slice by at() shares the memory of its tensor', async () => {
    const y = torch.zeros([2, 2])
    y.at(0).fill_(1)
    expect(await y.tolist()).toEqual([
      [1, 1],
      [0, 0],
    ])
  })
  test.each<[string, unknown[]]>([
    ['a position outside', [2]],
    ['too many positions', [0, 0, 0, 0]],
  ])('%s rejects when it is awaited', async (_, index) => {
    await expect(x.at(...(index as [])).data()).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test.each<[string, unknown[]]>([
    ['text that is no slice', ['a:b']],
    ['a negative step', ['::-1']],
    ['a step of zero', ['::0']],
    ['a sign without a number', ['-:2']],
    ['a fraction', [0.5]],
    ['NaN', [Number.NaN]],
    ['undefined', [undefined]],
    ['an object', [{}]],
    ['a list of text', [['a']]],
  ])('%s is refused at once', (_, index) => {
    expect(() => x.at(...(index as []))).toThrow(code('BAD_ARGUMENT'))
  })
})

describe('generators', () => {
  test('the same seed gives the same numbers', async () => {
    const draw = () => torch.randn([3], { generator: torch.generator(7) }).tolist()
    expect(await draw()).toEqual(await draw())
    const generator = torch.generator(1)
    const first = await torch.rand([2], { generator }).tolist()
    expect(await torch.rand([2], { generator }).tolist()).not.toEqual(first)
    expect(await torch.rand([2], { generator: generator.seed(1) }).tolist()).toEqual(first)
  })
  test('manualSeed() seeds operators without a generator', async () => {
    const draw = () => {
      torch.manualSeed(3)
      return torch.randperm(10).tolist()
    }
    expect(await draw()).toEqual(await draw())
  })
  test.each([-1, 0.5, Number.NaN, '1'])('a generator with the seed %s is an error', (seed) => {
    expect(() => torch.generator(seed as number)).toThrow(code('BAD_ARGUMENT'))
    expect(() => torch.manualSeed(seed as number)).toThrow(code('BAD_ARGUMENT'))
  })
})

describe('console.log', () => {
  test('a printed tensor shows shape, dtype, device and values', () => {
    expect(inspect(torch.tensor([1, 2.5]))).toBe('Tensor [2] float32 cpu [1, 2.5]')
    expect(inspect(torch.tensor([[1, -2.5]], { requiresGrad: true }))).toBe(
      'Tensor [1, 2] float32 cpu requiresGrad\n[[   1, -2.5]]',
    )
    expect(inspect(torch.tensor([1, 0]).eq(1))).toBe('Tensor [2] bool cpu [true, false]')
    expect(inspect(torch.zeros([0]))).toBe('Tensor [0] float32 cpu')
    expect(String(torch.zeros([2, 1, 2]))).toBe('Tensor [2, 1, 2] float32 cpu\n[[[0, 0]],\n\n [[0, 0]]]')
  })
  test('a large tensor is printed with some of its values', () => {
    expect(inspect(range(1000))).toBe('Tensor [1000] float32 cpu [0, 1, 2, …, 997, 998, 999]')
    expect(inspect(torch.zeros([50, 50, 50])).length).toBeLessThan(2000)
  })
  test('printing shows the error of a tensor that failed or was disposed', () => {
    expect(inspect(range(2, 3).matmul(range(2, 3)))).toMatch(/^Tensor \(BAD_ARGUMENT: matmul: mat1 and mat2/)
    const x = range(2)
    x.dispose()
    expect(inspect(x)).toMatch(/DISPOSED/)
  })
})

test('the types and forms of operators are those of the schemas of libtorch', () => {
  const { status, stdout } = spawnSync(process.execPath, ['scripts/operators.mjs', '--check'], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, ''])
})
