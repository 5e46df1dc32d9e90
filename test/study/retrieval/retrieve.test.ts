import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASELINES } from '../../../lib/baselines/baselines-fit.js'
import { load } from '../../../lib/checkpoint/load-model.js'
import type { RetrievalEntry } from '../../../lib/study/retrieval/retrieval-entry.js'
import { renderRetrieval } from '../../../lib/study/retrieval/retrieval-table.js'
import { retrieve } from '../../../lib/study/retrieval/retrieve.js'
import { Tensor } from '../../../lib/torch/tensor.js'
import { bruteForce, type Case } from './banks.js'
import { CONTEXT, DIM, trainOn, wander, writeCorpus, writeSequences } from './corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-retrieve-'))
const vectors = wander(1)
let data = ''
let run = ''
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const search = async (o: { run?: string } & Record<string, unknown> = {}): Promise<RetrievalEntry> => {
  const { run: one = run, ...more } = o
  return (await retrieve({ runs: [one], out: join(folder, 'reports'), threads: 1, ...more })).results.runs[0]!
}
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', vectors)
  run = await trainOn(data, folder, 'run')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Returns the ranks of the validation targets for queries that are computed from the contexts. */
async function ranksOf(query: (contexts: Float32Array, n: number) => Promise<Float32Array>, without: boolean) {
  const { val } = JSON.parse(readFileSync(join(run, 'split.json'), 'utf8')) as { val: number[] }
  const contexts = Float32Array.from(val.flatMap((row) => [...vectors.subarray((row - CONTEXT) * DIM, row * DIM)]))
  const made: Case = {
    dim: DIM,
    queries: await query(contexts, val.length),
    bank: vectors,
    target: Int32Array.from(val),
    first: Int32Array.from({ length: val.length + 1 }, (_, i) => i * CONTEXT),
    excluded: Int32Array.from(val.flatMap((row) => Array.from({ length: CONTEXT }, (_, j) => row - CONTEXT + j))),
  }
  return bruteForce(made, 20, without)
}
const predictions = async (contexts: Float32Array, n: number) => {
  using model = await load(run)
  using x = Tensor.from(contexts, [n, CONTEXT, DIM])
  using y = await model.predict(x)
  return (await y.data()) as Float32Array
}
const last = async (contexts: Float32Array, n: number) =>
  Float32Array.from({ length: n * DIM }, (_, i) => contexts[(Math.floor(i / DIM) * CONTEXT + CONTEXT - 1) * DIM + (i % DIM)]!)
const share = (found: { ahead: number; tied: number }[], k: number) =>
  found.filter(({ ahead, tied }) => ahead + tied < k).length / found.length

