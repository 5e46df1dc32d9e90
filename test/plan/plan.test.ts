import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { beforeAll, expect, it } from 'vitest'
import { type Planned, type PlanOptions, plan } from '../../lib/index.js'
import { countWindows } from '../../lib/plan/window-counts.js'
import { stepSpan, wireOf } from '../../lib/plan/wire.js'
import { plan as settle } from '../../lib/train/recipe.js'
import { refused } from '../files/fixture.js'
import { lvm } from '../train/programs.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('even', { articles: 30, length: 40, dim: 8 })
})

const SMALL = { model: 'lstm', preset: 'tiny', rows: 2000, dim: 8, threads: 1 } as const
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('lvm-torch-plan-'))

it.each([
  ['accumulated batches, a history and a test part', { history: 'article', accumulate: 3, test: 0.2 }],
  ['a fold', { fold: '1/3' }],
  ['contexts that cross articles', { split: 'windows' }],
  ['few windows', { maxWindows: 100, trainEval: 'all' }],
  ['articles that are read once', { recipe: 'strong' }],
  ['articles that are cut', { history: 'article', objective: 'sequence', batchVectors: 16 }],
  ['segments of a history', { history: '9', objective: 'sequence', batchVectors: 32 }],
])('a plan counts windows and steps as a training does: %s', async (_, options) => {
  const given = { batchSize: 16, ...options, preset: 'tiny', epochs: 1 } as const
  const events = await trained({ ...TINY, ...given, model: 'lstm', data, name: 'counted', overwrite: true } as never)
  const counts = countWindows(settle('lstm', given), { rows: 1200, dim: 8, articleRows: 40 })
  const start = events.find(({ type }) => type === 'start')
  expect(start).toMatchObject({ context: counts.context, data: { windows: counts.windows } })
  expect(events.findLast(({ type }) => type === 'epoch')).toMatchObject({ step: counts.steps_per_epoch })
})

const sum = ({ memory: m }: Planned) =>
  m.weights_bytes + m.gradients_bytes + m.optimizer_bytes + m.exchange_bytes + m.working_bytes + m.rows_bytes + m.vectors_bytes

it('a plan measures a training here, whose parts of memory add up, and leaves nothing behind', async () => {
  const before = leftovers()
  const planned = await plan(SMALL)
  expect(planned).toMatchObject({ ranks: 1, wire: null, time: { from: 'measured' }, time_note: null, ceiling: null })
  expect(planned.memory.from).toBe('measured')
  expect(Math.abs(sum(planned) - planned.memory.bytes)).toBeLessThan(8)
  expect(planned.memory.bytes).toBeGreaterThan(100e6)
  const { step_seconds, training_seconds, evaluation_seconds } = planned.time!
  expect(training_seconds.least).toBeGreaterThan(20 * (planned.counts.steps_per_epoch * step_seconds.least + evaluation_seconds))
  expect(planned.checkpoint.seconds).toBeGreaterThan(0)
  expect(leftovers()).toEqual(before)
})

it('memory and bytes of many ranks follow from formulas where nothing is measured', async () => {
  const base = { model: 'transformer', rows: 1e9, measure: false, batchSize: 640 } as const
  const one = await plan(base)
  const many = await plan({ ...base, ranks: 64, shardOptimizer: true, network: 2 })
  const { parameters } = one
  expect(one.memory).toMatchObject({ from: 'estimated', optimizer_bytes: 8 * parameters, exchange_bytes: 0 })
  expect(many.memory).toMatchObject({ optimizer_bytes: Math.round(parameters / 8), exchange_bytes: 4 * parameters })
  expect(many.memory.working_bytes).toBeLessThan(one.memory.working_bytes)
  expect(many.wire!.gradients_bytes).toBe(Math.round((2 * 63 * 4 * parameters) / 64))
  expect(many.wire!.seconds).toBe(many.wire!.bytes / 2e9)
  expect(many.time).toMatchObject({ from: 'ceiling' })
  expect(many.time!.step_seconds.most).toBeGreaterThan(many.wire!.seconds!)
  expect(many.time_note).toMatch(/lower bound/)
})

it('a model that does not fit in memory gets sizes, and a lower bound of its time', async () => {
  const planned = await plan({ model: 'transformer', width: 16_384, heads: 16, layers: 96, rows: 1e6 })
  expect(planned.memory).toMatchObject({ from: 'estimated' })
  expect(planned.time_note).toMatch(/needs .* of .* free memory/)
  expect(planned.notes).toContain('a rank needs more memory than is free here')
})

it('exchange beside the computation counts where it takes longer, and changed weights in any case', () => {
  const wire = wireOf(4, { parameters: 1000, weightBytes: 4, shardOptimizer: true })
  expect(wire).toEqual({ gradients_bytes: 6000, weights_bytes: 3000, bytes: 9000 })
  expect(stepSpan(2, wire, { bytesPerSecond: 1000, overlaps: true })).toEqual({ least: 9, most: 11 })
  expect(stepSpan(7, wire, { bytesPerSecond: 1000, overlaps: true })).toEqual({ least: 10, most: 16 })
  expect(stepSpan(2, wire, { bytesPerSecond: 1000, overlaps: false })).toEqual({ least: 11, most: 11 })
})

it.each([
  ['rows', {}],
  ['articleRows', { rows: 1000, articleRows: 600 }],
  ['articleRows', { rows: 1000, articleRows: 10, context: 10 }],
  ['valRows', { rows: 1000, split: 'file' }],
  ['valRows', { rows: 1000, valRows: 100 }],
  ['data', { rows: 1000, data: 'x.npy' }],
  ['batchSize', { rows: 1000, batchSize: 'auto' }],
  ['lr', { rows: 1000, lr: 'auto' }],
  ['loss', { rows: 1000, ranks: 2, loss: 'contrastive' }],
  ['strange', { rows: 1000, strange: 1 }],
])('a plan refuses a wrong "%s"', async (key, options) => {
  expect(await refused('BAD_OPTION', plan({ model: 'lstm', ...options } as unknown as PlanOptions))).toContain(`"${key}"`)
})

it('a plan that is stopped ends its training and removes its data', async () => {
  const before = leftovers()
  const controller = new AbortController()
  const onProgress = ({ open }: { open: readonly { stage: string }[] }) => {
    if (open.some(({ stage }) => stage === 'train some steps')) controller.abort()
  }
  await refused('INTERRUPTED', plan(SMALL, { signal: controller.signal, onProgress }))
  expect(leftovers()).toEqual(before)
})

it('the command line shows a plan as a table', async () => {
  const words = 'plan lstm --preset tiny --rows 1e9 --dim 8 --ranks 8 --no-measure --shard-optimizer --batch-size 4'
  const program = lvm(place(''), ...words.split(' '))
  expect(await program.end, program.err()).toBe(0)
  expect(program.out()).toMatch(/^lstm, .* parameters, 1,000,000,000 × 8 \(32\.0 GB\), 8 ranks of \d+ threads?, batches of 4$/m)
  expect(program.out()).toMatch(/^memory of a rank +.* estimated/m)
  expect(program.out()).toMatch(/^sent by a rank in a step .* at 1\.25 GB\/s$/m)
  expect(program.out()).toContain('a batch of 4 leaves 4 of 8 ranks without work')
})
