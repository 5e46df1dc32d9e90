import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { expectPython, NAMES } from '../text/encoders/expect-encoder.js'
import { hasModule, python, workFolder } from './python.js'

const work = workFolder()
const can = hasModule('transformers')
if (!can) process.stderr.write('\nSKIPPED: random encoders; install transformers into the Python of the long suite\n\n')

describe.skipIf(!can)('encoders of random sizes', () => {
  it.each(Array.from({ length: 8 }, (_, i) => i + 1))('give the ids and vectors of transformers, seed %i', async (seed) => {
    const folder = join(work, String(seed))
    const script = join(packageRoot(), 'test/text/encoders/write_encoders.py')
    execFileSync(python(), [script, folder, String(seed)], { stdio: ['ignore', 'ignore', 'pipe'] })
    for (const name of NAMES) await expectPython(join(folder, name))
    expect.hasAssertions()
  })
})
