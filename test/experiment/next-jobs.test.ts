import { expect, it } from 'vitest'
import type { Job, RunEnd } from '../../lib/experiment/journal-entry.js'
import { Search } from '../../lib/experiment/next-jobs.js'
import type { ExperimentPlan } from '../../lib/experiment/read-plan.js'
import { dice } from '../files/fixture.js'

const PLAN: ExperimentPlan = {
  name: 'p',
  data: 'x',
  method: 'tpe',
  metric: 'val_loss',
  direction: 'min',
  seed: 1,
  seeds: [0],
  own: [],
  spaces: {
    lstm: { fixed: {}, search: { lr: { domain: { kind: 'range', min: 1e-5, max: 1, log: true, integer: false }, when: {} } } },
  },
  halving: null,
  confirm: { top: 3, seeds: 2 },
  concurrency: 1,
  retries: 0,
  keep: 4,
  budget: { runs: 24, seconds: null },
}
const halving = { resource: 'epochs', min: 1, max: 9, factor: 3, promote: 'resume' } as const
const searchOf = (plan: ExperimentPlan, ends: readonly RunEnd[] = []) =>
  new Search({ plan, dataHash: 'd', ends, isValid: () => true, exhaustedAt: undefined })

/** Result of a job: fixed by its learning rate and seed, so that any order gives the same. */
const endOf = (job: Job): RunEnd => {
  const score = Math.abs(Math.log10(Number(job.options.lr)) + 2) + job.seed / 1000
  const failed = Number(job.options.lr) > 0.3
  return { ...job, type: 'run', state: failed ? 'failed' : 'done', score: failed ? null : score } as RunEnd
}

/** Ends jobs in random order, `concurrency` at a time, and restarts from the results after each; returns them in order of their ids. */
function simulated(plan: ExperimentPlan, seed: number): { ends: RunEnd[]; order: string[] } {
  const roll = dice(seed)
  let ends: RunEnd[] = []
  let running: Job[] = []
  const order: string[] = []
  for (;;) {
    const search = searchOf(plan, ends) // as after kill -9
    const open = search.next().filter(({ id, rung }) => !running.some((job) => job.id === id && job.rung === rung))
    running = [...running, ...open.slice(0, plan.concurrency - running.length)]
    if (running.length === 0) break
    const [done] = running.splice(roll(running.length), 1)
    order.push(`${done!.id} ${done!.rung}`)
    ends = [...ends, endOf(done!)]
  }
  return { ends: ends.sort((a, b) => (`${a.id} ${a.rung}` < `${b.id} ${b.rung}` ? -1 : 1)), order }
}

