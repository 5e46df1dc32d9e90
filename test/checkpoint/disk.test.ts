import { execFileSync } from 'node:child_process'
import { existsSync, statfsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { LvmError } from '../../lib/errors.js'
import { requireDisk, saveError } from '../../lib/files/disk.js'
import { listing, refusal, runOf, tempFolder } from './run.js'
import { saveOf, stepIn } from './saves.js'

describe('requireDisk', () => {
  it('requireDisk passes with enough free space, also for a folder that does not exist yet', async () => {
    await requireDisk(join(await tempFolder(), 'a', 'b'), 1000)
  })
  it('requireDisk gives needed and free bytes when space is short', async () => {
    const error = await refusal(requireDisk(await tempFolder(), 1e18))
    expect(error).toMatchObject({ code: 'NO_DISK', exit: 2 })
    expect(error.message).toMatch(/1000000\.0 TB .* but there are [\d.]+ [MGT]B/)
  })
})

it('the error of a save keeps the hint for the command line', async () => {
  const error = (await saveError(new LvmError('NO_DISK', 'x', { hint: 'use --out' }), '/', 'nothing was saved')) as LvmError
  expect(error).toMatchObject({ commandHint: 'use --out', hint: 'use "out"' })
})

it('a run whose folder is deleted during a save ends with BAD_CHECKPOINT and leaves no empty folders', async () => {
  const folder = await runOf(1)
  const store = await openStore(folder)
  await rm(folder, { recursive: true })
  expect(await refusal(store.save({ ...saveOf(2, false) }))).toMatchObject({ code: 'BAD_CHECKPOINT', exit: 3 })
  await store.close()
  expect(existsSync(folder)).toBe(false)
})

describe('a full disk', () => {
  it('a save checks free space from the size of the previous save, or from the size it is given', async () => {
    const folder = await runOf(1)
    const store = await openStore(folder)
    const error = await refusal(store.save({ ...saveOf(2), bytes: 1e18 }))
    expect(error.code).toBe('NO_DISK')
    expect(error.message).toMatch(/1000000\.0 TB.*; save 1 is intact/)
    await store.close()
  })
  it.skipIf(process.platform !== 'linux')(
    'a disk that fills up during a save leaves the previous save, and the error says so',
    async () => {
      const folder = await runOf(2)
      const before = listing(folder)
      const store = await openStore(folder)
      const full = { ...saveOf(3), files: { ...saveOf(3).files, 'split.json': () => writeFile('/dev/full', 'x') } }
      const error = await refusal(store.save(full))
      expect(error).toMatchObject({ code: 'NO_DISK', exit: 2 })
      expect(error.message).toMatch(/ENOSPC.*\([\d.]+ [MGT]B free\); save 2 is intact/)
      await store.save(saveOf(3))
      await store.close()
      expect(listing(folder).length).toBe(before.length)
      expect(stepIn((await verifyRun(folder)).path)).toBe(3)
    },
  )
})

/** A disk of 1 MB, if this user may mount one. */
async function smallDisk(): Promise<string | undefined> {
  const folder = await tempFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    return undefined
  }
}

it('a disk of 1 MB that fills up at any point of a save leaves an intact run', async ({ skip }) => {
  const disk = await smallDisk()
  if (disk === undefined) return skip()
  try {
    const folder = join(disk, 'run')
    const store = await openStore(folder)
    await store.save(saveOf(1, true, 50_000))
    const outcomes = new Set<string>()
    for (let step = 2, room = 0; room < 60; room++) {
      const { bavail, bsize } = statfsSync(disk)
      await writeFile(join(disk, 'ballast'), Buffer.alloc(Math.max(0, (bavail - room) * bsize)))
      const save = saveOf(step, undefined, 50_000)
      const result = await store.save({ ...save, bytes: 0 }).then(
        () => 'saved',
        (error) => error.code,
      )
      outcomes.add(result)
      await writeFile(join(disk, 'ballast'), '')
      const found = stepIn((await verifyRun(folder)).path)
      expect(result === 'saved' ? [step] : [step - 1, step]).toContain(found) // the disk may be full just after the save became current
      expect(store.current()!.manifest.step).toBe(found)
      step = found + 1
    }
    await store.close()
    expect([...outcomes].sort()).toEqual(['NO_DISK', 'saved'])
    await (await openStore(folder)).close()
    expect(listing(folder).filter((name) => name.startsWith('.tmp'))).toEqual([])
  } finally {
    execFileSync('umount', [disk])
  }
})
