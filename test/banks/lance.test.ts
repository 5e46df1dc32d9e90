import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'
import { pushBank } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { place } from '../train/runs.js'
import { bankCases, smallRun } from './cases.js'

const address = (table: string) => `lance:${place('banks')}?table=${table}`
bankCases('LanceDB', address)
it('LanceDB: a table that no push has made is refused', async () => {
  const { data } = await smallRun()
  await pushBank(data, address('theirs'))
  rmSync(join(place('banks'), 'theirs_facts.lance'), { recursive: true })
  await refused('BANK_MISMATCH', pushBank(data, address('theirs')))
})
