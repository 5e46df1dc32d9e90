import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { random } from '../../../lib/statistics/random.js'
import { benchmark } from '../../../lib/study/benchmark/benchmark.js'
import { type BlockLatency, interleaved } from '../../../lib/study/benchmark/blocks.js'
import { compareBenchmarks, compareBlocks } from '../../../lib/study/benchmark/compare-benchmarks.js'
import { measureEnergy } from '../../../lib/study/benchmark/energy.js'
import { train } from '../../../lib/train/train.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-benchmark-'))
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** Makes the rounds of a run of `ms` per call, on a machine slower by the factor `machine` with random disturbances. */
function blocks(seed: number, { ms = 2, machine = 1 } = {}): BlockLatency {
  let at = 0
  const noisy = (value: number) => value * machine * (1 + random(seed, at++) / 20) * (random(seed, at++) < 0.1 ? 1.4 : 1)
  const blocks_ms = Array.from({ length: 20 }, () => noisy(ms))
  const reference_ms = Array.from({ length: 20 }, () => noisy(1))
  return { batch: 1, p50_ms: ms * machine, p95_ms: 0, p99_ms: 0, samples_per_second: 0, calls: 0, blocks_ms, reference_ms }
}
const verdict = (a: BlockLatency, b: BlockLatency) => compareBlocks(a, b).verdict

describe('two benchmarks', () => {
  const pairs = Array.from({ length: 40 }, (_, i) => 2 * i)
  const share = (wanted: string, of: (seed: number) => string) =>
    pairs.filter((seed) => of(seed) === wanted).length / pairs.length
  test('two benchmarks of the same run show no change, even when the machine becomes slower', () => {
    expect(share('no change', (seed) => verdict(blocks(seed), blocks(seed + 1)))).toBe(1)
    expect(share('no change', (seed) => verdict(blocks(seed), blocks(seed + 1, { machine: 1.6 })))).toBe(1)
    expect(share('no change', (seed) => verdict(blocks(seed, { machine: 1.6 }), blocks(seed + 1)))).toBe(1)
  })
  test('a run that became 20 % slower is a regression, and the reverse an improvement', () => {
    expect(share('slower', (seed) => verdict(blocks(seed), blocks(seed + 1, { ms: 2.4 })))).toBeGreaterThan(0.9)
    expect(share('faster', (seed) => verdict(blocks(seed, { ms: 2.4 }), blocks(seed + 1)))).toBeGreaterThan(0.9)
  })
  test('a delay in every call is a regression', async () => {
    vi.useFakeTimers({ toFake: ['performance'] }) // a clock that no other program disturbs
    let at = 0
    const busy = (ms: number) => async () => void vi.advanceTimersByTime(ms * (1 + random(7, at++) / 20))
    const measure = async (ms: number) =>
      (await interleaved([{ batch: 1, call: busy(ms) }], busy(0.5), { seconds: 0.8, rounds: 20 }))[0]!
    const [a, b, slowed] = [await measure(2), await measure(2), await measure(2.5)]
    vi.useRealTimers()
    expect(verdict(a, b)).toBe('no change')
    expect(verdict(a, slowed)).toBe('slower')
  })
})

test('every subject takes part in every round, and its figures include all its calls', async () => {
  const order: string[] = []
  const call = (name: string) => async () => {
    order.push(name)
    await sleep(1)
  }
  const subjects = ['a', 'b'].map((name) => ({ batch: 4, call: call(name) }))
  const found = await interleaved(subjects, async () => {}, { seconds: 0.05, rounds: 5 })
  expect(found.map(({ blocks_ms, reference_ms }) => [blocks_ms.length, reference_ms.length])).toEqual([
    [5, 5],
    [5, 5],
  ])
  const [a] = found
  expect(a!.p50_ms).toBeGreaterThanOrEqual(1)
  expect(a!.p99_ms).toBeGreaterThanOrEqual(a!.p50_ms)
  expect(a!.samples_per_second).toBeLessThan(4000)
  expect(order.join('').replace(/(.)\1+/g, '$1')).toBe('abababababab'.slice(0, order.join('').replace(/(.)\1+/g, '$1').length))
})