it.each([
  ['tpe', { ...PLAN, concurrency: 3 }],
  ['random', { ...PLAN, method: 'random', concurrency: 3 }],
  ['tpe with two seeds', { ...PLAN, seeds: [3, 9], concurrency: 4 }],
  ['halving', { ...PLAN, method: 'halving', halving, concurrency: 3 }],
] as [string, ExperimentPlan][])('%s makes the same runs in whatever order they end, each once', (_, plan) => {
  const first = simulated(plan, 1)
  const other = simulated(plan, 2)
  expect(other.order).not.toEqual(first.order)
  expect(other.ends).toEqual(first.ends)
  expect(new Set(first.order).size).toBe(first.order.length)
  expect(first.order.length).toBe(searchOf(plan, first.ends).trainings)
})
it.each([
  ['random', { ...PLAN, method: 'random' }, 24 + 2],
  ['halving', { ...PLAN, method: 'halving', halving }, 24 + 1 + 1 + 2],
] as [string, ExperimentPlan, number][])(
  'an experiment with %s of which all configurations but one fail is complete with as many trainings as it announces',
  (_, plan, trainings) => {
    const ends: RunEnd[] = []
    for (let open = searchOf(plan).next(); open.length > 0; open = searchOf(plan, ends).next())
      ends.push({ ...open[0]!, type: 'run', state: 'done', score: open[0]!.config === 5 ? 1 : null } as RunEnd)
    expect(ends.length).toBe(trainings)
    expect(searchOf(plan, ends).trainings).toBe(trainings)
  },
)
it('thousands of configurations are suggested in seconds', () => {
  const began = performance.now()
  expect(searchOf({ ...PLAN, method: 'random', budget: { runs: 3000, seconds: null } }).next().length).toBe(3000)
  expect(performance.now() - began).toBeLessThan(10_000)
})
it('TPE waits for the results that its next suggestion depends on', () => {
  expect(searchOf(PLAN).next().length).toBe(1)
  expect(searchOf({ ...PLAN, concurrency: 3 }).next().length).toBe(3)
  expect(searchOf({ ...PLAN, method: 'random' }).next().length).toBe(24)
})
it('halving trains all runs shortly, a third of them longer, and only those of the last round to the end', () => {
  const plan: ExperimentPlan = { ...PLAN, method: 'halving', halving, confirm: { top: 0, seeds: 2 } }
  const { ends } = simulated(plan, 1)
  const counts = [0, 1, 2].map((rung) => ends.filter((end) => end.rung === rung).length)
  expect(counts).toEqual([24, 8, 2])
  expect([0, 1, 2].map((rung) => ends.find((end) => end.rung === rung)!.length)).toEqual([1, 3, 9])
  const ranking = searchOf(plan, ends).ranking()
  expect(ranking[0]!.rung).toBe(2)
  const best = Math.min(...ends.flatMap(({ score }) => (score === null ? [] : [score])))
  expect(ranking[0]!.score).toBe(best)
})
it('a larger budget adds runs and keeps the earlier ones', () => {
  const { ends } = simulated(PLAN, 1)
  const more = { ...PLAN, budget: { runs: 30, seconds: null } }
  const next = searchOf(more, ends).next()
  expect(next[0]!.index).toBe(24)
  const all = simulated(more, 1).ends.filter(({ stage }) => stage === 'search')
  expect(all.slice(0, 24)).toEqual(ends.filter(({ stage }) => stage === 'search'))
})
it('the best three configurations are confirmed with seeds that the search has not used', () => {
  const plan = { ...PLAN, seeds: [0, 7] }
  const { ends } = simulated(plan, 1)
  const confirms = ends.filter(({ stage }) => stage === 'confirm')
  expect(confirms.map(({ seed }) => seed).sort()).toEqual([8, 8, 8, 9, 9, 9])
  const top = searchOf(plan, ends).ranking().slice(0, 3)
  expect(new Set(confirms.map(({ config }) => config))).toEqual(new Set(top.map(({ config }) => config)))
})
it('only runs that nothing needs lose their checkpoints', () => {
  const { ends } = simulated(PLAN, 1)
  const kept = new Set(
    searchOf(PLAN, ends)
      .ranking()
      .slice(0, 4)
      .map(({ config }) => config),
  )
  const losers = searchOf(PLAN, ends).losers()
  expect(losers.length).toBe(20)
  for (const { id, config } of ends) expect(losers.includes(id) && kept.has(config)).toBe(false)
  expect(searchOf({ ...PLAN, keep: null }, ends).losers()).toEqual([])
  const plan: ExperimentPlan = { ...PLAN, method: 'halving', halving, keep: 1 }
  const first = simulated(plan, 1).ends.filter(({ rung, stage }) => rung === 0 && stage === 'search')
  const promoted = new Set(
    searchOf(plan, first)
      .next()
      .map(({ id }) => id),
  )
  expect(promoted.size).toBe(8)
  for (const id of searchOf(plan, first).losers()) expect(promoted.has(id)).toBe(false)
  expect(searchOf(plan, first.slice(0, 20)).losers()).toEqual([]) // the first round has not ended
})
it('ids of runs depend on plan seed, options, training seed and data', () => {
  const id = (plan: ExperimentPlan, dataHash = 'd') =>
    new Search({ plan, dataHash, ends: [], isValid: () => true, exhaustedAt: undefined }).next()[0]!.id
  const ids = [
    id(PLAN),
    id({ ...PLAN, seed: 2 }),
    id({ ...PLAN, seeds: [5] }),
    id(PLAN, 'e'),
    id({ ...PLAN, spaces: { lstm: { ...PLAN.spaces.lstm!, fixed: { epochs: 3 } } } }),
  ]
  expect(new Set(ids).size).toBe(5)
  expect(id(PLAN)).toMatch(/^000-lstm-[0-9a-f]{8}$/)
})
