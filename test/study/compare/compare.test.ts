import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../../lib/evaluate/evaluate-runs.js'
import { predict } from '../../../lib/evaluate/predict.js'
import { rollout } from '../../../lib/evaluate/rollout.js'
import { benjaminiHochberg } from '../../../lib/statistics/paired-tests.js'
import { analyze } from '../../../lib/study/analysis/analyze.js'
import { compare } from '../../../lib/study/compare/compare.js'
import { diagnose } from '../../../lib/study/diagnose/diagnose-runs.js'
import { retrieve } from '../../../lib/study/retrieval/retrieve.js'
import { trainOn, wander, writeCorpus } from '../retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-compare-'))
const out = join(folder, 'reports')
let [data, a, b] = ['', '', '']
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const versus = (runs: string[], more: Record<string, string | string[]> = {}) => compare({ runs, out, threads: 1, ...more })
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', wander(1))
  a = await trainOn(data, folder, 'a')
  b = await trainOn(data, folder, 'b', { model: 'gru', residual: 'none' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('compare', () => {
  it('compare gives the figures of evaluate and retrieve, and their differences', async () => {
    const { comparison } = await versus([a, b])
    const [one] = comparison.comparisons
    const { results } = await evaluate({ runs: [a, b], out, latency: 0, threads: 1 })
    const found = await retrieve({ runs: [a, b], out, threads: 1 })
    one!.contestants.forEach((c, i) => {
      const judged = results.runs[i]!
      expect(c).toMatchObject({ name: judged.run, kind: 'run', model: judged.model })
      expect(c.cosine).toBeCloseTo(judged.cosine.mean, 9)
      expect(c.cosine_centred).toBeCloseTo(judged.cosine_centred!, 9)
      expect(c.top10).toBe(found.results.runs[i]!.scores!.without_context.top10.value)
    })
    const [pair] = one!.pairs
    for (const measure of ['cosine', 'cosine_centred', 'top10'] as const) {
      const { difference, ci95, minimum_detectable } = pair![measure]!
      expect(difference).toBeCloseTo(one!.contestants[0]![measure]! - one!.contestants[1]![measure]!, 12)
      expect([ci95![0] < difference, difference < ci95![1], minimum_detectable! > 0]).toEqual([true, true, true])
    }
    expect(pair!.cosine).toMatchObject({ verdict: 'a', p: 1 / 10_001 }) // context mean against noise
    expect(one).toMatchObject({ n: 110, articles: 22, rows: 'val', excluded: 3, context: 3, selected_on: true })
  })
  it('compare takes baselines by name and reports ties', async () => {
    const { comparison, table } = await versus([a, 'context_mean', 'ridge'])
    const { pairs, contestants } = comparison.comparisons[0]!
    expect(contestants.map(({ kind }) => kind)).toEqual(['run', 'baseline', 'baseline'])
    expect(pairs.map((p) => [p.a, p.b])).toEqual([
      [a, 'context_mean'],
      [a, 'ridge'],
      ['context_mean', 'ridge'],
    ])
    expect(table).toContain('tie')
    const p = pairs.map((pair) => pair.cosine!.p!)
    expect(pairs.map((pair) => pair.cosine!.p_adjusted)).toEqual(benjaminiHochberg(p))
  })
  it('compare calls a run equal to its own saved predictions, which differ by round-off', async () => {
    const own = join(folder, 'own.npy')
    await predict({ run: a, out: own })
    const [pair] = (await versus([a, `own=${own}`])).comparison.comparisons[0]!.pairs
    for (const measure of ['cosine', 'cosine_centred', 'top10'] as const)
      expect(pair![measure]).toMatchObject({ difference: 0, p: 1, p_adjusted: 1, verdict: expect.stringMatching(/tie|unknown/) })
  })
  it('compare is reproducible for a seed and writes the document that it returns', async () => {
    const first = await versus([a, b])
    const { digest, ...written } = JSON.parse(readFileSync(join(out, 'comparison.json'), 'utf8'))
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(written).toEqual(JSON.parse(JSON.stringify(first.comparison)))
    expect((await versus([a, b])).comparison).toEqual(first.comparison)
    const turned = (await versus([b, a])).comparison.comparisons[0]!.pairs[0]!
    expect(turned.cosine!.difference).toBeCloseTo(-first.comparison.comparisons[0]!.pairs[0]!.cosine!.difference, 14)
    expect(turned.cosine!.verdict).toBe('b')
  })
  it('compare adjusts p values over all files together', async () => {
    const more = [writeCorpus(folder, 'other', wander(5)), writeCorpus(folder, 'third', wander(6))]
    const { comparison } = await versus([a, b, 'copy_last'], { data: more })
    const { comparisons } = comparison
    expect(comparisons.map((c) => [c.data.path, c.rows, c.split, c.n])).toEqual(more.map((path) => [path, 'all', null, 1100]))
    const all = comparisons.flatMap((c) => c.pairs)
    expect(all).toHaveLength(6)
    expect(all.map((pair) => pair.cosine!.p_adjusted)).toEqual(benjaminiHochberg(all.map((pair) => pair.cosine!.p!)))
    expect(all.every((pair) => pair.cosine_centred === null)).toBe(true) // without training rows there is no centre
  })
  it('the pool leaves out, and baselines read, what the run that sees most has seen, whatever the order of the runs', async () => {
    const whole = await trainOn(data, folder, 'whole', { history: 'article' })
    const [one, other] = [await versus([a, whole, 'ridge']), await versus(['ridge', whole, a])].map(
      ({ comparison }) => comparison.comparisons[0]!,
    )
    const seen = (await retrieve({ runs: [whole], out, threads: 1 })).results.runs[0]!
    expect(one).toMatchObject({ history: 'article', min_history: seen.min_history })
    expect(one!.excluded).toBeCloseTo(seen.scores!.without_context.excluded, 12)
    const ridge = seen.baselines!.ridge!.scores.without_context.top10.value
    for (const { contestants } of [one!, other!])
      expect(contestants.find(({ name }) => name === 'ridge')!.top10).toBeCloseTo(ridge, 12)
    expect([...other!.contestants].reverse()).toEqual(one!.contestants)
  })
  it.each(['train', 'all'] as const)('no verb gives a verdict on %s rows, because the run was trained on them', async (rows) => {
    const share = rows === 'train' ? 1 : 990 / 1100
    const here = { out: join(folder, `seen-${rows}`), rows, threads: 1 }
    const { comparison, table } = await versus([a, 'ridge', 'exponential_mean'], { out: here.out, rows })
    const [one] = comparison.comparisons
    expect(one!.trained_on).toBeCloseTo(share, 2)
    for (const pair of one!.pairs)
      expect(pair.cosine).toMatchObject({ verdict: 'none', p: null, p_adjusted: null, minimum_detectable: null })
    expect(table).toMatch(/trained on: .* of these windows/)
    expect(table).not.toContain('is better')

    const judged = await evaluate({ runs: [a], latency: 0, ...here })
    expect(judged.results.runs[0]).toMatchObject({ trained_on: one!.trained_on, skill: null, tiers: null })
    expect(judged.table).toMatch(/trained on: /)
    expect(judged.table).not.toMatch(/better than|worse than|not told apart|yes|no \(/)

    const found = await retrieve({ runs: [a], ...here })
    expect(found.results.runs[0]).toMatchObject({ trained_on: one!.trained_on, verdict: null })
    expect(found.table).not.toMatch(/use the/)

    const { runs } = await diagnose({ runs: [a], steps: 0, ...here })
    expect(runs[0]).toMatchObject({ verdict: 'NONE', skill: null, generalisation: null, twins: null })
    expect(runs[0]!.findings.map(({ code }) => code)).toContain('trained-on')
    expect(runs[0]!.findings.map(({ code }) => code)).not.toContain('leak')

    const analysed = await analyze({ run: a, projection: 'none', ...here })
    expect(analysed.runs[0]!.trained_on).toBe(one!.trained_on)
    const made = await predict({ run: a, rows, out: join(folder, 'p.npy') })
    expect(JSON.parse(readFileSync(made.index, 'utf8')).trained_on).toBe(one!.trained_on)
    expect((await rollout({ run: a, rows, steps: 2, threads: 1 })).trained_on).toBeGreaterThan(0.8)
  })
  it('trained_on is 0 for validation rows and missing for other data', async () => {
    const { results } = await evaluate({ runs: [a], out, latency: 0, threads: 1 })
    expect(results.runs[0]!.trained_on).toBe(0)
    expect(results.runs[0]!.skill).not.toBeNull()
    const other = writeCorpus(folder, 'unseen', wander(9))
    const { results: there } = await evaluate({ runs: [a], data: other, out, latency: 0, threads: 1 })
    expect(there.runs[0]!.trained_on).toBeNull()
    expect(there.runs[0]!.skill).not.toBeNull()
  })
  it('compare gives no interval with fewer than twenty articles and notes the reason', async () => {
    const few = writeCorpus(folder, 'few', wander(7).subarray(0, 12 * 8 * 16))
    const { comparison, table } = await versus([a, b], { data: few })
    const [one] = comparison.comparisons
    expect(one!.ci95_note).toBe('12 articles are too few for an interval (20 at least)')
    expect(one!.pairs[0]!.cosine).toMatchObject({ ci95: null, verdict: 'unknown' })
    expect(table).toContain('no interval: 12 articles')
  })
})

describe('compare refuses', () => {
  it('compare refuses runs with different windows and names the difference', async () => {
    const seeded = await trainOn(data, folder, 'seeded', { seed: 5 })
    await expect(versus([a, seeded])).rejects.toThrow(/same split for all but .* by articles, seed 0 and .* by articles, seed 5/)
    const longer = await trainOn(data, folder, 'longer', { context: 4 })
    await expect(versus([a, longer])).rejects.toThrow(/same shortest context length for all but .* has 3 and .* has 4/)
    const other = await trainOn(writeCorpus(folder, 'elsewhere', wander(8)), folder, 'elsewhere')
    await expect(versus([a, other])).rejects.toThrow(/same data for all but/)
    const tested = await trainOn(data, folder, 'tested', { test: 0.1 })
    await expect(versus([a, tested])).rejects.toThrow(/same (windows|training windows|split) for all but/)
    for (const run of [seeded, longer, other, tested]) await expect(versus([a, run])).rejects.toThrow(code('BAD_OPTION'))
  }, 60_000)
  it('compare refuses contestants that are not comparable', async () => {
    await expect(versus([a])).rejects.toThrow(code('BAD_OPTION'))
    await expect(versus([a, a])).rejects.toThrow(/two or more different/)
    await expect(versus(['ridge', 'copy_last'])).rejects.toThrow(/at least one run/)
    await expect(versus([a, 'nothing'])).rejects.toThrow(code('RUN_MISSING'))
    await expect(versus([a, 'ridge'], { data: writeCorpus(folder, 'unseen', wander(4)) })).rejects.toThrow(/no training rows/)
    await expect(versus([a, b], { cheese: '1' })).rejects.toThrow(/a known option/)
  })
})
