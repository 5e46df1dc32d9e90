import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import type { Model } from '../../lib/checkpoint/model.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { predict } from '../../lib/evaluate/predict.js'
import { judgedGroups } from '../../lib/report/html/outside-part.js'
import { markdown } from '../../lib/report/markdown.js'
import { report } from '../../lib/report/report.js'
import { verify } from '../../lib/report/verify-report.js'
import { renderAnalysis } from '../../lib/study/analysis/analysis-page.js'
import { analyze } from '../../lib/study/analysis/analyze.js'
import { diagnose } from '../../lib/study/diagnose/diagnose-runs.js'
import { renderDiagnosis } from '../../lib/study/diagnose/diagnosis-page.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { refused } from '../files/fixture.js'
import { CONTEXT, trainOn, wander, writeCorpus } from './retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-outside-studies-'))
const out = join(folder, 'reports')
const at = (name: string) => join(folder, name)
let [data, other, run] = ['', '', '']
let model: Model
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', wander(1))
  other = writeCorpus(folder, 'other', wander(2))
  run = await trainOn(data, folder, 'run')
  await predict({ run, out: at('raw.npy'), raw: true, threads: 1 })
  model = await load(run, { threads: 1 })
})
afterAll(() => {
  model.dispose()
  rmSync(folder, { recursive: true, force: true })
})
const mine = { name: 'mine', predict: async (contexts: Tensor) => model.predict(contexts, { raw: true }) }

/** Every figure of one entry is that of the other to 1e-9, except for keys that are left out. */
function alike(one: object, two: object, without: readonly string[], path = ''): void {
  for (const [key, value] of Object.entries(one)) {
    const [at, twin] = [`${path}.${key}`, (two as Record<string, unknown>)[key]]
    if (without.includes(key)) continue
    if (typeof value === 'number' && typeof twin === 'number') expect(Math.abs(value - twin), at).toBeLessThan(1e-9)
    else if (typeof value === 'object' && value !== null) alike(value, twin as object, without, at)
    else expect(twin, at).toEqual(value)
  }
}
const WHO = ['run', 'model', 'weights_sha256', 'note', 'trained_on']

