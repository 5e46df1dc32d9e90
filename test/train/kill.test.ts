import { it } from 'vitest'
import { killWhileTraining } from './kills.js'
import { place, vectorFile } from './runs.js'

it('kills cost 3 steps at most each, and change nothing of how a training ends', { timeout: 180_000 }, async () => {
  await killWhileTraining(await vectorFile('base'), place('work'), { kills: 3, epochs: 2 })
})
