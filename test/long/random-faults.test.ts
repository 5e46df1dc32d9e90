import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { faulty, possible } from '../checkpoint/faults/preload.js'
import { killWhileSaving } from '../checkpoint/kills.js'
import { tempFolder } from '../checkpoint/run.js'

it.skipIf(!possible)(
  '150 kills while one call to the system in sixty fails cost one save at most',
  { timeout: 900_000 },
  async () => {
    const place = await tempFolder(true)
    const env = faulty(join(place, 'run'), join(place, 'control'), { at: -60, errno: constants.errno.EIO, keep: false })
    const { steps, deaths } = await killWhileSaving(join(place, 'run'), 150, env)
    expect(steps).toBeGreaterThan(50)
    expect([...deaths]).toContain('in a save')
  },
)
