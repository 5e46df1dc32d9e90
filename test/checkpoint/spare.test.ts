import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { claimRun } from '../../lib/checkpoint/claim.js'
import { showRun } from '../../lib/checkpoint/list-runs.js'
import { openStore, restoreRun, verifyRun } from '../../lib/checkpoint/run-store.js'
import { FILES, flip, refusal, runOf } from './run.js'
import { saveOf, saveSteps, stepIn } from './saves.js'

const SAVES = ['000003', '000004']
const everywhere = SAVES.flatMap((save) => [...FILES, 'manifest.json'].map((name) => `generations/${save}/${name}`))

describe('one bad bit in any file of either save', () => {
  it.each([...everywhere, 'generations/current', 'manifest.json'])(
    'a flipped bit in %s is detected, and the run can be resumed',
    async (name) => {
      const folder = await runOf(4)
      await flip(join(folder, name), Math.floor(statSync(join(folder, name)).size / 2))
      const { state, problem } = await showRun(folder)
      expect(state).toBe('damaged')
      expect(problem).toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringContaining(name.split('/').at(-1)!) })
      const store = await claimRun('train', folder, { resume: true, overwrite: false })
      const step = stepIn(store.current()!.path)
      expect([3, 4]).toContain(step)
      if (!name.includes('000003')) expect(store.rescued).toMatch(/: resuming from save [34] of 20/)
      await saveSteps(store, step + 1, step + 2)
      await store.close()
      expect((await showRun(folder)).problem).toBe(null)
    },
  )
  it('a flipped bit in a file of both saves is repaired from the other save, without loss of a step', async () => {
    const folder = await runOf(3) // step 3 keeps best_model.pt of step 1
    await flip(join(folder, 'generations/000003/best_model.pt'), 1000)
    const store = await claimRun('train', folder, { resume: true, overwrite: false })
    expect(stepIn(store.current()!.path)).toBe(3)
    await store.close()
  })
  it('a bit flipped during writing is not copied into the next save', async () => {
    const folder = await runOf(2)
    const store = await openStore(folder)
    await flip(join(folder, 'generations/000002/best_model.pt'), 1000)
    await saveSteps(store, 3, 3)
    expect(stepIn((await verifyRun(folder)).path)).toBe(3)
    await store.close()
  })
  it('a flipped bit in the spare alone does not affect the figures of the run, and restoreRun removes the spare', async () => {
    const folder = await runOf(4)
    await flip(join(folder, 'generations/000003/final_model.pt'), 1000)
    const shown = await showRun(folder)
    expect(shown).toMatchObject({ state: 'damaged', generation: 4 })
    expect(shown.problem!.message).toMatch(/the current save 4 is intact/)
    expect((await verifyRun(folder)).generation).toBe(4)
    await restoreRun(folder)
    expect(readdirSync(join(folder, 'generations'))).toEqual(['000004', 'current'])
    expect((await showRun(folder)).state).not.toBe('damaged')
  })
})

it('a run with two irreparable saves is refused, and nothing is removed', async () => {
  const folder = await runOf(4)
  for (const save of SAVES) await flip(join(folder, 'generations', save, 'training_history.json'), 3)
  const error = await refusal(claimRun('train', folder, { resume: true, overwrite: false }))
  expect(error).toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringContaining('no generation is intact') })
  expect(readdirSync(join(folder, 'generations'))).toEqual([...SAVES, 'current'])
})

it('a save without an intact copy of a kept file fails, and names the file', async () => {
  const folder = await runOf(2)
  const store = await openStore(folder)
  for (const place of ['.', 'generations/000002', 'generations/000001']) rmSync(join(folder, place, 'best_model.pt'))
  const error = await refusal(store.save(saveOf(3)))
  expect(error).toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringContaining('best_model.pt') })
  await store.close()
})
