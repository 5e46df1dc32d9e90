import { expect, it } from 'vitest'
import { killWhileTraining } from '../train/kills.js'
import { place, vectorFile } from '../train/runs.js'

it('each of 200 kills at random instants of a training loses at most 3 steps and does not change its result', async () => {
  const data = await vectorFile('base')
  const { finished, instants } = await killWhileTraining(data, place('work'), { kills: 200, epochs: 12 })
  console.log(`${finished} trainings finished between 200 kills, the last event before which was`, instants)
  expect(finished).toBeGreaterThan(0)
  expect(Object.keys(instants)).toEqual(expect.arrayContaining(['nothing', 'start', 'saved', 'progress']))
})
