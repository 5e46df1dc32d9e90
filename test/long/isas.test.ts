import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test.runIf(process.arch === 'x64').each(['avx2', 'sse4'])(
  'the tests that npm run test:isas leaves out also pass under %s',
  (set) => {
    const { status } = spawnSync(process.execPath, ['scripts/isas.mjs', '--rest', set], { stdio: 'inherit' })
    expect(status).toBe(0)
  },
)
