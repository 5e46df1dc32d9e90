import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { faulty, possible } from '../checkpoint/faults/preload.js'
import { killWhileSaving } from '../checkpoint/kills.js'
import { tempFolder } from '../checkpoint/run.js'

it.skipIf(!possible)(
  'each of 150 kills loses one save at most while one system call in 60 fails',
  { timeout: 900_000 },
  async () => {
    const place = await tempFolder(true)
    const env = faulty(join(place, 'run'), join(place, 'control'), { at: -60, errno: constants.errno.EIO, keep: false })
    const { steps, deaths } = await killWhileSaving(join(place, 'run'), 150, env)
    expect(steps).toBeGreaterThan(50)
    expect([...deaths]).toContain('in a save')
  },
)
