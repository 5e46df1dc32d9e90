import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainOptions } from '../../lib/index.js'
import { expectSameHistory } from './ranks.js'
import { comparable, contentOf, historyOf, manifestOf, nth, place, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
const run = (name: string) => place(`runs/${name}`)
const SHARDED = { shardOptimizer: true, rankTimeout: 30 } as const
const train = (name: string, options: Record<string, unknown>, stop?: Parameters<typeof trained>[1]) =>
  trained({ ...TINY, data, name, ...options } as TrainOptions, stop)

/** Requires that two runs have the same history, weights, moments and averages, to the bit. */
async function expectSameRun(name: string, reference: string): Promise<void> {
  expect(comparable(historyOf(run(name))).history).toEqual(comparable(historyOf(run(reference))).history)
  const content = async (of: string) =>
    [...(await contentOf(join(run(of), 'final_model.pt')))].filter(([key]) => !key.startsWith('/args/'))
  const [own, other] = [await content(name), await content(reference)]
  expect(own.some(([key]) => key.endsWith('/exp_avg_sq'))).toBe(true)
  expect(own).toEqual(other)
}

// More than 65,536 weights in a matrix, so that ranks share one.
const WIDE = { model: 'lstm', width: 160, layers: 1 } as const

afterEach(() => vi.unstubAllEnvs())

describe('--shard-optimizer', () => {
  it.each([
    ['averages, saves within an epoch', 2, { ...WIDE, ema: 0.9, saveEvery: 3 }],
    ['three processes and zeros that stay', 3, { ...WIDE, ema: 0.9, keepZeros: true, freeze: ['head.bias'] }],
    ['weights in bfloat16', 2, { ...WIDE, weights: 'bf16' }],
    ['more processes than some have parts', 4, { model: 'gru', ema: 0, accumulate: 2 }],
  ] as const)('changes no bit of history, weights, moments and averages: %s', async (what, processes, options) => {
    const name = what.replaceAll(/\W+/g, '-')
    await train(`${name}-whole`, { ...options, processes, rankTimeout: 30 })
    const events = await train(name, { ...options, processes, ...SHARDED })
    expect(events[0]).toMatchObject({ type: 'start', processes })
    await expectSameRun(name, `${name}-whole`)
    expect(manifestOf(run(name)).options.train).not.toHaveProperty('shardOptimizer')
  })

  it('changes no bit where the ranks talk over the network, nor does the memory that they share on one machine', async () => {
    const options = { ...WIDE, ema: 0.9, saveEvery: 3, processes: 2 }
    await train('memory', { ...options, rankTimeout: 30 })
    vi.stubEnv('LVM_TORCH_SHARED_MEMORY', '0')
    await train('network', { ...options, rankTimeout: 30 })
    await train('network-parts', { ...options, ...SHARDED })
    await expectSameRun('network', 'memory')
    await expectSameRun('network-parts', 'memory')
  })

  it('a stopped run goes on with another number of processes, sharded or not, and ends with the same history', async () => {
    const options = { ...WIDE, ema: 0.9 }
    await train('whole', options)
    const stopped = await train('parts', { ...options, processes: 2, ...SHARDED, logEvery: 1 }, nth('step', 5))
    expect(resultOf(stopped)).toMatchObject({ stopped: 'interrupted' })
    const resume = { model: 'lstm', out: TINY.out, name: 'parts', resume: true } as const
    await trained({ ...resume, maxSteps: 12 })
    await trained({ ...resume, maxSteps: 17, processes: 3, ...SHARDED })
    await trained({ ...resume, maxSteps: 999, processes: 2, rankTimeout: 30 })
    expectSameHistory(run('parts'), run('whole'))
  })

  it('needs less memory for each process, says the estimate', async () => {
    const memory = async (name: string, options: object) => {
      const [start] = await train(name, { model: 'lstm', width: 1024, epochs: 0, processes: 2, rankTimeout: 30, ...options })
      return start!.type === 'start' ? start!.estimate.memory_bytes : Number.NaN
    }
    const whole = await memory('estimated', {})
    const sharded = await memory('estimated-sharded', SHARDED)
    const { parameters } = manifestOf(run('estimated'))
    expect(whole - sharded).toBeCloseTo((parameters * 4 * 2) / 2, -1) // two moments of 4 bytes
  })

  it('is refused with one process', async () => {
    await expect(train('refused', { model: 'gru', shardOptimizer: true })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('"shardOptimizer"'),
    })
  })
})
