import { it } from 'vitest'
import { killWhileTraining } from './kills.js'
import { place, vectorFile } from './runs.js'

const CONTRASTIVE = '--history article --residual memory --loss mse+contrastive --negatives 64'.split(' ')

it('a killed training loses at most 3 steps per kill and ends with the same result', { timeout: 180_000 }, async () => {
  await killWhileTraining(await vectorFile('base'), place('work'), { kills: 3, epochs: 2 })
})

it.each([
  ['contexts', 'last', 14],
  ['whole articles', 'sequence', 4],
] as const)(
  'a killed training of %s with memory and a contrastive loss ends with the same result, bit for bit',
  { timeout: 180_000 },
  async (_, objective, stepsPerEpoch) => {
    const options = [...CONTRASTIVE, '--objective', objective, '--batch-vectors', '64']
    await killWhileTraining(await vectorFile('articles'), place(`work-${objective}`), {
      kills: 3,
      epochs: 2,
      options,
      stepsPerEpoch,
    })
  },
)
