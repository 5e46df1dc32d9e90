import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Document } from '../../../lib/evaluate/results-file.js'
import { abtest } from '../../../lib/study/abtest/abtest.js'
import type { AbtestEntry } from '../../../lib/study/abtest/abtest-entry.js'
import { retrieve } from '../../../lib/study/retrieval/retrieve.js'
import { DIM, trainOn, wander, writeCorpus } from '../retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-abtest-'))
const vectors = wander(1)
const out = join(folder, 'reports')
let data = ''
let run = ''
/** A run whose prediction is its last input: its output layer begins at zero and stays below the rounding of its residual. */
let copier = ''
const code = (expected: string, message: RegExp) =>
  expect.objectContaining({ name: 'LvmError', code: expected, message: expect.stringMatching(message) })
const test = async (o: Record<string, unknown> = {}) => {
  const { results, table } = await abtest({ runs: [run], out, threads: 1, latency: 0, ...o })
  return { entries: (results as Document<AbtestEntry>).runs, table }
}
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', vectors)
  run = await trainOn(data, folder, 'run')
  copier = await trainOn(data, folder, 'copier', { residual: 'last', lr: 1e-12 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('abtest of runs', () => {
  it('abtest gives the hit rates of retrieve for the run and all heuristics', async () => {
    const { entries } = await test()
    const [found] = (await retrieve({ runs: [run], out, threads: 1 })).results.runs
    const { copy_last, context_mean, exponential_mean } = found!.baselines!
    const others = [copy_last, context_mean, exponential_mean].map((b) => b!.scores)
    expect(entries[0]!.arms.map(({ hit_rate }) => hit_rate)).toEqual(
      [found!.scores!, ...others].map(({ without_context }) => without_context.top10.value),
    )
    expect(entries[0]!.comparisons.map(({ hit_rate }) => hit_rate.difference)).toEqual(
      entries[0]!.arms.slice(1).map(({ hit_rate }) => expect.closeTo(entries[0]!.arms[0]!.hit_rate - hit_rate, 12)),
    )
    expect(JSON.parse(readFileSync(join(out, 'abtest_results.json'), 'utf8')).runs[0].comparisons).toEqual(
      entries[0]!.comparisons,
    )
  })
  it('a run that predicts its last input ties exactly with the last vector as query, and the verdict says so', async () => {
    const { entries, table } = await test({ runs: [copier] })
    const [last] = entries[0]!.comparisons
    expect(last).toMatchObject({ against: 'copy_last', identical: true, discordant: 0 })
    expect(last!.hit_rate).toMatchObject({ difference: 0, p: null })
    expect(entries[0]!.verdict!.sentence).toContain('the model ranks every target exactly as copy last does')
    expect(entries[0]!.verdict!.decision).not.toBe('model')
    expect(table).toContain(entries[0]!.verdict!.sentence)
    const alone = await test({ runs: [copier], against: 'copy_last' })
    expect(alone.entries[0]!.verdict).toMatchObject({ decision: 'tie', against: 'copy_last' })
  })
  it('two runs are corrected as one family, and each has its own entry', async () => {
    const { entries } = await test({ runs: [run, copier], k: 3 })
    expect(entries.map(({ run: name, family, k }) => [name, family, k])).toEqual([
      [run, 6, 3],
      [copier, 6, 3],
    ])
    for (const { comparisons } of entries)
      for (const { hit_rate } of comparisons)
        if (hit_rate.p !== null) expect(hit_rate.p_adjusted).toBeGreaterThanOrEqual(hit_rate.p)
  })
  it('abtest times all arms, and gives a faster heuristic the rows it can return in the time of the model', async () => {
    const { entries, table } = await test({ latency: 0.2 })
    for (const { latency, hits_per_ms, hit_rate } of entries[0]!.arms) {
      expect(latency!.p50_ms).toBeGreaterThan(0)
      expect(hits_per_ms).toBeCloseTo(hit_rate / latency!.p50_ms, 12)
    }
    for (const { equal_time, against } of entries[0]!.comparisons) {
      const [model, rival] = [entries[0]!.arms[0]!, entries[0]!.arms.find(({ name }) => name === against)!]
      expect(equal_time!.budget_ms).toBe(model.latency!.p50_ms)
      expect(equal_time!.k === null).toBe(rival.latency!.p50_ms > 1.05 * model.latency!.p50_ms)
      if (equal_time!.k === null) continue
      expect(equal_time!.k).toBeGreaterThanOrEqual(10)
      expect(equal_time!.hit_rate).toBeGreaterThanOrEqual(rival.hit_rate)
    }
    expect(table).toMatch(/latency/)
  })
  it('abtest gives no verdict on windows that a run was trained on', async () => {
    const { entries, table } = await test({ rows: 'train' })
    expect(entries[0]!.verdict).toBeNull()
    expect(table).toContain('no verdict: the run was trained on these windows')
  })
})

describe('abtest with wrong input', () => {
  it.each([
    ['no run', { runs: [] }, 'BAD_OPTION', /one or more different runs/],
    ['a run twice', { runs: ['a', 'a'] }, 'BAD_OPTION', /one or more different runs/],
    ['an unknown run', { runs: ['nowhere'] }, 'RUN_MISSING', /nowhere/],
    ['an unknown heuristic', { against: 'ridge' }, 'BAD_OPTION', /copy_last, context_mean or exponential_mean/],
    ['an option of a log', { effect: 0.1 }, 'BAD_OPTION', /without a log for "effect"/],
    ['a log beside runs', { log: 'x.jsonl' }, 'BAD_OPTION', /no runs beside a log/],
    ['a k as large as the bank', { k: 1757 }, 'BAD_OPTION', /less than the 1757 rows .* for "k" but received 1757/],
    ['a missing bank', { bank: 'nowhere.npy' }, 'FILE_MISSING', /nowhere/],
  ])('abtest refuses %s', async (_, o, expected, message) => {
    await expect(test(o)).rejects.toEqual(code(expected, message))
  })
  it('abtest refuses a bank of another space, and a bank without the targets', async () => {
    const other = writeCorpus(folder, 'foreign', vectors, { space: 'other' })
    await expect(test({ bank: other })).rejects.toEqual(code('SPACE_MISMATCH', /foreign/))
    const part = writeCorpus(folder, 'part', vectors.subarray(0, 800 * DIM))
    await expect(test({ bank: part })).rejects.toEqual(code('BAD_OPTION', /targets/))
  })
  it('abtest refuses runs with other windows', async () => {
    const longer = await trainOn(data, folder, 'longer', { context: 4 })
    await expect(test({ runs: [run, longer] })).rejects.toEqual(code('BAD_OPTION', /context length/))
  })
  it('abtest refuses a bank in which most targets have copies', async () => {
    const copies = Float32Array.from(vectors)
    copies.set(vectors.subarray(0, copies.length / 2), copies.length / 2)
    const doubled = writeCorpus(folder, 'doubled', copies)
    const bad = await trainOn(doubled, folder, 'bad', { force: true })
    await expect(test({ runs: [bad] })).rejects.toEqual(code('GATE_FAILED', /copies of a row cannot be told apart/))
  })
})
