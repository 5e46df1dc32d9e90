import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import { openBase } from '../../lib/data/open.js'
import { f4 } from '../files/fixture.js'
import {
  CONTEXT,
  code,
  contexts,
  DIM,
  folderOfFile,
  SAMPLE,
  trainTiny,
  vectors,
  type Watched,
  watch,
  within,
} from './served-run.js'

const out = folderOfFile()
let run: string
let served: Watched
beforeAll(async () => {
  run = await trainTiny(out, 'gru')
  served = await watch(run, { bank: SAMPLE })
})
afterAll(() => served.engine.close())

test('an engine describes the run and the bank that it serves', () => {
  const { run: about, state, gauges } = served.engine
  expect(about).toMatchObject({ name: 'gru', folder: run, architecture: 'gru', dim: DIM, context: CONTEXT, causal: true })
  expect(about).toMatchObject({
    unit: true,
    scheme: null,
    device: 'cpu',
    threads: 1,
    trained: { shortest: 5, longest: 5 },
    contexts: { shortest: 1, longest: Infinity },
  })
  expect(about.bank!.rows).toBeGreaterThan(100)
  expect(state).toBe('ready')
  expect(gauges.memoryBytes).toBeGreaterThan(1e7)
})

test('an engine predicts what the loaded run predicts', async () => {
  const x = contexts(3)
  const got = await served.engine.predict(x, within(5000))
  using model = await load(run)
  expect(got).toEqual(await model.predict(x.contexts))
})

test('an engine reads contexts of any length that the model accepts', async () => {
  const x = contexts(2, 7, 9)
  using model = await load(run)
  expect(await served.engine.predict(x, within(5000))).toEqual(await model.predict(x.contexts, { context: 9 }))
})

describe('retrieve', () => {
  test('finds the rows nearest to the prediction, with their articles and texts', async () => {
    const x = contexts(2)
    const found = await served.engine.retrieve(x, { k: 4, exclude: new Int32Array(0) }, within(5000))
    const predictions = await served.engine.predict(x, within(5000))
    const base = await openBase(SAMPLE)
    using wide = await base.vectors.to({ dtype: 'float32' })
    const data = (await wide.data()) as Float32Array
    const texts = await base.texts()
    for (const [i, rows] of found.entries()) {
      const y = predictions.subarray(i * DIM, (i + 1) * DIM)
      const cosines = Array.from({ length: base.rows }, (_, row) => {
        const vector = data.subarray(row * DIM, (row + 1) * DIM)
        return vector.reduce((sum, v, j) => sum + v * y[j]!, 0) / Math.hypot(...vector)
      })
      const order = cosines.map((_, row) => row).sort((a, b) => cosines[b]! - cosines[a]!)
      expect(rows.map(({ row }) => row)).toEqual(order.slice(0, 4))
      for (const { row, cosine, article, text } of rows) {
        expect(cosine).toBeCloseTo(cosines[row]!, 6)
        expect(text).toBe(texts![row])
        expect(article).toBe(base.articles!.ids[base.articles!.of[row]!])
      }
    }
    base.dispose()
  })
  test('leaves out excluded rows, and finds nothing when all rows are excluded', async () => {
    const { engine } = served
    const x = contexts(1)
    const rows = async (k: number, exclude: number[]) =>
      (await engine.retrieve(x, { k, exclude: Int32Array.from(exclude) }, within(5000)))[0]!.map(({ row }) => row)
    const first = await rows(5, [])
    expect(await rows(3, [first[0]!, first[2]!, first[2]!])).toEqual([first[1], first[3], first[4]])
    expect(await rows(3, [0, 1, 2])).not.toContain(0)
    const all = Array.from({ length: engine.run.bank!.rows }, (_, row) => row)
    expect(await rows(3, all)).toEqual([])
    expect(await rows(1e6, all.slice(2))).toHaveLength(2)
  })
  test('refuses excluded rows that the bank does not have, without an effect on others', async () => {
    const { engine } = served
    const bad = engine.retrieve(contexts(1), { k: 2, exclude: Int32Array.of(-1) }, within(5000))
    const good = engine.retrieve(contexts(1), { k: 2, exclude: new Int32Array(0) }, within(5000))
    await expect(bad).rejects.toEqual(code('BAD_REQUEST'))
    expect((await good)[0]).toHaveLength(2)
  })
})

test('an engine refuses shapes that do not fit the model', async () => {
  const { engine } = served
  await expect(engine.predict({ contexts: vectors(4), batch: 1, context: 5 }, within(5000))).rejects.toEqual(code('BAD_REQUEST'))
  await expect(engine.predict({ contexts: vectors(0), batch: 0, context: 5 }, within(5000))).rejects.toEqual(code('BAD_REQUEST'))
  await expect(engine.predict({ contexts: vectors(0), batch: 1, context: 0 }, within(5000))).rejects.toEqual(code('BAD_REQUEST'))
})

test('a vector that is not finite fails its own request only', async () => {
  const { engine } = served
  const bad = contexts(1)
  bad.contexts[3] = Number.NaN
  const [failed, fine] = await Promise.allSettled([
    engine.predict(bad, within(5000)),
    engine.predict(contexts(1, 2), within(5000)),
  ])
  expect(failed).toMatchObject({ status: 'rejected', reason: code('DATA_NOT_FINITE') })
  expect(fine).toMatchObject({ status: 'fulfilled', value: await engine.predict(contexts(1, 2), within(5000)) })
})

test('an engine does not start with a run or bank that is missing', async () => {
  await expect(watch(`${run}-none`)).rejects.toEqual(code('RUN_MISSING'))
  await expect(watch(run, { bank: `${out}/none.npy` })).rejects.toEqual(code('FILE_MISSING'))
})
test('an engine does not start with a bank of another dimension or space', async () => {
  const bank = (name: string, dim: number) => {
    const path = join(out, name)
    writeFileSync(path, f4([4, dim], new Float32Array(4 * dim).fill(dim ** -0.5)))
    return path
  }
  const space = 'another encoder'
  await expect(watch(run, { bank: bank('narrow.npy', 8) })).rejects.toEqual(code('DATA_SHAPE'))
  await expect(watch(run, { bank: bank('other.npy', DIM), space })).rejects.toEqual(code('SPACE_MISMATCH'))
  await expect(watch(run, { bank: bank('unknown.npy', DIM) })).rejects.toEqual(code('SPACE_MISMATCH'))
})
test('an engine without a bank refuses retrieve', async () => {
  const { engine } = await watch(run, { name: 'plain' })
  expect(engine.run).toMatchObject({ name: 'plain', bank: null })
  const asked = engine.retrieve(contexts(1), { k: 1, exclude: new Int32Array(0) }, within(5000))
  await expect(asked).rejects.toEqual(code('BAD_REQUEST'))
  await engine.close()
})
test('a run trained on vectors of other lengths is not served as one of unit vectors', async () => {
  const rows = 120
  const path = join(out, 'long-vectors.npy')
  writeFileSync(
    path,
    f4(
      [rows, DIM],
      vectors(rows).map((x) => 3 * x),
    ),
  )
  writeFileSync(
    join(out, 'long-vectors.jsonl'),
    Array.from(
      { length: rows },
      (_, i) => `${JSON.stringify({ article_id: String(Math.floor(i / 10)), index: i % 10, text: 'x' })}\n`,
    ).join(''),
  )
  const long = await trainTiny(out, 'gru', { data: path, name: 'long', force: true, space: 'x' })
  const { engine } = await watch(long)
  expect(engine.run.unit).toBe(false)
  await engine.close()
})
