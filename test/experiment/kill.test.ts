import { expect, it } from 'vitest'
import { place, vectorFile } from '../train/runs.js'
import { completed, killRepeatedly, outcome, planFile, requireOnce } from './killed-experiment.js'

it.skipIf(process.platform === 'win32')(
  'a plan that is killed ends with the same runs and the same verdict as an undisturbed one',
  async () => {
    const path = planFile(place('plans'), 'kill', [
      `data: ${await vectorFile('kill')}`,
      'method: random',
      'models: [mlp]',
      'fixed: {preset: tiny, epochs: 1, threads: 1}',
      'search: {lr: {min: 1e-4, max: 1e-2, log: true}}',
      'budget: {runs: 2}',
      'confirm: {top: 0}',
      'retries: 9',
    ])
    await completed(path, place('whole'))
    await killRepeatedly(path, place('killed'), { kills: 1, within: 1500, seed: 4 })
    expect(outcome(place('killed'))).toEqual(outcome(place('whole')))
    expect(outcome(place('whole')).runs.length).toBe(2)
    requireOnce(place('killed'))
  },
  120_000,
)
