import { expect, it } from 'vitest'
import { importance } from '../../lib/experiment/importance.js'
import type { RunEnd } from '../../lib/experiment/journal-entry.js'
import type { Ranked } from '../../lib/experiment/next-jobs.js'
import { seedMean } from '../../lib/experiment/seed-mean.js'
import { decide } from '../../lib/experiment/verdict.js'
import { gaussian } from '../statistics/clustered.js'

const MAX = { metric: 'val_cosine', direction: 'max' } as const
const SEEDS = [1, 2, 3, 4, 5]
const candidate = (config: number, score = 0.5): Ranked => ({ config, score, loss: -score, rung: 0, model: 'lstm', options: {} })
const end = (config: number, seed: number, score: number | null) =>
  ({ type: 'run', stage: 'confirm', config, seed, score }) as RunEnd
const ends = (scores: readonly (readonly (number | null)[])[]) =>
  scores.flatMap((list, config) => list.map((score, i) => end(config, SEEDS[i]!, score)))

it('a configuration that leads every other one on each seed wins, in either direction', () => {
  const scores = [
    [0.5, 0.51, 0.52, 0.5, 0.51],
    [0.48, 0.49, 0.5, 0.481, 0.49],
    [0.4, 0.42, 0.41, 0.4, 0.42],
  ]
  const verdict = decide(
    [0, 1, 2].map((c) => candidate(c)),
    ends(scores),
    SEEDS,
    MAX,
  )
  expect(verdict.winner).toBe(0)
  expect(verdict.sentence).toMatch(
    /^configuration 0 wins: \.5080 ± \.0\d+ over 5 fresh seeds, \.0\d+ better than the runner-up, configuration 1$/,
  )
  expect(
    decide(
      [0, 1, 2].map((c) => candidate(c)),
      ends(scores),
      SEEDS,
      { metric: 'val_cosine', direction: 'min' },
    ).winner,
  ).toBe(2)
})
it('a lead that changes its sign between seeds is no win', () => {
  const verdict = decide(
    [candidate(0), candidate(1)],
    ends([
      [0.5, 0.53, 0.49, 0.5, 0.52],
      [0.51, 0.5, 0.5, 0.49, 0.5],
    ]),
    SEEDS,
    MAX,
  )
  expect(verdict.winner).toBeNull()
  expect(verdict.sentence).toMatch(
    /^no winner: configuration 0 is not shown to be better than configuration 1: it leads by \.0080 over 5 seeds/,
  )
})
it.each([
  ['without confirmation', [], [], /nothing was confirmed/],
  ['before its confirmation has ended', [0, 1], [[0.5, 0.5], [0.4]], /not all confirmation runs have ended/],
  ['with a single configuration', [0], [[0.5, 0.5, 0.5, 0.5, 0.5]], /nothing to compare/],
  [
    'when every confirmation failed',
    [0, 1],
    [
      [null, null, null, null, null],
      [null, null, null, null, null],
    ],
    /every confirmation run failed/,
  ],
  [
    'with one common seed',
    [0, 1],
    [
      [0.5, null, null, null, null],
      [0.4, 0.4, 0.4, 0.4, 0.4],
    ],
    /fewer than two seeds/,
  ],
] as [string, number[], (number | null)[][], RegExp][])('an experiment %s has no winner', (_, configs, scores, sentence) => {
  const verdict = decide(
    configs.map((c) => candidate(c)),
    ends(scores),
    SEEDS,
    MAX,
  )
  expect(verdict.winner).toBeNull()
  expect(verdict.sentence).toMatch(sentence)
})
it.each([
  [2, 0],
  [2, 4],
  [3, 0],
  [6, 0],
])(
  'of %i equal configurations, with %i worse ones, one is called the winner in at most 5 %% of all experiments',
  (equal, worse) => {
    const gauss = gaussian(10 * equal + worse)
    const configs = Array.from({ length: equal + worse }, (_, c) => c)
    let wins = 0
    const n = 4000
    for (let i = 0; i < n; i++) {
      const split = SEEDS.map(() => 3 * gauss())
      const scores = configs.map((c) => split.map((s) => s + gauss() - (c < equal ? 0 : 20)))
      const found = decide(
        configs.map((c) => candidate(c)),
        ends(scores),
        SEEDS,
        MAX,
      )
      if (found.winner !== null) wins++
    }
    console.log(`${equal} equal configurations and ${worse} worse: a winner in ${((100 * wins) / n).toFixed(1)} % of ${n}`)
    expect(wins / n).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / n))
  },
)
it('confirmations of a configuration that a larger budget has displaced do not count for its successor', () => {
  const verdict = decide(
    [candidate(2), candidate(0)],
    ends([
      [0.4, 0.41, 0.4, 0.41, 0.4],
      [0.5, 0.51, 0.5, 0.51, 0.5],
    ]),
    SEEDS,
    MAX,
  )
  expect(verdict).toMatchObject({ winner: null, sentence: 'no winner: not all confirmation runs have ended' })
})
it('the interval of a mean over seeds is that of Student', () => {
  const { mean, ci95 } = seedMean([1, 2, 3, 4, 5])
  expect(mean).toBe(3)
  expect(ci95![1] - mean).toBeCloseTo((2.776445 * Math.sqrt(2.5)) / Math.sqrt(5), 5)
})