describe('predictors that are no runs, examined', () => {
  it('analyze gives the figures of a run for its predictions and its function, and says what a file cannot be asked', async () => {
    const o = { out, threads: 1, projection: 'none', clusters: 3, text: true, ood: other } as const
    const { runs } = await analyze({ run: [run, `guess=${at('raw.npy')}`, mine], ...o })
    const [own, guess, said] = runs
    alike(own!, said!, [...WHO, 'csv', 'csv_sha256'])
    alike(own!, guess!, [...WHO, 'csv', 'csv_sha256', 'ood'])
    expect([own!.ood?.n, said!.ood?.n, guess!.ood]).toEqual([own!.ood!.n, own!.ood!.n, null])
    expect(own!.note).toBeNull()
    expect(guess!.note).toBe('guess: a file of predictions; it has no answer to contexts of other data, which are left out')
    expect(said!.note).toBe('mine: a function; whether it was trained on these windows is not known')
    expect(runs.every(({ csv }) => existsSync(join(out, csv)))).toBe(true)
    expect(renderAnalysis(guess!)).toContain(guess!.note!)
    expect([guess!.model, said!.model, said!.weights_sha256]).toEqual(['file', 'function', null])
  })
  it('doctor asks a function everything and a file what it holds, with the figures of the run', async () => {
    const { runs } = await diagnose({ runs: [run, `guess=${at('raw.npy')}`, mine], out, threads: 1, ood: other, steps: 2 })
    const [own, guess, said] = runs
    const ofTraining = [...WHO, 'past', 'recorded', 'findings', 'verdict']
    alike(own!, said!, [...ofTraining, 'rollout'])
    expect(said!.ablations.length).toBeGreaterThan(3)
    expect(said!.generalisation).not.toBeNull()
    expect([said!.rollout!.memory, said!.rollout!.windows]).toEqual(['window', own!.rollout!.windows])
    expect(said!.rollout!.steps[0]!.cosine).toBeCloseTo(own!.rollout!.steps[0]!.cosine, 6)
    alike(own!, guess!, [...ofTraining, 'ablations', 'generalisation', 'other', 'rollout'])
    expect([guess!.ablations, guess!.generalisation, guess!.other, guess!.rollout]).toEqual([[], null, null, null])
    expect(renderDiagnosis(guess!)).toMatch(
      /guess: a file of predictions; it has no answer to changed contexts, .* which are left out/,
    )
  })
  it('the page of a diagnosis names a share of the gain on training rows only where there is a gain, and an interval where it is known', async () => {
    const { runs } = await diagnose({ runs: [run], out, threads: 1 })
    const gapOf = (gap: { value: number; ci95: readonly [number, number] | null }, share: number | null) => {
      const generalisation = { ...runs[0]!.generalisation!, train: 0.5, judged: 0.4, gap, share, reference_share: 0.25 }
      return /training rows .*/.exec(renderDiagnosis({ ...runs[0]!, generalisation }))![0]
    }
    expect(gapOf({ value: 0.1, ci95: [0.05, 0.15] }, 0.2)).toMatch(
      /^training rows \.5000, these \.4000: gap \+\.1000 \+\.0500 … \+\.1500, 20 % of the gain on training rows \(\w+: 25 %\)$/,
    )
    expect(gapOf({ value: 0.1, ci95: null }, null)).toBe('training rows .5000, these .4000: gap +.1000')
  })
  it('alone they are examined on their own rows', async () => {
    const { results, outside, table } = await evaluate({ runs: [at('raw.npy')], out, latency: 0 })
    expect([results.runs, outside!.runs[0]!.rows]).toEqual([[], 'val'])
    expect(table).toContain('val rows of')
    const [guess] = (await diagnose({ runs: [at('raw.npy')], out, threads: 1 })).runs
    expect([guess!.rows, guess!.n]).toEqual(['val', outside!.runs[0]!.n])
    const [last] = (await analyze({ run: { ...mine, context: CONTEXT }, data, out, threads: 1, projection: 'none' })).runs
    expect([last!.rows, last!.by_similarity]).toEqual(['all', null])
  })
  it('report shows them in the table of the runs on the same windows, and verify finds nothing wrong', async () => {
    await evaluate({ runs: [run, `guess=${at('raw.npy')}`, mine], out, latency: 0, threads: 1 })
    const { report: made, page } = await report({ runs: folder, out })
    expect(judgedGroups(made)[0]!.map((e) => e.run)).toEqual(['run', 'guess', 'mine'])
    const html = readFileSync(page, 'utf8')
    for (const name of ['guess', 'mine']) {
      expect(html.match(new RegExp(`<a href="#run-${name}">`, 'g'))!.length).toBeGreaterThan(0)
      expect(html.match(new RegExp(`id="run-${name}"`, 'g'))).toHaveLength(1)
    }
    expect(html).toMatch(/id="outside">Predictors from elsewhere/)
    expect(html).toContain('it has no answer to changed contexts')
    expect(markdown(made)).toMatch(/\| guess \| file \| val \|/)
    expect((await verify({ report: page })).problems).toEqual([])
  })
  it('are refused without what they need', async () => {
    await refused('BAD_OPTION', analyze({ run: [], out }))
    await refused('BAD_OPTION', analyze({ run: mine, out }))
    await refused('BAD_OPTION', diagnose({ runs: [{ ...mine, name: run }], out }))
    await refused('FILE_MISSING', diagnose({ runs: [run, at('none.npy')], out }))
    const stop = AbortSignal.abort()
    await refused('INTERRUPTED', analyze({ run: [run, mine], out }, undefined, { signal: stop }))
    const throws = { name: 'throws', predict: () => Promise.reject(new Error('no model here')) }
    expect(await refused('BAD_OPTION', diagnose({ runs: [run, throws], out, threads: 1 }))).toContain('no model here')
  })
})
