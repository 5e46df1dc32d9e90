import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Baseline, contextMean, copyLast, weighted } from '../../lib/baselines/baselines-fit.js'
import { decayWeights } from '../../lib/baselines/window-products.js'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { openPool } from '../../lib/evaluate/pool.js'
import { ranks } from '../../lib/evaluate/search.js'
import type { Chosen } from '../../lib/evaluate/subject.js'
import { jointTests } from '../../lib/statistics/max-t.js'
import { minimumDetectable } from '../../lib/statistics/paired-tests.js'
import { random } from '../../lib/statistics/random.js'
import { randomIndex } from '../../lib/statistics/random-index.js'
import { IdTable } from '../../lib/study/abtest/id-table.js'
import { judgeLog } from '../../lib/study/abtest/judge-log.js'
import { LogReader } from '../../lib/study/abtest/log-tally.js'
import type { ServedRecord } from '../../lib/study/abtest/served-log.js'
import { searchWithBaseline } from '../../lib/study/retrieval/judge-retrieval.js'
import { gaussian } from '../statistics/clustered.js'

const CORPUS = join(import.meta.dirname, '../../../shared/data/wiki42113.npy')
const SAMPLES = 3000
/** Every fourth article is searched for, so that the test takes minutes. */
const SHARE = 4
const decaying = (decay: number): Baseline => ({
  ...contextMean,
  predict: (rows, ids) => weighted(rows, ids, decayWeights(rows.windows.context, decay)),
})
const ARMS: readonly Baseline[] = [copyLast, decaying(0.77), contextMean, decaying(0.4)]

/** Searches of each article, and the rank of each target by each arm. */
let articles: number[][]
let found: Int32Array[]
beforeAll(async () => {
  const base = await openBase(CORPUS)
  const windows = makeWindows(base, 5)
  const ids = Int32Array.from({ length: windows.count }, (_, i) => i).filter((id) => windows.article[id]! % SHARE === 0)
  const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
  const chosen: Chosen = { base, windows, ids, part: 'all', split, selectedOn: false, train: undefined, dispose: () => {} }
  const pool = await openPool(chosen)
  found = []
  for (const arm of ARMS) found.push(ranks((await searchWithBaseline(arm, chosen, pool)).allowed))
  const of = new Map<number, number[]>()
  for (const [at, id] of ids.entries()) of.set(windows.article[id]!, [...(of.get(windows.article[id]!) ?? []), at])
  articles = [...of.values()]
})

/**
 * Hits of arms that are equal on average: each article of a sample deals the real hits of the arms to them in random order.
 *
 * Lets other events run: the test runner loses a process that does not answer for a minute.
 */
async function sample(count: number, arms: readonly number[], k: number, draw: (below: number) => number) {
  const of: number[] = []
  const columns = arms.slice(1).map(() => [] as number[])
  for (let c = 0; c < count; c++) {
    const order = [...arms]
    for (let i = order.length - 1; i > 0; i--) {
      const j = draw(i + 1)
      const held = order[i]!
      order[i] = order[j]!
      order[j] = held
    }
    for (const at of articles[draw(articles.length)]!) {
      of.push(c)
      const [first, ...others] = order.map((arm) => Number(found[arm]![at]! <= k))
      for (const [j, hit] of others.entries()) columns[j]!.push(first! - hit)
    }
  }
  await setImmediate()
  return { columns: columns.map((values) => Float64Array.from(values)), of: Int32Array.from(of) }
}

