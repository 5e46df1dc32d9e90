import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { removeRun } from '../../lib/checkpoint/list-runs.js'
import { openStore, restoreRun, verifyRun } from '../../lib/checkpoint/run-store.js'
import { listing, refusal, runOf, tempFolder } from './run.js'
import { saveSteps, stepIn } from './saves.js'

/** A run whose folder of generations is a link to a folder with foreign files. */
async function linked(): Promise<{ folder: string; victim: string; foreign: () => string[] }> {
  const folder = await runOf(3)
  const victim = await tempFolder()
  cpSync(join(folder, 'generations'), victim, { recursive: true })
  for (const name of ['20240115', '000001']) {
    mkdirSync(join(victim, name))
    writeFileSync(join(victim, name, 'f'), 'precious')
  }
  rmSync(join(folder, 'generations'), { recursive: true })
  symlinkSync(victim, join(folder, 'generations'))
  return { folder, victim, foreign: () => ['20240115/f', '000001/f'].filter((name) => existsSync(join(victim, name))) }
}

describe('a run whose folder of generations is a link', () => {
  it.each([
    ['reading', (folder: string) => refusal(verifyRun(folder))],
    ['writing', (folder: string) => refusal(openStore(folder))],
    ['restoring', (folder: string) => refusal(restoreRun(folder))],
  ])('a run whose folder of generations is a link is refused by %s, and its target does not change', async (_, work) => {
    const { folder, victim, foreign } = await linked()
    const before = readdirSync(victim)
    expect(await work(folder)).toMatchObject({ code: 'BAD_CHECKPOINT' })
    expect(readdirSync(victim)).toEqual(before)
    expect(foreign()).toHaveLength(2)
  })
  it('runs rm keeps a folder in place of a run file', async () => {
    const folder = await runOf(1)
    const [name] = Object.keys((await verifyRun(folder)).manifest.files)
    rmSync(join(folder, name!))
    mkdirSync(join(folder, name!))
    expect((await removeRun(folder)).kept).toEqual([name])
  })
  it('runs rm removes a link but not its target', async () => {
    const { folder, victim, foreign } = await linked()
    const before = readdirSync(victim)
    expect((await removeRun(folder)).kept).toEqual(['generations'])
    expect(readdirSync(victim)).toEqual(before)
    expect(foreign()).toHaveLength(2)
  })
})

describe('folders that are not our saves', () => {
  const foreign = ['20240115', '000000', '0000007', '000001']
  async function withForeign(): Promise<string> {
    const folder = await runOf(3)
    for (const name of foreign) {
      mkdirSync(join(folder, 'generations', name))
      writeFileSync(join(folder, 'generations', name, 'best_model.pt'), 'precious')
    }
    return folder
  }
  const there = (folder: string) => foreign.filter((name) => existsSync(join(folder, 'generations', name, 'best_model.pt')))

  it('saving keeps foreign folders with numeric names', async () => {
    const folder = await withForeign()
    const store = await openStore(folder)
    await saveSteps(store, 4, 8)
    await store.close()
    expect(there(folder)).toEqual(foreign)
    expect(stepIn((await verifyRun(folder)).path)).toBe(8)
  })
  it('runs rm keeps foreign folders with numeric names', async () => {
    const folder = await withForeign()
    expect((await removeRun(folder)).kept).toEqual(['generations'])
    expect(there(folder)).toEqual(foreign)
    expect(listing(folder)).toEqual(
      ['generations', ...foreign].sort((a, b) => (a === 'generations' ? -1 : b === 'generations' ? 1 : a < b ? -1 : 1)),
    )
  })
  it('saving keeps a link in place of a save', async () => {
    const folder = await runOf(3)
    const elsewhere = join(await tempFolder(), '000001')
    cpSync(join(folder, 'generations/000002'), elsewhere, { recursive: true })
    symlinkSync(elsewhere, join(folder, 'generations/000001'))
    const store = await openStore(folder)
    await saveSteps(store, 4, 5)
    await store.close()
    expect(lstatSync(join(folder, 'generations/000001')).isSymbolicLink()).toBe(true)
    expect(readdirSync(elsewhere)).toContain('manifest.json')
  })
  it('a save moves a foreign folder with its name out of the way', async () => {
    const folder = await runOf(3)
    const store = await openStore(folder)
    mkdirSync(join(folder, 'generations/000004'))
    writeFileSync(join(folder, 'generations/000004/f'), 'precious')
    await saveSteps(store, 4, 4)
    await store.close()
    const moved = readdirSync(join(folder, 'generations')).find((name) => name.startsWith('000004.damaged-'))
    expect(existsSync(join(folder, 'generations', moved!, 'f'))).toBe(true)
    expect(stepIn((await verifyRun(folder)).path)).toBe(4)
  })
  it('a damaged save of ours is removed', async () => {
    const folder = await runOf(4)
    const path = join(folder, 'generations/000003/manifest.json')
    writeFileSync(`${path}.new`, 'x{"generation": 3, "saved_at": ""}')
    renameSync(`${path}.new`, path)
    const store = await openStore(folder)
    await saveSteps(store, 5, 6)
    await store.close()
    expect(readdirSync(join(folder, 'generations'))).toEqual(['000005', '000006', 'current'])
  })
})
