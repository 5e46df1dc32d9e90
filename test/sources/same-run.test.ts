import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { File, ready } from 'h5wasm/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../lib/audit/run-audit.js'
import type { Data } from '../../lib/data/given-data.js'
import { openBase } from '../../lib/data/open.js'
import { shardBase } from '../../lib/data/shard-base.js'
import { writeBase } from '../../lib/data/write-base.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { predict } from '../../lib/evaluate/predict.js'
import { retrieve } from '../../lib/study/retrieval/retrieve.js'
import { scratch } from '../files/fixture.js'
import { DIM, wander } from '../study/retrieval/corpus.js'
import { comparable, historyOf, json, manifestOf, TINY, trained } from '../train/runs.js'

const ARTICLES = 60
const LENGTH = 8
const ROWS = ARTICLES * LENGTH
const flat = wander(4).slice(0, ROWS * DIM)
const articles = Array.from({ length: ROWS }, (_, row) => `article ${Math.floor(row / LENGTH)}`)
const positions = Array.from({ length: ROWS }, (_, row) => row % LENGTH)
const texts = Array.from({ length: ROWS }, (_, row) => `sentence ${row}`)
const vectorOf = (row: number) => flat.slice(row * DIM, (row + 1) * DIM)
const memory = { vectors: flat, articles, positions, texts, space: 'test' }
async function* iterable() {
  for (let row = 0; row < ROWS; row++)
    yield { vector: vectorOf(row), article: articles[row]!, position: positions[row]!, text: texts[row]! }
}

let before: string | undefined
beforeAll(async () => {
  before = process.env.LVM_TORCH_DATA_CACHE
  process.env.LVM_TORCH_DATA_CACHE = scratch('same-cache')
  for (const ending of ['npy', 'parquet', 'arrow', 'jsonl', 'csv', 'pt'])
    await writeBase(scratch(`as-${ending}.${ending}`), memory)
  await shardBase(scratch('as-shards'), scratch('as-npy.npy'), { rowsPerShard: 100 })
  await ready
  const file = new File(scratch('as-h5.h5'), 'w')
  file.create_dataset({ name: 'vectors', data: flat, shape: [ROWS, DIM] })
  file.create_dataset({ name: 'article_id', data: articles })
  file.create_dataset({ name: 'index', data: Int32Array.from(positions) })
  file.create_dataset({ name: 'text', data: texts })
  file.close()
})
afterAll(() => {
  if (before === undefined) delete process.env.LVM_TORCH_DATA_CACHE
  else process.env.LVM_TORCH_DATA_CACHE = before
})

/** Everything that follows from the rows of one form of the data: hash, split, history, figures and predictions. */
async function judged(data: Data, name: string) {
  const run = join(TINY.out, name)
  const out = scratch(`out-${name}`)
  const base = await openBase(data, { space: 'test' })
  const { path } = base
  const content = await base.contentHash()
  base.dispose()
  const options = { ...TINY, model: 'lstm', preset: 'tiny', context: 3, residual: 'mean', space: 'test', force: true } as const
  await trained({ ...options, data: path, name })
  const { findings } = await audit({ data: path, space: 'test' })
  const [entry] = (await evaluate({ runs: [run], latency: 0, out, threads: 1 })).results.runs
  const [found] = (await retrieve({ runs: [run], out, threads: 1 })).results.runs
  await predict({ run, out: join(out, 'p.npy'), threads: 1 })
  const { n, articles: judgedArticles, cosine, cosine_centred, mse_raw, mse_unit, baselines, skill } = entry!
  return {
    content,
    recorded: manifestOf(run).data!.content_hash,
    split: json<object>(run, 'split.json'),
    history: comparable(historyOf(run)),
    audit: findings.map(({ code, level, message }) => [code, level, message.replaceAll(path, '')]),
    figures: { n, judgedArticles, cosine, cosine_centred, mse_raw, mse_unit, baselines, skill },
    search: { scores: found!.scores, failures: found!.failures },
    predictions: readFileSync(join(out, 'p.npy')).toString('base64'),
  }
}

describe('the same rows in another form', () => {
  let first: Awaited<ReturnType<typeof judged>>
  beforeAll(async () => {
    first = await judged(scratch('as-npy.npy'), 'of-npy')
    expect(first.recorded).toBe(first.content)
    expect(first.history.history).toHaveLength(3)
  })
  it.each<[string, () => Data]>([
    ['parquet', () => scratch('as-parquet.parquet')],
    ['arrow', () => scratch('as-arrow.arrow')],
    ['jsonl', () => scratch('as-jsonl.jsonl')],
    ['csv', () => scratch('as-csv.csv')],
    ['pt', () => scratch('as-pt.pt')],
    ['hdf5', () => scratch('as-h5.h5')],
    ['shards', () => scratch('as-shards')],
    ['memory', () => memory],
    ['iterable', iterable],
  ])('%s gives the content hash, split, history, audit, figures and predictions of the .npy, to the bit', async (form, data) => {
    const found = await judged(data(), `of-${form}`)
    for (const key of Object.keys(first) as (keyof typeof first)[]) expect(found[key], key).toEqual(first[key])
  })
})
