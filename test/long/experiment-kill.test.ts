import { expect, it } from 'vitest'
import { completed, killRepeatedly, outcome, planFile, requireOnce } from '../experiment/killed-experiment.js'
import { place, vectorFile } from '../train/runs.js'

const search = [
  'models: [lstm, gru, mlp]',
  'fixed: {preset: tiny, epochs: 3, threads: 1}',
  'search:',
  '  lr: {min: 1e-4, max: 3e-2, log: true}',
  '  batch-size: [8, 16, 32]',
  'retries: 20',
]

it.each([
  ['tpe', [...search, 'method: tpe', 'budget: {runs: 24}', 'confirm: {top: 3, seeds: 3}', 'keep: 4'], 24 + 9],
  [
    'halving',
    [
      'models: [lstm, gru]',
      'fixed: {preset: tiny, threads: 1}',
      'search: {lr: {min: 1e-4, max: 3e-2, log: true}}',
      'retries: 20',
      'method: halving',
      'halving: {min: 1, max: 9}',
      'budget: {runs: 12}',
      'confirm: {top: 2, seeds: 2}',
      'keep: 3',
    ],
    12 + 4 + 1 + 4,
  ],
] as const)(
  'a plan with %s that is killed at 10 random instants ends with the same runs and the same verdict as an undisturbed one',
  async (name, lines, trainings) => {
    const data = await vectorFile(`long-${name}`, { articles: 20 })
    const plan = planFile(place('plans'), name, [`data: ${data}`, ...lines])
    const began = performance.now()
    await completed(plan, place(`${name}-whole`))
    const within = (performance.now() - began) / 8 // ten kills at half of this on average leave work for the last one
    const whole = outcome(place(`${name}-whole`))
    expect(whole.state).toBe('complete')
    expect(whole.runs.length).toBe(trainings)
    const { killed } = await killRepeatedly(plan, place(`${name}-killed`), { kills: 10, within, seed: 17 })
    console.log(`${name}: killed ${killed.parents} experiments and ${killed.children} trainings`)
    expect(killed.parents + killed.children).toBe(10)
    expect(outcome(place(`${name}-killed`))).toEqual(whole)
    requireOnce(place(`${name}-killed`))
  },
)
