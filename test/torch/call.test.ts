import { describe, expect, test } from 'vitest'
import { call, operators, Tensor, type Value } from '../../lib/torch/tensor.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const of = (data: number[], shape = [data.length]) => Tensor.from(data, shape)
const numbers = async (t: Value) => Array.from(await (t as Tensor).data(), Number)

describe('call() by schema', () => {
  test('call() runs softmax with positional and with named arguments', async () => {
    const third = Math.exp(1) / (1 + Math.exp(1))
    const x = of([0, 1, 5, 6], [2, 2])
    const rows = await numbers(await call('aten::softmax', [x, -1]))
    expect(rows[1]).toBeCloseTo(third, 6)
    const wide = (await call('aten::softmax', [x], { dim: 1, dtype: 'float64' })) as Tensor
    expect([wide.dtype, wide.shape]).toEqual(['float64', [2, 2]])
    expect((await numbers(wide))[3]).toBeCloseTo(third, 12)
  })
  test('call() runs the overload sum.dim_IntList with named arguments', async () => {
    const x = of([1, 2, 3, 4, 5, 6], [2, 3])
    const kept = (await call('aten::sum.dim_IntList', [x, [0]], { keepdim: true, dtype: 'float64' })) as Tensor
    expect([kept.shape, kept.dtype, await numbers(kept)]).toEqual([[1, 3], 'float64', [5, 7, 9]])
    expect(await numbers(await call('aten::sum.dim_IntList', [x, [0, 1]]))).toEqual([21])
    expect(await numbers(await call('aten::sum.dim_IntList', [x, null]))).toEqual([21])
  })
  test('call() runs mm, and cat with a list of tensors', async () => {
    const [a, b] = [of([1, 2, 3, 4], [2, 2]), of([1, 0, 0, 2], [2, 2])]
    expect(await numbers(await a.op('aten::mm', b))).toEqual([1, 4, 3, 8])
    const joined = (await call('aten::cat', [[a, b, a], 1])) as Tensor
    expect([joined.shape, (await numbers(joined)).slice(0, 6)]).toEqual([
      [2, 6],
      [1, 2, 1, 0, 1, 2],
    ])
  })
  test('call() returns several results as a list', async () => {
    const [values, places] = (await call('aten::topk', [of([1, 9, 3, 7]), 2])) as Tensor[]
    expect([await numbers(values!), await numbers(places!), places!.dtype]).toEqual([[9, 7], [1, 3], 'int64'])
    const parts = (await call('aten::split.Tensor', [of([1, 2, 3, 4, 5]), 2])) as Tensor[]
    expect(await Promise.all(parts.map(numbers))).toEqual([[1, 2], [3, 4], [5]])
  })
  test('call() accepts dtypes, devices and texts by name, and null for an optional tensor', async () => {
    const x = of([1.5, 2])
    expect((await x.op('aten::to', 'float64')).dtype).toBe('float64')
    expect((await x.op('aten::to.dtype', 'int8')).dtype).toBe('int8')
    expect((await x.op('aten::to.device', 'cpu', 'float64')).dtype).toBe('float64')
    expect(await numbers(await call('aten::einsum', ['i,i->', [x, x]]))).toEqual([6.25])
    expect(await numbers(await call('aten::gelu', [of([0])], { approximate: 'tanh' }))).toEqual([0])
    expect(await numbers(await call('aten::linear', [of([1, 1], [1, 2]), of([2, 3], [1, 2]), null]))).toEqual([5])
    expect(await numbers(await call('aten::index.Tensor', [x, [Tensor.from(BigInt64Array.of(1n))]]))).toEqual([2])
    expect((await call('aten::zeros', [[2, 3]], { dtype: 'int16' })) as Tensor).toHaveProperty('shape', [2, 3])
  })
  test('call() picks the overload that fits the arguments of a bare name', async () => {
    const x = of([1, 2])
    expect(await numbers(await x.op('aten::add', of([10, 20])))).toEqual([11, 22])
    expect(await numbers(await x.op('aten::add', 0.5))).toEqual([1.5, 2.5])
    expect(await numbers(await call('aten::add', [x, of([1, 1])], { alpha: 3 }))).toEqual([4, 5])
    expect(await numbers(await x.op('aten::select', 0n, 1n))).toEqual([2])
    expect(await numbers(await x.op('aten::sum', [0]))).toEqual([3])
  })
  test('call() returns numbers, texts and booleans as plain values', async () => {
    expect(await call('aten::item', [of([2.5])])).toBe(2.5)
    expect(await call('aten::item', [Tensor.from(BigInt64Array.of(2n ** 60n + 1n))])).toBe(2n ** 60n + 1n)
    expect(await call('aten::item', [Tensor.from(Float32Array.of(1, 2), [1], { dtype: 'complex64' })])).toEqual([1, 2])
    expect(await call('aten::size.int', [of([1, 2, 3, 4], [2, 2]), 1])).toBe(2)
    expect(await call('aten::equal', [of([1]), of([1])])).toBe(true)
  })
  test('call() returns sparse and expanded tensors', async () => {
    const sparse = (await call('aten::to_sparse', [of([0, 7])])) as Tensor
    expect([sparse.shape, await numbers(sparse)]).toEqual([[2], [0, 7]])
    expect(((await call('aten::expand', [of([1]), [2 ** 40]])) as Tensor).shape).toEqual([2 ** 40])
  })
  test('operators() lists more than 2,000 operators, including all used in these tests', () => {
    const names = operators()
    expect(names.length).toBeGreaterThan(2000)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(['aten::mm', 'aten::softmax.int', 'aten::sum.dim_IntList', 'aten::topk']))
  })
})

