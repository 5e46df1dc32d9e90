import { describe, expect, test } from 'vitest'
import { Tensor } from '../../lib/torch/tensor.js'
import { torch } from '../../lib/torch/torch.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const isFreed = (x: Tensor) => {
  try {
    x.shape
    return false
  } catch {
    return true
  }
}

describe('scope()', () => {
  test('frees what was made inside it, except its result', async () => {
    const inner: Tensor[] = []
    const outer = torch.ones([2])
    const sum = torch.scope(() => {
      const x = outer.mul(2)
      inner.push(x, x.at(0), Tensor.from([1]), torch.tensor([1]))
      return x.sum()
    })
    expect(inner.map(isFreed)).toEqual([true, true, true, true])
    expect(await sum.item()).toBe(4)
    expect(isFreed(outer)).toBe(false)
  })
  test('keeps tensors in lists and plain objects of its result, and those given to keep()', () => {
    let kept: Tensor | undefined
    const { list } = torch.scope(() => {
      kept = torch.keep(torch.ones([1]))
      return { list: [torch.ones([1]), 5] as const }
    })
    expect([isFreed(list[0]), isFreed(kept!)]).toEqual([false, false])
  })
  test('holds across await, and two of them at once do not mix', async () => {
    const run = async (n: number) =>
      torch.scope(async () => {
        const x = torch.full([2], n)
        await x.data()
        const y = x.mul(2)
        await new Promise((done) => setTimeout(done, 5))
        return { x, y: await y.item().catch(() => y.sum().item()) }
      })
    const [a, b] = await Promise.all([run(1), run(2)])
    expect([a.y, b.y, isFreed(a.x)]).toEqual([4, 8, false])
  })
  test('an inner scope hands its result to the outer one', () => {
    let inner: Tensor | undefined
    torch.scope(() => {
      inner = torch.scope(() => torch.ones([1]))
      expect(isFreed(inner)).toBe(false)
    })
    expect(isFreed(inner!)).toBe(true)
  })
  test('frees when the function throws or rejects, and passes the error on', async () => {
    let x: Tensor | undefined
    const fail = () => {
      x = torch.ones([1])
      throw new Error('mine')
    }
    expect(() => torch.scope(fail)).toThrow('mine')
    expect(isFreed(x!)).toBe(true)
    await expect(torch.scope(async () => fail())).rejects.toThrow('mine')
    expect(isFreed(x!)).toBe(true)
  })
  test('tensors disposed inside it are no error', () => {
    torch.scope(() => {
      torch.ones([1]).dispose()
    })
  })
  test.each([undefined, 5, {}])('scope(%s), which is no function, is an error', (run) => {
    for (const owner of [torch.scope, torch.noGrad, torch.enableGrad])
      expect(() => owner(run as unknown as () => void)).toThrow(code('BAD_ARGUMENT'))
  })
})

test('a loop that waits now and then fills no memory, without scope or dispose', async () => {
  const before = process.memoryUsage().rss
  let x = torch.ones([1 << 18])
  for (let i = 1; i <= 2000; i++) {
    x = x.add(1) // 2 GB in all
    if (i % 100 === 0) await x.ready() // calls that are not computed yet are not known to the garbage collector
  }
  expect(await x.at(0).item()).toBe(2001)
  expect(process.memoryUsage().rss - before).toBeLessThan(1 << 29)
})