describe('retrieve', () => {
  it('retrieve gives the scores of a plain search, for the run and for a heuristic', async () => {
    const entry = await search()
    for (const [pool, without] of [
      ['with_context', false],
      ['without_context', true],
    ] as const) {
      for (const [query, scores] of [
        [predictions, entry.scores![pool]],
        [last, entry.baselines!.copy_last!.scores[pool]],
      ] as const) {
        const found = await ranksOf(query, without)
        expect([scores.top1, scores.top5, scores.top10, scores.top20].map(({ value }) => value)).toEqual(
          [1, 5, 10, 20].map((k) => share(found, k)),
        )
        expect(scores.mrr.value).toBeCloseTo(found.reduce((sum, f) => sum + 1 / (f.ahead + f.tied + 1), 0) / found.length, 12)
        expect(scores.pool).toBe(vectors.length / DIM - (without ? CONTEXT : 0))
        expect(scores.excluded).toBe(without ? CONTEXT : 0)
      }
    }
    expect(entry.baselines!.copy_last!.scores.with_context.top1.value).toBe(0) // copy-last finds the last context vector
  })
  it('retrieve records its data, the chance level, the oracle and the verdict', async () => {
    const entry = await search()
    expect(entry).toMatchObject({ status: 'valid', rows: 'val', n: 110, articles: 22, context: CONTEXT, selected_on: true })
    expect(entry.bank).toMatchObject({ path: data, rows: 1760, space: 'test', hash: entry.data.hash })
    expect(entry.oracle).toEqual({ limit: 0.97, top1: { with_context: 1, without_context: 1 }, valid: true })
    expect(Object.keys(entry.baselines!)).toEqual([...BASELINES, 'exponential_mean_top10', 'whitened_mean'])
    const { top10 } = entry.scores!.without_context
    expect(top10.chance).toBeCloseTo(10 / 1757, 12)
    expect(top10.ci95![0]).toBeGreaterThanOrEqual(0)
    const { verdict, baselines } = entry
    const best = Math.max(...Object.values(baselines!).map((b) => b.scores.without_context.top10.value))
    expect(verdict!.difference).toBeCloseTo(top10.value - best, 12)
    expect(baselines![verdict!.against]!.scores.without_context.top10.value).toBe(best)
  })
  it('retrieve leaves out all that a window has seen, or with exclude context only the last vectors, and says how many rows', async () => {
    const name = await trainOn(data, folder, 'article', { history: 'article' })
    const [seen, last] = [await search({ run: name }), await search({ run: name, exclude: 'context' })]
    expect([seen.exclude, last.exclude]).toEqual(['seen', 'context'])
    expect(seen).toMatchObject({ history: 'article', min_history: CONTEXT })
    expect(await search()).toMatchObject({ history: null, min_history: null })
    expect(renderRetrieval([seen])).toContain(`history article, at least ${CONTEXT} vectors`)
    expect(last.scores!.without_context.excluded).toBe(CONTEXT)
    expect(seen.scores!.without_context.excluded).toBeGreaterThan(CONTEXT + 0.5)
    expect(seen.scores!.without_context.pool).toBeCloseTo(1760 - seen.scores!.without_context.excluded, 9)
    expect(seen.scores!.with_context).toEqual(last.scores!.with_context)
    expect(seen.baselines!.ridge!.params).toHaveProperty('decay_1')
  })
  it('the query fitted to Top-10 finds at least as much on the training windows as the last vector and the mean that is nearest', async () => {
    const { baselines } = await search({ rows: 'train' })
    const top10 = (name: 'copy_last' | 'exponential_mean' | 'exponential_mean_top10' | 'whitened_mean') =>
      baselines![name]!.scores.without_context.top10.value
    expect(top10('exponential_mean_top10')).toBeGreaterThan(Math.max(top10('copy_last'), top10('exponential_mean')) - 0.03)
    expect(baselines!.whitened_mean!.params.decay).toBe(baselines!.exponential_mean_top10!.params.decay)
  })
  it('retrieve lists the worst failures with their texts and neighbours', async () => {
    const found = await ranksOf(predictions, false)
    const missed = found.filter(({ ahead, tied }) => ahead + tied >= 20)
    const entry = await search({ failures: 3 })
    expect(entry.failed).toBe(missed.length)
    expect(missed.length).toBeGreaterThan(3) // otherwise the test is not conclusive
    expect(entry.failures!.map(({ rank }) => rank)).toEqual(
      missed
        .map(({ ahead, tied }) => ahead + tied + 1)
        .sort((a, b) => b - a)
        .slice(0, 3),
    )
    for (const { row, text, article, rank, neighbours } of entry.failures!) {
      expect([text, article]).toEqual([`sentence ${row}`, `corpus-${Math.floor(row / 8)}`])
      expect(rank).toBeGreaterThan(20)
      expect(neighbours).toHaveLength(5)
      for (const n of neighbours) {
        expect(n.text).toBe(`sentence ${n.row}`)
        expect(n.context).toBe(n.row < row && n.row >= row - CONTEXT)
      }
    }
    expect(entry.failures!.some((f) => f.neighbours.some((n) => n.context))).toBe(true)
  })
  it('retrieve keeps one entry for each run in its document', async () => {
    const second = await trainOn(data, folder, 'second', { seed: 0, model: 'gru' })
    const out = join(folder, 'document')
    await retrieve({ runs: [run], out, threads: 1 })
    const { results } = await retrieve({ runs: [second, run], out, threads: 1 })
    const written = JSON.parse(readFileSync(join(out, 'retrieval_results.json'), 'utf8'))
    expect(written.version).toBe(1)
    expect(written.runs.map((e: RetrievalEntry) => e.run)).toEqual([run, second])
    expect(written.runs[0]).toEqual(JSON.parse(JSON.stringify(results.runs[1])))
  })
})

