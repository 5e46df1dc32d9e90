import { it } from 'vitest'
import { killWhileTraining } from './kills.js'
import { place, vectorFile } from './runs.js'

it('a killed training loses at most 3 steps per kill and ends with the same result', { timeout: 180_000 }, async () => {
  await killWhileTraining(await vectorFile('base'), place('work'), { kills: 3, epochs: 2 })
})
