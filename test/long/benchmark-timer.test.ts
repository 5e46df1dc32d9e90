import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import { benchmark } from '../../lib/study/benchmark/benchmark.js'
import { BATCHES, inputOf } from '../../lib/study/benchmark/benchmark-inputs.js'
import { interleaved } from '../../lib/study/benchmark/blocks.js'
import { compareBenchmarks, compareBlocks } from '../../lib/study/benchmark/compare-benchmarks.js'
import { train } from '../../lib/train/train.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-timer-'))
const run = join(out, 'run')
const measure = (folder: string) => benchmark({ runs: [run], threads: 1, seconds: 2, device: 'cpu', out: join(out, folder) })

beforeAll(async () => {
  const options = { model: 'lstm', data: 'data/sample/factbook', epochs: 0, name: 'run', out, threads: 1 } as const
  for await (const _ of train(options)) {
  }
}, 120_000)
afterAll(() => rmSync(out, { recursive: true, force: true }))

test('the latency of benchmark agrees with a timer around predict within 10 %', async () => {
  const { runs } = await measure('timer')
  using model = await load(run, { device: 'cpu', threads: 1 })
  for (const batch of BATCHES) {
    const input = inputOf(model, batch)
    const times: number[] = []
    for (const end = performance.now() + 3000; performance.now() < end; ) {
      const start = process.hrtime.bigint()
      await model.predict(input)
      times.push(Number(process.hrtime.bigint() - start) / 1e6)
    }
    const median = times.sort((a, b) => a - b)[times.length >> 1]!
    const { p50_ms } = runs[0]!.devices[0]!.batches.find((one) => one.batch === batch)!
    expect(Math.abs(p50_ms / median - 1), `batch ${batch}`).toBeLessThan(0.1)
  }
}, 120_000)

test('benchmark compare finds a change in at most one of 20 pairs of one run', async () => {
  let changed = 0
  for (let i = 0; i < 20; i++) {
    for (const folder of ['a', 'b']) await measure(folder)
    const { comparison } = await compareBenchmarks(
      ...(['a', 'b'].map((f) => join(out, f, 'inference_benchmarks.json')) as [string, string]),
    )
    if (comparison.runs.some(({ paces }) => paces.some(({ verdict }) => verdict !== 'no change'))) changed++
  }
  expect(changed).toBeLessThanOrEqual(1)
}, 1_800_000)

test('benchmark compare finds a delay of 20 % in every call', async () => {
  using model = await load(run, { device: 'cpu', threads: 1 })
  const input = inputOf(model, 8)
  const plain = () => model.predict(input)
  const slowed = async () => {
    const start = performance.now()
    await plain()
    for (const end = performance.now() + 0.2 * (performance.now() - start); performance.now() < end; );
  }
  const timed = async (call: () => Promise<unknown>) =>
    (await interleaved([{ batch: 8, call }], plain, { seconds: 3, rounds: 20 }))[0]!
  expect(compareBlocks(await timed(plain), await timed(slowed)).verdict).toBe('slower')
}, 120_000)
