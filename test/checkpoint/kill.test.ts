import { join } from 'node:path'
import { expect, it } from 'vitest'
import { killWhileSaving } from './kills.js'
import { tempFolder } from './run.js'

it('40 kills at random instants lose at most one save each, and leave no temporary files', { timeout: 60_000 }, async () => {
  const { steps, deaths } = await killWhileSaving(join(await tempFolder(), 'run'), 40)
  expect(steps).toBeGreaterThan(5)
  expect([...deaths]).toContain('in a save')
})
