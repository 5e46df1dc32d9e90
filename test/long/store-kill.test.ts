import { join } from 'node:path'
import { expect, it } from 'vitest'
import { killWhileSaving } from '../checkpoint/kills.js'
import { tempFolder } from '../checkpoint/run.js'

it('500 kills at random instants lose one save at most and leave no temporary files', { timeout: 900_000 }, async () => {
  const { steps, deaths } = await killWhileSaving(join(await tempFolder(true), 'run'), 500)
  expect(steps).toBeGreaterThan(250)
  expect([...deaths].sort()).toEqual(['before', 'in a save', 'under the lock'])
})
