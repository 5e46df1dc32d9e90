import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, type Store, verifyRun } from '../../lib/checkpoint/run-store.js'
import { FILES, listing, refusal, replace, runOf } from './run.js'
import { saveOf, stepIn } from './saves.js'

describe('what a kill leaves is put right at the next open:', () => {
  /** Undoes the renewal of some files at the top, as if it had not come to them. */
  function unrenew(folder: string, generation: number, files: readonly string[]): void {
    for (const name of files) {
      rmSync(join(folder, name))
      linkSync(join(folder, 'generations', String(generation).padStart(6, '0'), name), join(folder, name))
    }
  }
  it.each([
    ['a writer', openStore],
    ['a reader', verifyRun],
  ])('files at the top still of the save before, by %s', async (_, opening) => {
    const folder = await runOf(4)
    unrenew(folder, 3, ['manifest.json', 'final_model.pt'])
    const opened = (await opening(folder)) as Partial<Store>
    await opened.close?.()
    expect(stepIn(folder)).toBe(4)
    expect(readFileSync(join(folder, 'manifest.json'))).toEqual(readFileSync(join(folder, 'generations/000004/manifest.json')))
  })
  it('no file at the top yet, after the first save', async () => {
    const folder = await runOf(1)
    for (const name of ['manifest.json', 'final_model.pt', 'config.json']) rmSync(join(folder, name))
    await verifyRun(folder)
    expect(stepIn(folder)).toBe(1)
  })
  it('but not a missing file when the save before is gone', async () => {
    const folder = await runOf(4)
    rmSync(join(folder, 'generations/000003'), { recursive: true })
    for (const name of ['manifest.json', 'config.json']) rmSync(join(folder, name))
    expect(await refusal(verifyRun(folder))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('but not a file of neither', async () => {
    const folder = await runOf(4)
    unrenew(folder, 3, ['manifest.json'])
    replace(join(folder, 'final_model.pt'), 'other weights')
    expect((await refusal(verifyRun(folder))).message).toContain('final_model.pt')
  })
  it('leftovers and a generation that never counted', async () => {
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
  it('a first save that never counted', async () => {
    const folder = await runOf(1)
    for (const name of [...FILES, 'manifest.json', 'generations/current']) rmSync(join(folder, name))
    const store = await openStore(folder)
    expect(store.current()).toBeUndefined()
    await store.save(saveOf(1))
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(1)
  })
})