const spaces = {
  lstm: {
    fixed: {},
    search: {
      lr: { domain: { kind: 'range', min: 1e-4, max: 1, log: true, integer: false }, when: {} },
      dropout: { domain: { kind: 'range', min: 0, max: 0.5, log: false, integer: false }, when: {} },
      head: { domain: { kind: 'list', values: ['linear', 'mlp'] }, when: {} },
    },
  },
} as const
function drawn(n: number, score: (lr: number, dropout: number, gauss: number) => number): Ranked[] {
  const gauss = gaussian(5)
  return Array.from({ length: n }, (_, i) => {
    const [lr, dropout] = [10 ** (-4 + ((i * 0.6180339887) % 1) * 4), ((i * 0.7548776662) % 1) / 2]
    return { ...candidate(i, score(lr, dropout, gauss())), options: { lr, dropout, head: i % 2 ? 'mlp' : 'linear' } }
  })
}
it('importance finds the option that decides, with its best values in the middle of the range, and no other', () => {
  const found = importance(
    spaces,
    drawn(60, (lr, _, noise) => -((Math.log10(lr) + 2) ** 2) + 0.3 * noise),
  )
  expect(found[0]).toMatchObject({ field: 'lr', n: 60 })
  expect(found[0]!.explained).toBeGreaterThan(0.4)
  expect(found[0]!.p).toBeLessThan(0.01)
  for (const { p } of found.slice(1)) expect(p).toBeGreaterThan(0.05)
})
it('importance is not estimated from few configurations', () => {
  expect(
    importance(
      spaces,
      drawn(19, (lr) => lr),
    ),
  ).toEqual([])
})
it('the groups of an option whose range differs between models do not overlap', () => {
  const of = (min: number, max: number) =>
    ({ fixed: {}, search: { lr: { domain: { kind: 'range', min, max, log: true, integer: false }, when: {} } } }) as const
  const configs = Array.from({ length: 30 }, (_, i) => ({
    ...candidate(i, i),
    model: i % 2 ? 'gru' : 'lstm',
    options: { lr: i % 2 ? 0.1 + i / 100 : 0.001 + i / 10_000 },
  }))
  const { groups } = importance({ lstm: of(1e-4, 1e-2), gru: of(1e-2, 1) }, configs).find(({ field }) => field === 'lr')!
  const [low, middle, high] = groups.map(({ values }) => values.split(' … ').map(Number) as [number, number])
  expect(low![1]).toBeLessThan(middle![0])
  expect(middle![1]).toBeLessThan(high![0])
})
