import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Baseline, fitBaselines, predictBaseline } from '../../lib/baselines/baselines-fit.js'
import { keptPredictions, keptReader, withoutKeptPredictions } from '../../lib/baselines/kept-predictions.js'
import { fitRidges } from '../../lib/baselines/ridge.js'
import { load } from '../../lib/checkpoint/load-model.js'
import { chooseRows } from '../../lib/evaluate/subject.js'
import { train } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { writeBase } from '../docs/sample-base.js'
import { rowsOf, synthetic } from './synthetic.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), 'lvm-kept-'))
const before = process.env.LVM_TORCH_CACHE
beforeAll(() => {
  process.env.LVM_TORCH_CACHE = join(folder, 'cache')
  native.setThreads(1)
})
afterAll(() => {
  process.env.LVM_TORCH_CACHE = before
  if (before === undefined) delete process.env.LVM_TORCH_CACHE
  rmSync(folder, { recursive: true, force: true })
})

const data = synthetic({ dim: 8, context: 3, lengths: new Array(12).fill(25), seed: 4 })
const training = rowsOf(data, (a) => a > 2)
const judged = rowsOf(data, (a) => a <= 2)
const outputs = async (baselines: readonly Baseline[]) => {
  const all = []
  for (const baseline of baselines)
    all.push([baseline.name, baseline.params, [...((await (await predictBaseline(baseline, judged)).data()) as Float32Array)]])
  return all
}

it('baselines read from the cache predict bit by bit what those fitted anew predict', async () => {
  const cache = join(folder, 'fits')
  const made = await outputs(await fitBaselines(training))
  expect(await outputs(await fitBaselines(training, { cache }))).toEqual(made)
  const files = readdirSync(cache).sort()
  expect(files.length).toBe(3)
  expect(await outputs(await fitBaselines(training, { cache }))).toEqual(made)
  expect(readdirSync(cache).sort()).toEqual(files)
})
it('other training windows, other data and another anchor are other fits', async () => {
  const cache = join(folder, 'others')
  const count = () => readdirSync(cache).length
  const [alone] = await fitRidges(training, [undefined], cache)
  expect(count()).toBe(1)
  await fitRidges({ ...training, ids: training.ids.slice(1) }, [undefined], cache)
  await fitRidges({ ...training, base: { ...training.base, hash: 'other' } }, [undefined], cache)
  await fitRidges({ ...training, base: { ...training.base, normalized: true } }, [undefined], cache)
  const pairs = await fitRidges(training, [undefined, [0.2, 0.3, 0.5]], cache)
  expect(count()).toBe(5)
  const again = await fitRidges(training, [undefined, [0.2, 0.3, 0.5]], cache)
  expect(count()).toBe(5)
  expect(pairs[0]!.all.lambda).toBe(alone!.all.lambda)
  for (const [i, pair] of pairs.entries())
    for (const key of ['all', 'inner'] as const) expect(await again[i]![key].weight.data()).toEqual(await pair[key].weight.data())
})
it('predictions are kept for the weights and windows that made them, and only for them', async () => {
  writeBase(join(folder, 'data'), 'a', 250)
  const out = join(folder, 'models')
  const options = { data: join(folder, 'data'), out, preset: 'tiny', epochs: 1, threads: 1, maxWindows: 64 } as const
  for (const seed of [1, 2]) for await (const _ of train({ model: 'lstm', ...options, seed, splitSeed: 1, name: `s${seed}` }));
  const cache = join(folder, 'cache', 'lvm-torch', 'predictions')
  const files = () => {
    try {
      return readdirSync(cache).length
    } catch {
      return 0
    }
  }
  const asked = { rows: 'val', data: undefined, space: undefined, normalize: false } as const
  using one = await load(join(out, 's1'))
  using two = await load(join(out, 's2'))
  const chosen = await chooseRows(one, asked)
  const anew = await withoutKeptPredictions(() => keptReader(one, chosen)(chosen.ids))
  expect(files()).toBe(0)
  const first = await keptPredictions(one, chosen)
  expect(first).toEqual(await anew.data())
  expect(files()).toBe(1)
  expect(await keptPredictions(one, chosen)).toEqual(first)
  expect(files()).toBe(1)
  expect(await keptPredictions(two, chosen)).not.toEqual(first)
  const fewer = { ...chosen, ids: chosen.ids.slice(2, 7) }
  expect((await keptPredictions(one, fewer))!.length).toBe(5 * one.dim)
  expect(files()).toBe(3)
  const some = await keptReader(one, chosen)(fewer.ids)
  expect(await some.data()).toEqual(first!.slice(2 * one.dim, 7 * one.dim))
  const elsewhere = { ...chosen, base: { ...chosen.base, hash: 'other' } }
  await keptPredictions(one, elsewhere)
  expect(files()).toBe(4)
  chosen.dispose()
})
