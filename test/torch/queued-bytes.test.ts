import { describe, expect, it } from 'vitest'
import { torch } from '../../lib/index.js'
import { refused } from '../files/fixture.js'

const MB = 1e6
/** Calls, and the side of a tensor of 4.2 MB. */
const [CALLS, SIDE] = [700, 1024]

/** The most memory that the process took during work, above what it had before. Units: bytes. */
async function grown(work: (look: () => void) => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 5)
  await work(look)
  clearInterval(timer)
  look()
  return most - before
}

describe('a loop that queues calls without waiting', () => {
  it.each([
    ['never returns to the event loop', () => undefined],
    ['returns to the event loop', () => new Promise(setImmediate)],
  ])('keeps few of its large results in memory when it %s', async (_, turn) => {
    const used = await grown(async (look) => {
      let y = torch.ones([SIDE, SIDE])
      for (let i = 0; i < CALLS; i++) {
        y = y.add(1)
        if (i % 20 === 0) {
          look()
          const turned = turn()
          if (turned !== undefined) await turned
        }
      }
      expect(await y.at(0, 0).item()).toBe(CALLS + 1)
    })
    expect(used).toBeLessThan(900 * MB) // all results take 2,936 MB
  })

  it('keeps few of them after thousands of small ones', async () => {
    const used = await grown(async (look) => {
      let small = torch.ones([1])
      for (let i = 0; i < 3000; i++) small = small.add(1)
      let y = small.expand([SIDE, SIDE]).add(0)
      for (let i = 0; i < CALLS; i++) {
        y = y.add(1)
        if (i % 20 === 0) look()
      }
      expect(await y.at(0, 0).item()).toBe(3001 + CALLS)
    })
    expect(used).toBeLessThan(1500 * MB)
  })

  it('computes the same with results that are disposed, and in place', async () => {
    let sum = torch.zeros([1])
    const total = torch.zeros([1])
    for (let i = 0; i < 2000; i++) {
      const last = sum
      sum = last.add(1)
      last.dispose()
      total.add_(1)
    }
    expect([await sum.item(), await total.item()]).toEqual([2000, 2000])
  })

  it('throws a failure in it at the next wait of its result, not before', async () => {
    let y = torch.ones([2])
    for (let i = 0; i < 500; i++) y = i === 100 ? y.matmul(torch.ones([3, 3])) : y.add(1)
    expect(await refused('BAD_ARGUMENT', y.data())).toContain('matmul')
    expect(await torch.ones([1]).add(1).item()).toBe(2)
  })
})
