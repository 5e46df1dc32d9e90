import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { claimRun } from '../../lib/checkpoint/claim.js'
import { showRun } from '../../lib/checkpoint/list-runs.js'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load } from '../../lib/index.js'
import { random } from '../../lib/statistics/random.js'
import { clone, flip } from '../checkpoint/run.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

it("2,000 flipped bits over all files of a run's saves are detected, and the run resumes from an intact save", {
  timeout: 900_000,
}, async () => {
  await trained({ ...TINY, data: await vectorFile('base'), model: 'lstm', name: 'flips', epochs: 4 })
  const run = join(TINY.out, 'flips')
  const whole = (await verifyRun(run)).generation
  const names = readdirSync(run, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(run, name)).isFile())
  const files = names.filter((name) => name !== 'metrics.jsonl') // it grows between saves, so no digest covers it
  const goneBackTo = new Map<number, number>()
  for (let i = 0; i < 2000; i++) {
    const [name, copy] = [files[i % files.length]!, place(`copy${i}`)]
    if (i % 2 === 0)
      clone(run, copy) // hard links stay hard links
    else cpSync(run, copy, { recursive: true })
    await flip(join(copy, name), Math.floor(random(i, 1) * statSync(join(copy, name)).size))
    expect((await showRun(copy)).problem, `${i}: ${name}`).toMatchObject({ code: 'BAD_CHECKPOINT' })
    const store = await claimRun('train', copy, { resume: true, overwrite: false })
    const { generation } = store.current()!
    await store.close()
    goneBackTo.set(generation, (goneBackTo.get(generation) ?? 0) + 1)
    if (i % 50 === 0) (await load(copy)).dispose()
    rmSync(copy, { recursive: true })
  }
  expect([...goneBackTo.keys()].every((generation) => generation === whole || generation === whole - 1)).toBe(true)
  console.log('saves that were gone on from, and how often:', goneBackTo)
})
