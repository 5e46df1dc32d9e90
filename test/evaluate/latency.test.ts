import { describe, expect, it } from 'vitest'
import { measureLatency, peakMemory } from '../../lib/evaluate/latency.js'

const spin = async (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe('measureLatency', () => {
  it('measureLatency agrees with an external timer within a tenth', async () => {
    const outside: number[] = []
    const run = async (batch: number) => {
      const start = performance.now()
      await spin(2 + batch / 8)
      outside.push(performance.now() - start)
    }
    const results = await measureLatency(run, { seconds: 0.15, batches: [1, 32] })
    expect(results.map(({ batch }) => batch)).toEqual([1, 32])
    const middle = outside.slice(-results[1]!.calls).sort((a, b) => a - b)[Math.floor(results[1]!.calls / 2)]!
    expect(results[1]!.p50_ms / middle).toBeGreaterThan(0.9)
    expect(results[1]!.p50_ms / middle).toBeLessThan(1.1)
    for (const { batch, p50_ms, p95_ms, p99_ms, samples_per_second, calls } of results) {
      expect(calls).toBeGreaterThan(5)
      expect(p50_ms).toBeGreaterThanOrEqual(2 + batch / 8)
      expect(p50_ms).toBeLessThanOrEqual(p95_ms)
      expect(p95_ms).toBeLessThanOrEqual(p99_ms)
      expect(samples_per_second).toBeLessThanOrEqual((1000 * batch) / (2 + batch / 8))
    }
  })
  it('the warm-up does not count in the latency figures', async () => {
    let calls = 0
    const [result] = await measureLatency(() => spin(calls++ === 0 ? 60 : 1), { seconds: 0.1, batches: [1] })
    expect(result!.p99_ms).toBeLessThan(50)
  })
  it('a slow model is timed with a single call per batch size', async () => {
    let calls = 0
    const results = await measureLatency(
      async () => {
        calls++
        await spin(30)
      },
      { seconds: 0.02, batches: [1, 8] },
    )
    expect(calls).toBe(4) // one warm-up call and one timed call per size
    expect(results.map((r) => r.calls)).toEqual([1, 1])
  })
  it('measureLatency rejects with the error of the timed function', async () => {
    await expect(measureLatency(() => Promise.reject(new Error('broken')), { seconds: 0.1 })).rejects.toThrow('broken')
  })
})

describe('peakMemory', () => {
  it('peakMemory is at least the current resident memory', () => {
    expect(peakMemory()).toBeGreaterThanOrEqual(process.memoryUsage().rss * 0.9)
  })
})