describe('equal arms with the real hits of Wikipedia articles', () => {
  it.each(
    [20, 60].flatMap((count) => [
      { count, arms: [1, 0], k: 10 },
      { count, arms: [1, 0], k: 1000 },
      { count, arms: [3, 0, 1, 2], k: 10 },
    ]),
  )('equal arms win in 4 to 6 % of the tests ($count articles, arms $arms, k $k)', async ({ count, arms, k }) => {
    const draw = randomIndex(count + k)
    let wins = 0
    for (let seed = 0; seed < SAMPLES; seed++) {
      const { columns, of } = await sample(count, arms, k, draw)
      const tests = await jointTests(columns, of, { seed, resamples: 999 })
      wins += Number(tests.some(({ p_adjusted }) => p_adjusted !== null && p_adjusted <= 0.05))
    }
    console.log({ count, arms, k, wins: wins / SAMPLES })
    expect(wins / SAMPLES).toBeGreaterThan(0.04)
    expect(wins / SAMPLES).toBeLessThan(0.06)
  })
  it('rare hits win in at most 6 % of the tests', async () => {
    const draw = randomIndex(1)
    let wins = 0
    for (let seed = 0; seed < SAMPLES; seed++) {
      const { columns, of } = await sample(20, [2, 0], 1, draw)
      const rare = columns[0]!.map((value, i) => (i % 10 === 0 ? value : 0))
      const [test] = await jointTests([rare], of, { seed, resamples: 999 })
      wins += Number(test!.p_adjusted !== null && test!.p_adjusted <= 0.05)
    }
    console.log({ rare: wins / SAMPLES })
    expect(wins / SAMPLES).toBeLessThan(0.06)
  })
  it('a true difference of the minimum detectable size is found in 75 to 88 % of the tests', async () => {
    const draw = randomIndex(5)
    const size = async (count: number) => {
      const { columns, of } = await sample(count, [1, 0], 10, draw)
      return minimumDetectable({ ...(await jointTests(columns, of, { resamples: 99 }))[0]!, articles: count })!
    }
    for (const count of [30, 120]) {
      let [effect, wins] = [0, 0]
      for (let i = 0; i < 400; i++) effect += (await size(count)) / 400
      for (let seed = 0; seed < 1000; seed++) {
        const { columns, of } = await sample(count, [1, 0], 10, draw)
        const [test] = await jointTests([columns[0]!.map((value) => value + effect)], of, { seed, resamples: 999 })
        wins += Number(test!.p_adjusted! <= 0.05)
      }
      console.log({ count, effect, power: wins / 1000 })
      expect(wins / 1000).toBeGreaterThan(0.75)
      expect(wins / 1000).toBeLessThan(0.88)
    }
  })
})

/** Time of the first win of an arm when a log of returning clients is judged after every 100 requests; null without one. */
function firstWin(o: { rates: readonly [number, number]; spread: number; effect: number; seed: number }): number | null {
  const draw = randomIndex(o.seed)
  const gauss = gaussian(o.seed)
  const feedback = { given: new IdTable(), depth: new IdTable() }
  const reader = new LogReader(feedback, 'skip')
  const clients: { model: string; odds: number }[] = []
  for (let i = 0; i < 20_000; i++) {
    const isNew = clients.length === 0 || draw(10) < 3
    if (isNew) clients.push({ model: 'ab'[draw(2)]!, odds: Math.exp(o.spread * gauss()) })
    const client = isNew ? clients.length - 1 : draw(clients.length)
    const { model, odds } = clients[client]!
    const rate = o.rates[model === 'a' ? 0 : 1]
    const own = (odds * rate) / (odds * rate + 1 - rate)
    const id = String(i)
    feedback.given.set(id, Number(random(o.seed, i) < own))
    feedback.depth.set(id, 1)
    const answer = { weights: model, route: 'retrieve', split: { a: 50, b: 50 }, k: 1, rows: [[1]], ms: 1 }
    reader.add({ version: 1, type: 'served', time: '', request_id: id, client: `${client}`, model, ...answer } as ServedRecord)
    if (i % 100 !== 99 || reader.tally.arms.length < 2) continue
    const { decision } = judgeLog('log', reader.tally, { control: 'a', effect: o.effect, missing: 'skip' }).verdict
    if (decision === 'arm' || decision === 'control') return i + 1
  }
  return null
}

describe('a log that is judged after every 100 requests', () => {
  it.each([
    { rates: [0.3, 0.3], spread: 0, effect: 0.02, most: 0.05, least: 0 },
    { rates: [0.3, 0.3], spread: 1.5, effect: 0.1, most: 0.05, least: 0 },
    { rates: [0.02, 0.02], spread: 1, effect: 0.02, most: 0.05, least: 0 },
    { rates: [0.98, 0.98], spread: 0, effect: 0.2, most: 0.05, least: 0 },
    { rates: [0.3, 0.36], spread: 0, effect: 0.02, most: 1, least: 0.95 },
    { rates: [0.3, 0.36], spread: 1, effect: 0.05, most: 1, least: 0.8 },
  ] as const)(
    'arms with the rates $rates (spread of clients $spread, effect $effect) win in $least to $most of the tests',
    async (o) => {
      const tests = 400
      const wins: number[] = []
      for (let seed = 1; seed <= tests; seed++) {
        const at = firstWin({ ...o, seed })
        if (at !== null) wins.push(at)
        await setImmediate()
      }
      console.log({ ...o, wins: wins.length / tests, requests: wins.reduce((a, b) => a + b, 0) / wins.length })
      expect(wins.length / tests).toBeLessThanOrEqual(o.most)
      expect(wins.length / tests).toBeGreaterThanOrEqual(o.least)
    },
  )
})