describe('energy', () => {
  const call = () => sleep(1)
  test('energy is the difference of the counters divided by the samples', async () => {
    const zone = join(out, 'powercap', 'intel-rapl:0')
    mkdirSync(zone, { recursive: true })
    writeFileSync(join(zone, 'name'), 'package-0\n')
    writeFileSync(join(zone, 'max_energy_range_uj'), '1000000')
    writeFileSync(join(zone, 'energy_uj'), '999000')
    for (const [i, name] of ['psys', 'dram'].entries()) {
      const other = join(out, 'powercap', `intel-rapl:${i + 1}`)
      mkdirSync(other, { recursive: true })
      writeFileSync(join(other, 'name'), `${name}\n`)
      writeFileSync(join(other, 'max_energy_range_uj'), '1000000')
      writeFileSync(join(other, 'energy_uj'), '0')
      setTimeout(() => writeFileSync(join(other, 'energy_uj'), '900000'), 10)
    }
    const later = setTimeout(() => writeFileSync(join(zone, 'energy_uj'), '1000'), 10) // the counter has wrapped around
    const { joules_per_sample, source } = await measureEnergy('cpu', call, {
      batch: 2,
      seconds: 0.1,
      root: join(out, 'powercap'),
    })
    clearTimeout(later)
    expect(source).toBe('rapl')
    expect(joules_per_sample).toBeGreaterThan(0)
    expect(joules_per_sample).toBeLessThanOrEqual(0.002 / 2)
  })
  test('energy is null with a reason when the machine has no counter', async () => {
    const none = await measureEnergy('cpu', call, { batch: 1, seconds: 0.01, root: join(out, 'nowhere') })
    expect(none).toEqual({ joules_per_sample: null, source: null, reason: expect.stringContaining('no energy counters') })
    const path = process.env.PATH
    process.env.PATH = out // a folder without nvidia-smi
    try {
      const gpu = await measureEnergy('cuda', () => sleep(50), { batch: 1, seconds: 0.2 })
      expect(gpu).toEqual({ joules_per_sample: null, source: null, reason: expect.stringContaining('nvidia-smi') })
    } finally {
      process.env.PATH = path
    }
    expect(await measureEnergy('mps', call, { batch: 1, seconds: 0.01 })).toMatchObject({ joules_per_sample: null })
  })
})

describe('benchmark', () => {
  test('benchmark measures a run whose contexts have several lengths', async () => {
    const small = { model: 'gru', data: 'data/sample/factbook', preset: 'tiny', epochs: 0, threads: 1 } as const
    for await (const _ of train({ ...small, history: 'article', name: 'history', out })) {
    }
    const o = { seconds: 0.05, rounds: 5, out: join(out, 'of-history'), device: 'cpu' }
    const { runs } = await benchmark({ runs: [join(out, 'history')], threads: 1, ...o })
    expect(runs[0]!.batches.map(({ batch }) => batch)).toEqual([1, 8, 32, 128])
  })
  test('benchmark measures available devices, lists absent ones, and its document compares with itself', async () => {
    const options = {
      model: 'lstm',
      data: 'data/sample/factbook',
      preset: 'tiny',
      epochs: 0,
      name: 'run',
      out,
      threads: 1,
    } as const
    for await (const _ of train(options)) {
    }
    const run = join(out, 'run')
    const measure = (folder: string) =>
      benchmark({ runs: [run], threads: 1, seconds: 0.2, rounds: 6, out: join(out, folder), device: 'cpu,mps' })
    const { runs } = await measure('before')
    const [{ devices, absent, batches }] = runs as [(typeof runs)[number]]
    expect(batches.map(({ batch }) => batch)).toEqual([1, 8, 32, 128])
    expect(devices.map(({ device }) => device)).toContain('cpu')
    if (process.platform !== 'darwin') expect(absent).toEqual([{ device: 'mps', reason: expect.any(String) }])
    expect(devices[0]).toMatchObject({ threads: 1, load_ms: expect.any(Number), first_call_ms: expect.any(Number) })
    expect(devices[0]!.peak_memory_bytes).toBeGreaterThan(1e7)
    await measure('after')
    const paths = ['before', 'after'].map((folder) => join(out, folder, 'inference_benchmarks.json')) as [string, string]
    const { comparison } = await compareBenchmarks(...paths)
    expect(comparison.runs[0]!.paces).toHaveLength(4)
    await expect(compareBenchmarks(paths[0], join(out, 'none.json'))).rejects.toThrow(code('FILE_MISSING'))
    writeFileSync(join(out, 'empty.json'), '{"version": 1, "runs": []}')
    await expect(compareBenchmarks(paths[0], join(out, 'empty.json'))).rejects.toThrow(code('DATA_FORMAT'))
  }, 60_000)
  test('benchmark refuses missing runs and devices', async () => {
    await expect(benchmark({ runs: [] })).rejects.toThrow(code('BAD_OPTION'))
    await expect(benchmark({ runs: [join(out, 'none')] })).rejects.toThrow(code('RUN_MISSING'))
    await expect(benchmark({ runs: [join(out, 'run')], device: 'tpu' })).rejects.toThrow(code('BAD_OPTION'))
    await expect(benchmark({ runs: [join(out, 'run')], device: 'cuda:99' })).rejects.toThrow(code('DEVICE_UNAVAILABLE'))
  })
})
