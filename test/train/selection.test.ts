import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { contextOf, makeWindows } from '../../lib/data/windows.js'
import { listExcluded } from '../../lib/evaluate/exclusions.js'
import { fixedPool } from '../../lib/evaluate/fixed-pool.js'
import type { TrainOptions } from '../../lib/index.js'
import { plan } from '../../lib/train/recipe.js'
import { isBetter, selection } from '../../lib/train/selection.js'
import { refused } from '../files/fixture.js'
import { comparable, historyOf, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('selected')
})
const run = async (name: string, more: Partial<TrainOptions>) => {
  const events = await trained({ ...TINY, model: 'gru', data, name, epochs: 3, ...more } as TrainOptions)
  return { result: resultOf(events), history: historyOf(join(TINY.out, name)) }
}

it('a contrastive run ranks the validation targets after each epoch and keeps the epoch that finds most', async () => {
  const { history, result } = await run('found', { loss: 'contrastive', negatives: 60 })
  const rows = history.history
  for (const row of rows) {
    expect(row.val_top10_chance).toBeCloseTo(10 / row.val_pool!, 12)
    expect(row.val_pool).toBe(12 * 24 - 5) // all rows, without the five that a window has read
    expect(row.val_mrr).toBeLessThanOrEqual(1)
    expect(row.temperature).toBeGreaterThanOrEqual(0.01)
    expect(row.val_dispersion).toBeGreaterThan(0)
    expect(row.val_effective_rank).toBeGreaterThan(1)
  }
  expect(rows[3]!.temperature).not.toBe(rows[0]!.temperature)
  expect(rows[3]!.val_loss).toBeLessThan(rows[0]!.val_loss)
  expect(rows[3]!.val_top10).toBeGreaterThan(2 * rows[3]!.val_top10_chance!)
  const trainedRows = rows.slice(1)
  const most = Math.max(...trainedRows.map(({ val_top10 }) => val_top10!))
  expect(trainedRows.find(({ epoch }) => epoch === history.best_epoch)!.val_top10).toBe(most)
  expect(result.val_top10).toBe(most)
})

it('--val-retrieval adds ranks to a run and changes nothing else', async () => {
  const [plain, ranked] = [await run('plain', {}), await run('ranked', { valRetrieval: true })]
  const without = {
    ...ranked.history,
    history: ranked.history.history.map(({ val_top10, val_mrr, val_pool, val_top10_chance, ...row }) => row),
  }
  expect(ranked.history.history.every(({ val_top10 }) => val_top10 !== undefined)).toBe(true)
  expect(comparable(without)).toEqual(comparable(plain.history))
})

it('the best epoch is chosen by loss, cosine, or the share of found targets', () => {
  const of = (o: Record<string, unknown>) => plan('gru', { data, ...o }).train
  const [a, b] = [
    { val_loss: 1, val_cosine: 0.3, val_top10: 0.2, val_mrr: 0.1 },
    { val_loss: 2, val_cosine: 0.4, val_top10: 0.2, val_mrr: 0.2 },
  ]
  expect([of({}), of({ loss: 'contrastive' }), of({ loss: 'contrastive', select: 'loss' })].map(selection)).toEqual([
    'loss',
    'top10',
    'loss',
  ])
  expect([isBetter(of({}), a, b), isBetter(of({}), b, a)]).toEqual([true, false])
  expect([isBetter(of({ select: 'cosine' }), a, b), isBetter(of({ select: 'cosine' }), b, a)]).toEqual([false, true])
  const top10 = of({ select: 'top10' })
  expect([isBetter(top10, a, b), isBetter(top10, b, a)]).toEqual([false, true]) // equal shares: by reciprocal rank
  expect(isBetter(top10, { ...a, val_top10: 0.3 }, b)).toBe(true)
})

it('--val-retrieval is refused where the epochs rank the targets anyway', async () => {
  const wrong = run('wrong', { loss: 'contrastive', valRetrieval: true })
  expect(await refused('BAD_OPTION', wrong)).toMatch(/"valRetrieval"/)
})

it('a sampled pool has the targets of all windows and excludes what each has read', async () => {
  const base = await openBase(data, {})
  const windows = makeWindows(base, { context: 5, history: 'article', minHistory: 5 })
  const ids = Int32Array.of(0, 7, 30, 31)
  const pool = await fixedPool({ base, windows, ids }, { most: 100, seed: 3, targets: true })
  const values = async (vectors: typeof base.vectors) => (await vectors.data()) as Float32Array
  const [all, some] = [await values(base.vectors), await values(pool.vectors)]
  const rowAt = (place: number) => some.subarray(place * base.dim, (place + 1) * base.dim).join()
  const rows = new Map(
    Array.from({ length: base.rows }, (_, row) => [all.subarray(row * base.dim, (row + 1) * base.dim).join(), row]),
  )
  expect(pool.rows).toBe(100)
  expect(pool.share).toBe(100 / base.rows)
  ids.forEach((id, i) => {
    expect(rows.get(rowAt(pool.target[i]!))).toBe(windows.target[id])
    const places = listExcluded(pool.excluded, i, 1).excluded
    const inPool = new Set(Array.from({ length: 100 }, (_, place) => rows.get(rowAt(place))!))
    const seen = [...contextOf(windows, id)].filter((row) => inPool.has(row))
    expect([...places].map((place) => rows.get(rowAt(place))).sort()).toEqual(seen.sort())
  })
  pool.dispose()
  base.dispose()
})