describe('call() refuses', () => {
  const x = of([1, 2])
  test('call() refuses an unknown operator and says where to find the names', async () => {
    await expect(call('aten::nope')).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(call('aten::nope')).rejects.toThrow(/no operator "aten::nope"; operators\(\)/)
    await expect(call('aten::add.Nope', [x, x])).rejects.toThrow(/no operator "aten::add.Nope"/)
    await expect(call('')).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(call('.')).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test('call() refuses arguments that fit no overload and lists every overload with its reason', async () => {
    const error = await call('aten::add', ['one', 2]).catch((e: Error) => e)
    expect(error).toEqual(code('BAD_ARGUMENT'))
    const lines = (error as Error).message.split('\n')
    expect(lines[0]).toBe('call: no form of aten::add takes these arguments:')
    const forms = operators().filter((name) => name === 'aten::add' || name.startsWith('aten::add.'))
    expect(lines.slice(1)).toHaveLength(forms.length)
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {2}aten::add\S*\(.*\) -> .*: \S/)
    expect(error).toHaveProperty('message', expect.stringContaining('expected a tensor for "self"'))
  })
  test.each<[string, string, Value[], Record<string, Value>]>([
    ['a missing argument', 'aten::mm', [x], {}],
    ['one argument too many', 'aten::relu', [x, x], {}],
    ['a keyword-only argument by position', 'aten::add.Tensor', [x, x, 5], {}],
    ['an unknown argument name', 'aten::relu', [x], { nope: 1 }],
    ['an argument given twice', 'aten::relu', [x], { self: x }],
    ['a list in a list', 'aten::cat', [[[x]]], {}],
    ['one tensor for a list', 'aten::cat', [x], {}],
    ['a fraction for an integer', 'aten::select.int', [x, 0, 0.5], {}],
    ['Infinity for an integer', 'aten::select.int', [x, 0, Infinity], {}],
    ['a bigint beyond 64 bits', 'aten::select.int', [x, 0, 2n ** 70n], {}],
    ['a number for a bool', 'aten::sum.dim_IntList', [x, [0], 1], {}],
    ['a number for text', 'aten::gelu', [x], { approximate: 3 }],
    ['an unknown dtype', 'aten::to.dtype', [x, 'floaty'], {}],
    ['an unknown device', 'aten::to.device', [x, 'teapot', 'float32'], {}],
    ['null for a tensor', 'aten::relu', [null], {}],
  ])('call() refuses %s', async (_, op, args, named) => {
    await expect(call(op, args, named)).rejects.toThrow(code('BAD_ARGUMENT'))
  })
  test('call() refuses a device that does not exist', async () => {
    await expect(call('aten::to.device', [x, 'cuda:77', 'float32'])).rejects.toThrow(code('DEVICE_UNAVAILABLE'))
  })
  test('call() refuses a disposed tensor', async () => {
    const gone = of([1])
    gone.dispose()
    await expect(call('aten::cat', [[x, gone]])).rejects.toThrow(code('DISPOSED'))
  })
  test("call() reports libtorch's own message for wrong shapes, without a backtrace", async () => {
    const error = await call('aten::mm', [of([1, 2], [1, 2]), of([1, 2], [1, 2])]).catch((e: Error) => e)
    expect(error).toEqual(code('NATIVE'))
    expect((error as Error).message).toMatch(/cannot be multiplied/)
    expect((error as Error).message).not.toMatch(/frame #|Exception raised from/)
    await expect(x.op('aten::select', 0, 9)).rejects.toThrow(code('NATIVE'))
    await expect(call('aten::zeros', [[2 ** 50]])).rejects.toThrow(code('OUT_OF_MEMORY'))
  })
  test('op() refuses an operator that returns more than one tensor', async () => {
    await expect(x.op('aten::topk', 1)).rejects.toThrow(code('BAD_ARGUMENT'))
  })
})

describe('autograd', () => {
  test('backward() computes the gradient of mm and sum', async () => {
    const w = await of([1, 2, 3, 4], [2, 2]).op('aten::requires_grad_', true)
    const x = of([1, 10, 2, 20], [2, 2])
    expect(w.grad).toBeUndefined()
    const loss = await (await w.op('aten::mm', x)).op('aten::sum')
    await loss.backward()
    expect(await numbers(w.grad!)).toEqual([11, 22, 11, 22])
    expect(x.grad).toBeUndefined()
  })
  test('backward() adds to existing gradients until they are cleared', async () => {
    const w = await of([3]).op('aten::requires_grad_', true)
    for (let i = 0; i < 2; i++) await (await (await w.op('aten::mul', w)).op('aten::sum')).backward()
    expect(await numbers(w.grad!)).toEqual([12])
  })
  test('backward() refuses a tensor without autograd history and one that is not a scalar', async () => {
    await expect(of([1]).backward()).rejects.toThrow(code('BAD_ARGUMENT'))
    const w = await of([1, 2]).op('aten::requires_grad_', true)
    await expect((await w.op('aten::mul', 2)).backward()).rejects.toThrow(code('BAD_ARGUMENT'))
    await expect(Tensor.from(Int32Array.of(1)).op('aten::requires_grad_', true)).rejects.toThrow(code('NATIVE'))
  })
})
