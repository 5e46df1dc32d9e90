import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BaselineResults } from '../../lib/baselines/baselines.js'
import { baselineResults, type Scorer } from '../../lib/baselines/baselines.js'
import { BASELINES, fitBaselines, predictBaseline } from '../../lib/baselines/baselines-fit.js'
import { decayWeights } from '../../lib/baselines/window-products.js'
import { native } from '../../lib/native.js'
import { referenceScores } from './reference.js'
import { contextOf, rowsOf, split, synthetic, targetOf } from './synthetic.js'

const DIM = 12
const data = synthetic({ dim: DIM, context: 4, lengths: Array.from({ length: 30 }, (_, i) => 12 + (i % 9)), seed: 1 })
const isJudged = (article: number) => article % 6 === 0
const train = () => rowsOf(data, (a) => !isJudged(a))
const judged = () => rowsOf(data, isJudged)
let folder = ''
beforeAll(async () => {
  native.setThreads(1)
  folder = await mkdtemp(join(tmpdir(), 'lvm-baselines-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The scorer that models use. */
const scorer: Scorer = (raw, ids, centre) => {
  const { base, windows } = judged()
  const samples = native.samples(base.vectors.native, null, windows.first, windows.target, windows.context)
  return native.score(raw.native, samples, ids, centre?.native ?? null)
}

describe('fitBaselines', () => {
  it('each baseline predicts the vector that its definition gives', async () => {
    const rows = judged()
    const all = await fitBaselines(train())
    expect(all.map(({ name }) => name)).toEqual(BASELINES)
    const [meanVector, copyLast, contextMean, exponential] = await Promise.all(
      all.map(async (b) => split((await (await predictBaseline(b, rows)).data()) as Float32Array, DIM)),
    )
    const trained = [...train().ids].map((id) => targetOf(data, id))
    rows.ids.forEach((id, i) => {
      const context = split(contextOf(data, id), DIM)
      const weights = decayWeights(4, all[3]!.params.decay!)
      for (let d = 0; d < DIM; d++) {
        expect(meanVector![i]![d]).toBeCloseTo(trained.reduce((s, v) => s + v[d]!, 0) / trained.length, 6)
        expect(copyLast![i]![d]).toBe(context[3]![d])
        expect(contextMean![i]![d]).toBeCloseTo(context.reduce((s, v) => s + v[d]!, 0) / 4, 6)
        expect(exponential![i]![d]).toBeCloseTo(
          context.reduce((s, v, j) => s + weights[j]! * v[d]!, 0),
          6,
        )
      }
    })
    for (const baseline of all) baseline.dispose()
  })
  it('the exponential mean is fitted with the decay that is best on the training windows', async () => {
    const all = await fitBaselines(train())
    const { decay } = all[3]!.params
    const cosine = (d: number) => {
      const ids = [...train().ids]
      const predictions = ids.map((id) => {
        const weights = decayWeights(4, d)
        return split(contextOf(data, id), DIM).reduce(
          (sum, v, j) => sum.map((s, k) => s + weights[j]! * v[k]!),
          new Float64Array(DIM),
        )
      })
      const { cosine } = referenceScores(
        predictions,
        ids.map((id) => targetOf(data, id)),
      )
      return cosine.reduce((a, b) => a + b, 0) / ids.length
    }
    for (let percent = 0; percent <= 100; percent++) expect(cosine(decay!)).toBeGreaterThan(cosine(percent / 100) - 1e-7)
  })
  it('baselines that need fitting are left out without training windows', async () => {
    expect((await fitBaselines(undefined)).map(({ name }) => name)).toEqual(['copy_last', 'context_mean'])
  })
})

describe('decayWeights', () => {
  it('decayWeights range from copy-last at decay 0 to the mean at decay 1', () => {
    expect(decayWeights(3, 0)).toEqual([0, 0, 1])
    expect(decayWeights(4, 1)).toEqual([0.25, 0.25, 0.25, 0.25])
    expect(decayWeights(2, 0.5).map((w) => Math.round(w * 3))).toEqual([1, 2])
  })
})

describe('baselineResults', () => {
  it('figures of the baselines equal a float64 reference', async () => {
    const { figures, cosines, centre } = await baselineResults({ train: train(), rows: judged(), scorer })
    const all = await fitBaselines(train())
    const ids = [...judged().ids]
    for (const baseline of all) {
      const predictions = split((await (await predictBaseline(baseline, judged())).data()) as Float32Array, DIM)
      const expected = referenceScores(
        predictions,
        ids.map((id) => targetOf(data, id)),
        centre!,
      )
      const mean = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length
      const got = figures[baseline.name]!
      expect(got.cosine).toBeCloseTo(mean(expected.cosine), 9)
      expect(got.cosine_centred).toBeCloseTo(mean(expected.cosineCentred), 9)
      expect(got.mse_raw).toBeCloseTo(mean(expected.mseRaw), 9)
      expect(got.mse_unit).toBeCloseTo(mean(expected.mseUnit), 9)
      for (const [i, c] of cosines[baseline.name]!.entries()) expect(c).toBeCloseTo(expected.cosine[i]!, 9)
    }
  })
  it('baselines are computed once, and again when an input differs or the cache file was changed', async () => {
    let scored = 0
    const counting: Scorer = (...args) => {
      scored++
      return scorer(...args)
    }
    const run = (rows = judged(), fitted = train()) => baselineResults({ train: fitted, rows, scorer: counting, cache: folder })
    const first = await run()
    const once = scored
    expect(once).toBeGreaterThan(0)
    const again: BaselineResults = await run()
    expect(scored).toBe(once)
    expect(again).toEqual(first)

    const changes = [
      () => run(rowsOf(data, isJudged, 'other data')),
      () => run(rowsOf(data, (a) => a === 0)),
      () =>
        run(
          judged(),
          rowsOf(data, (a) => a > 3 && !isJudged(a)),
        ),
      () => run({ ...judged(), base: { ...judged().base, normalized: true } }),
      () => run({ ...judged(), base: { ...judged().base, part: 'val' } }),
    ]
    for (const change of changes) {
      const before = scored
      await change()
      expect(scored).toBeGreaterThan(before)
    }

    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8')
      await writeFile(join(folder, name), text.replace(/"cosine":0\.\d/, '"cosine":0.9'))
    }
    const before = scored
    expect(await run()).toEqual(first)
    expect(scored).toBeGreaterThan(before)
  })
  it('baselines are still computed when the cache cannot be written', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    const results = await baselineResults({ train: undefined, rows: judged(), scorer, cache: join(file, 'below') })
    expect(results.centre).toBe(null)
    expect(results.figures.copy_last).toMatchObject({ cosine_centred: null })
  })
})
