import { expect, it } from 'vitest'
import { judgeTiers } from '../../lib/evaluate/tiers.js'
import { bestOf, leadSentence } from '../../lib/report/html/best-card.js'
import { dashboard } from '../../lib/report/html/overview-section.js'
import { successOf } from '../../lib/report/matrix.js'
import type { Report } from '../../lib/report/report-document.js'
import type { ReportedRun } from '../../lib/report/reported-runs.js'
import { skillVerdicts } from '../../lib/report/verdicts.js'

const reported = (run: string, value: number, ci95: readonly [number, number] | null, more: object = {}, ended = true) =>
  ({
    run,
    ended,
    validation: {
      run, rows: 'val', n: 100, articles: 30, selected_on: false, trained_on: 0, parameters: 1, train_seconds: 1, output: 'raw', mse_raw: 0.001, mse_unit: 0.001,
      data: { path: 'a.npy', hash: 'a', space: null }, split: { mode: 'articles', leaky: false, seed: 0 }, ci95_note: null, baselines: { ridge: { cosine: 0.5 } },
      cosine: { mean: 0.5 + value, ci95: null }, skill: { value, ci95, against: 'ridge' }, ...more,
    }, // biome-ignore format: one entry
  }) as unknown as ReportedRun
const page = (runs: ReportedRun[]) => dashboard({ runs, matrix: [], documents: {} } as unknown as Report).html

it('runs whose intervals are wholly below zero are worse than the baseline', () => {
  const runs = ['a', 'b', 'c'].map((run) => reported(run, -0.1, [-0.13, -0.07]))
  expect(skillVerdicts(runs).map(({ verdict }) => verdict)).toEqual(['worse', 'worse', 'worse'])
  expect(page(runs)).toMatch(/0 of 3<.*3 worse than the best baseline/s)
  expect(page(runs)).not.toMatch(/not told apart/)
})
it('an interval above zero may include zero after correction for twenty runs', () => {
  const one = reported('a', 0.02, [0.001, 0.039])
  expect(skillVerdicts([one])[0]).toMatchObject({
    verdict: 'better',
    interval: [expect.closeTo(0.001, 9), expect.closeTo(0.039, 9)],
  })
  const others = Array.from({ length: 19 }, (_, i) => reported(`o${i}`, 0, [-0.02, 0.02]))
  const [first] = skillVerdicts([one, ...others])
  expect(first!.verdict).toBe('not told apart')
  expect(first!.interval![0]).toBeCloseTo(0.02 - 0.019 * (3.3102 / 2.0452), 4) // quantiles of t for .05/20 and .05, both sides, 29 degrees of freedom
  expect(page([one, ...others])).toContain('widened for 20 comparisons')
})
it('leaky, trained-on and untrained runs and runs without an interval have no verdict', () => {
  const runs = [
    reported('leaky', 0.3, [0.2, 0.4], { split: { mode: 'windows', leaky: true, seed: 0 } }),
    reported('seen', 0.3, [0.2, 0.4], { trained_on: 0.9, rows: 'all' }),
    reported('raw', 0.3, [0.2, 0.4], {}, false),
    reported('few', 0.3, null),
  ]
  expect(skillVerdicts(runs)).toEqual([{ run: 'few', value: 0.3, interval: null, verdict: 'no interval' }])
})
it('the best run is named for each file and set of windows', () => {
  const other = { data: { path: 'b.npy', hash: 'b', space: null } }
  const runs = [reported('a', 0.01, null), reported('b', 0.02, null), reported('c', 0.3, null, other)]
  expect(bestOf({ runs, documents: {} } as unknown as Report).map(({ run }) => run.run)).toEqual(['b', 'c'])
  expect(page(runs)).toMatch(/a\.npy, .*1 other set of windows.*b\.npy, /s)
})
it('the first card names the baseline where no run is above it, by how much, and how sure that is', () => {
  const worse = page([reported('a', -0.1, [-0.13, -0.07])])
  expect(worse).toContain('<div class="big">ridge <span class="tag">baseline</span></div><p>Cosine .5000: ')
  expect(worse).toContain('ridge is .1000 above a, the best run (95 %: +.0700 … +.1300): the difference is more than chance.')
  expect(worse).toContain('Best run <a href="#run-a">a</a>: cosine .4000')
  const sentence = (run: ReportedRun) => leadSentence(bestOf({ runs: [run], documents: {} } as unknown as Report)[0]!)
  expect(sentence(reported('a', 0.02, [-0.01, 0.05]))).toBe(
    'a is .0200 above ridge, the best baseline (95 %: −.0100 … +.0500): the two are not told apart',
  )
  expect(sentence(reported('a', 0.02, null))).toContain('30 held-out articles are too few')
  expect(page([reported('a', 0.02, [0.01, 0.03])])).toMatch(/<div class="big"><a href="#run-a">a<\/a><\/div><p>Cosine \.5200/)
})
it('the first card names a predictor from elsewhere where it is the best', () => {
  const { validation } = reported('guess', 0.2, [0.1, 0.3])
  const guess = { ...validation, kind: 'function', trained_on: null }
  const report = {
    runs: [reported('a', 0.02, [0.01, 0.03])],
    matrix: [],
    documents: { 'outside_results.json': { runs: [guess] } },
  }
  const card = dashboard(report as unknown as Report).html
  expect(card).toContain(
    '<a href="#run-guess">guess</a> <span class="tag">function</span></div><p>Cosine .7000: guess is .2000 above ridge',
  )
  expect(card).toContain('whether it was trained on these windows is not known')
})
it('the first card gives no training time of a busy machine', () => {
  const run = reported('a', 0.02, [0.01, 0.03])
  expect(page([run])).toContain('1.0 s of training')
  const busy = page([{ ...run, cpu_share: 0.3 }])
  expect(busy).toContain('trained on a busy machine, so no time is given')
  expect(busy).not.toContain('1.0 s')
})
it('a run that predicts nothing has success 0, however cheap its training', () => {
  const cheap = { train_seconds: 1, weights_bytes: 1000 }
  expect(successOf({ tiers: judgeTiers({ val_loss: 0.002, val_cosine: 0.067, ...cheap }) })).toEqual({
    met: 0,
    of: 6,
    tier: 'none',
  })
  expect(successOf({ tiers: judgeTiers({ val_loss: 0.0007, val_cosine: 0.76, ...cheap }) })).toEqual({
    met: 3,
    of: 6,
    tier: 'minimum',
  })
})
