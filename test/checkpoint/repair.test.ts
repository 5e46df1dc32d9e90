import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, type Store, verifyRun } from '../../lib/checkpoint/run-store.js'
import { FILES, listing, refusal, replace, runOf } from './run.js'
import { saveOf, stepIn } from './saves.js'

describe('repair after a kill', () => {
  /** Restores old versions of some top files, as if the update had not reached them. */
  function unrenew(folder: string, generation: number, files: readonly string[]): void {
    for (const name of files) {
      rmSync(join(folder, name))
      linkSync(join(folder, 'generations', String(generation).padStart(6, '0'), name), join(folder, name))
    }
  }
  it.each([
    ['a writer', openStore],
    ['a reader', verifyRun],
  ])('top files of the previous save are updated by %s', async (_, opening) => {
    const folder = await runOf(4)
    unrenew(folder, 3, ['manifest.json', 'final_model.pt'])
    const opened = (await opening(folder)) as Partial<Store>
    await opened.close?.()
    expect(stepIn(folder)).toBe(4)
    expect(readFileSync(join(folder, 'manifest.json'))).toEqual(readFileSync(join(folder, 'generations/000004/manifest.json')))
  })
  it('missing top files are created after a killed first save', async () => {
    const folder = await runOf(1)
    for (const name of ['manifest.json', 'final_model.pt', 'config.json']) rmSync(join(folder, name))
    await verifyRun(folder)
    expect(stepIn(folder)).toBe(1)
  })
  it('a missing top file without the previous save is damage', async () => {
    const folder = await runOf(4)
    rmSync(join(folder, 'generations/000003'), { recursive: true })
    for (const name of ['manifest.json', 'config.json']) rmSync(join(folder, name))
    expect(await refusal(verifyRun(folder))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('a top file of neither save is damage', async () => {
    const folder = await runOf(4)
    unrenew(folder, 3, ['manifest.json'])
    replace(join(folder, 'final_model.pt'), 'other weights')
    expect((await refusal(verifyRun(folder))).message).toContain('final_model.pt')
  })
  it('temporary files and a generation that was never current are removed', async () => {
    const folder = await runOf(3)
    const before = listing(folder)
    await cp(join(folder, 'generations/000003'), join(folder, 'generations/000004'), { recursive: true })
    await cp(join(folder, 'generations/000003'), join(folder, 'generations/.tmp-77-1'), { recursive: true })
    await cp(join(folder, 'generations/000002'), join(folder, 'generations/000001'), { recursive: true })
    for (const name of ['.tmp-77-2', 'generations/.tmp-77-3', 'lock.0123456789abcdef']) writeFileSync(join(folder, name), 'x')
    writeFileSync(join(folder, '.tmp-notes'), 'mine')
    expect((await verifyRun(folder)).generation).toBe(3)
    await (await openStore(folder)).close()
    expect(listing(folder)).toEqual(['.tmp-notes', ...before])
  })
  it('a first save that was never current is removed', async () => {
    const folder = await runOf(1)
    for (const name of [...FILES, 'manifest.json', 'generations/current']) rmSync(join(folder, name))
    const store = await openStore(folder)
    expect(store.current()).toBeUndefined()
    await store.save(saveOf(1))
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(1)
  })
})