describe('a bank of its own', () => {
  it('retrieve finds rows by their vectors in a float16, longer or reordered bank', async () => {
    const rows = vectors.length / DIM
    const mixed = new Float32Array(2 * vectors.length)
    const other = wander(9)
    for (let row = 0; row < rows; row++) {
      mixed.set(vectors.subarray(row * DIM, (row + 1) * DIM), (2 * rows - 2 - 2 * row) * DIM)
      mixed.set(other.subarray(row * DIM, (row + 1) * DIM), (2 * row + 1) * DIM)
    }
    const entry = await search({ bank: writeCorpus(folder, 'longer', mixed, { half: true }), failures: 100 })
    expect(entry.oracle.top1.with_context).toBe(1)
    expect(entry.scores!.without_context).toMatchObject({ pool: 2 * rows - CONTEXT, excluded: CONTEXT })
    const own = await search()
    expect(entry.scores!.without_context.top10.value).toBeLessThanOrEqual(own.scores!.without_context.top10.value)
    for (const { row, text } of entry.failures!) expect(text).toBe(`sentence ${row}`)
  })
  it('retrieve refuses a bank without the targets or of another space or dimension', async () => {
    const without = writeCorpus(folder, 'without', wander(2))
    await expect(search({ bank: without })).rejects.toThrow(code('BAD_OPTION'))
    await expect(search({ bank: without })).rejects.toThrow(/all 110 targets \(110 are not in it\)/)
    const elsewhere = writeCorpus(folder, 'elsewhere', vectors, { space: 'other' })
    await expect(search({ bank: elsewhere })).rejects.toThrow(code('SPACE_MISMATCH'))
    const wide = fileURLToPath(new URL('../../../data/sample/factbook', import.meta.url))
    await expect(search({ bank: wide })).rejects.toThrow(code('DATA_SHAPE'))
    await expect(search({ bank: join(folder, 'nothing.npy') })).rejects.toThrow(code('FILE_MISSING'))
  })
})

describe('sequences', () => {
  it('retrieve excludes the context of sequences, which do not record its rows', async () => {
    const sequences = writeSequences(folder, 'windows', vectors)
    const entry = await search({ run: await trainOn(sequences, folder, 'of-windows') })
    expect(entry.bank.rows).toBe(220 * 5)
    expect(entry.oracle).toMatchObject({ top1: { with_context: 1, without_context: 1 } })
    // Of the three before each target, those at position 3 or later are targets of other windows.
    expect(entry.scores!.without_context.excluded).toBeCloseTo((0 + 1 + 2 + 3 + 3) / 5, 12)
  })
})

describe('a bank with too many copies', () => {
  it('retrieve reports a bank with too many copies as invalid, without scores and with exit code 8', async () => {
    const copied = wander(3)
    for (let row = 0; row + 8 < copied.length / DIM; row += 16) copied.copyWithin((row + 8) * DIM, row * DIM, (row + 8) * DIM)
    const broken = { data: writeCorpus(folder, 'copied', copied), out: join(folder, 'reports') }
    const { results, table, failure } = await retrieve({ runs: [run], threads: 1, ...broken })
    expect(results.runs[0]).toMatchObject({
      status: 'invalid',
      oracle: { valid: false },
      scores: null,
      verdict: null,
      failures: null,
    })
    expect(failure).toMatchObject({ code: 'GATE_FAILED', exit: 8 })
    expect(table).toContain('invalid: a perfect prediction finds its target first in 0.0 %')
    const cli = fileURLToPath(new URL('../../../dist/bin/lvm.js', import.meta.url))
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [cli, 'retrieve', run, '--data', broken.data, '--out', broken.out, '--json'],
      { encoding: 'utf8' },
    )
    expect(stderr).toContain('GATE_FAILED')
    expect(JSON.parse(stdout).runs[0].status).toBe('invalid')
    expect(status).toBe(8)
  })
})

describe('retrieve refuses', () => {
  it('retrieve refuses an empty list of runs and wrong options', async () => {
    await expect(retrieve({ runs: [] })).rejects.toThrow(code('BAD_OPTION'))
    await expect(retrieve({ runs: ['nothing'] })).rejects.toThrow(code('RUN_MISSING'))
    await expect(search({ failures: -1 })).rejects.toThrow(code('BAD_OPTION'))
    await expect(search({ cheese: 1 })).rejects.toThrow(/a known option/)
    await expect(search({ rows: 'test' })).rejects.toThrow(code('BAD_OPTION'))
  })
})
