import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, restoreRun, verifyRun } from '../../lib/checkpoint/run-store.js'
import type { LvmError } from '../../lib/errors.js'
import { FILES, flip, listing, refusal, replace, runOf, tempFolder } from './run.js'
import { saveOf, saveSteps, stepIn } from './saves.js'

describe('damage is BAD_CHECKPOINT, names the file and deletes nothing:', () => {
  const all = [...FILES, 'manifest.json', 'generations/current', ...FILES.map((name) => `generations/000003/${name}`)]
  /** verifyRun and openStore give the same error, and change no byte. */
  async function expectDamage(folder: string, file: string, rescue: RegExp): Promise<LvmError> {
    const before = listing(folder)
    const error = await refusal(verifyRun(folder))
    expect(error).toMatchObject({ code: 'BAD_CHECKPOINT', exit: 3 })
    expect(error.message).toContain(file)
    expect(error.message).toMatch(/expected .* but received .*; /)
    expect(error.message).toMatch(rescue)
    expect((await refusal(openStore(folder))).message).toBe(error.message)
    expect(listing(folder)).toEqual(before)
    return error
  }
  it.each(all)('a flipped bit in %s is BAD_CHECKPOINT', async (file) => {
    const folder = await runOf(3)
    const { size } = statSync(join(folder, file))
    for (let at = 0; at < size; at += Math.ceil(size / 40)) {
      await flip(join(folder, file), at)
      const error = await refusal(verifyRun(folder))
      expect(error, `byte ${at}`).toMatchObject({ code: 'BAD_CHECKPOINT' })
      expect(error.message, `byte ${at}`).toContain(file.split('/').at(-1))
      await flip(join(folder, file), at)
    }
    expect((await verifyRun(folder)).generation).toBe(3)
    await flip(join(folder, file), size >> 1)
    await expectDamage(
      folder,
      file.split('/').at(-1)!,
      file.endsWith('best_model.pt') ? /no generation|generation/ : /generation [23], saved .* is intact/,
    )
  })
  it.each(all)('a truncated %s is BAD_CHECKPOINT', async (file) => {
    const folder = await runOf(3)
    truncateSync(join(folder, file), statSync(join(folder, file)).size - 1)
    await expectDamage(folder, file.split('/').at(-1)!, /intact/)
  })
  it.each(all)('a deleted %s is BAD_CHECKPOINT', async (file) => {
    const folder = await runOf(3)
    rmSync(join(folder, file))
    const error = await expectDamage(folder, file, /generation [23], saved .* is intact/)
    expect(error.message).toContain('received none')
  })
  it.each(all)('a %s with other content is BAD_CHECKPOINT', async (file) => {
    const folder = await runOf(3)
    replace(join(folder, file), '{"generation":2}\n')
    await expectDamage(folder, file, /generation [23], saved .* is intact/)
  })
  it.each(['manifest.json', 'generations/000003/manifest.json'])('an edited number in %s is BAD_CHECKPOINT', async (file) => {
    const folder = await runOf(3)
    const text = readFileSync(join(folder, file), 'utf8')
    replace(join(folder, file), text.replace('0.1', '0.2'))
    await expectDamage(folder, file, /generation [23], saved .* is intact/)
  })
  it('a pointer to a save before the last one is BAD_CHECKPOINT', async () => {
    const folder = await runOf(3)
    const pointer = join(folder, 'generations/current')
    replace(pointer, readFileSync(pointer, 'utf8').replace('3', '2'))
    await expectDamage(folder, 'generations/current', /generation 3, saved .* is intact/)
  })
  it('an older manifest in place of the new one is BAD_CHECKPOINT', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'generations/000003/manifest.json'), readFileSync(join(folder, 'generations/000002/manifest.json')))
    const error = await expectDamage(folder, 'generations/000003/manifest.json', /generation 2, saved .* is intact/)
    expect(error.message).toContain('expected generation 3')
  })
  it('a file of the previous save in place of the new one is BAD_CHECKPOINT', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'final_model.pt'), readFileSync(join(folder, 'generations/000002/final_model.pt')))
    await expectDamage(folder, 'final_model.pt', /generation 3, saved .* is intact/)
  })
  it.each([
    ['a folder', (path: string) => mkdir(path)],
    ['a link to another file', (path: string) => symlink('/dev/zero', path)],
  ])('%s in place of a run file is BAD_CHECKPOINT', async (_, put) => {
    const folder = await runOf(3)
    const path = join(folder, 'generations/000003/final_model.pt')
    rmSync(path)
    await put(path)
    await expectDamage(folder, 'final_model.pt', /generation 2/)
  })
  it('a manifest with file names outside its folder is BAD_CHECKPOINT', async () => {
    const folder = await runOf(1)
    const copy = await tempFolder()
    const { jsonHash } = await import('../../lib/files/hash.js')
    const { digest: _, ...manifest } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    manifest.files = { '../../etc/passwd': { sha256: '0'.repeat(64), bytes: 1 } }
    writeFileSync(join(copy, 'manifest.json'), `${JSON.stringify({ ...manifest, digest: jsonHash(manifest) }, null, 2)}\n`)
    expect(await refusal(verifyRun(copy))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('the error of a run without an intact generation says so', async () => {
    const folder = await runOf(3)
    for (const generation of ['000002', '000003']) await flip(join(folder, 'generations', generation, 'final_model.pt'), 9)
    await expectDamage(folder, 'final_model.pt', /no generation is intact/)
    expect(await refusal(restoreRun(folder))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('only the deep check reads large files', async () => {
    const folder = await tempFolder()
    const store = await openStore(folder)
    await store.save(saveOf(1, true, 2 << 20))
    await store.close()
    await flip(join(folder, 'final_model.pt'), 1 << 20)
    expect((await verifyRun(folder, { deep: false })).generation).toBe(1)
    expect((await refusal(verifyRun(folder))).message).toContain('final_model.pt')
  })
})

describe('restoreRun', () => {
  it('restoreRun returns to the previous save when the last one is damaged', async () => {
    const folder = await runOf(4)
    await flip(join(folder, 'final_model.pt'), 100)
    expect((await refusal(verifyRun(folder))).hint).toMatch(/lvm-torch runs restore .*lstm_baseline/)
    expect((await restoreRun(folder)).generation).toBe(3)
    const store = await openStore(folder)
    expect([stepIn(folder), stepIn(store.current()!.path)]).toEqual([3, 3])
    await saveSteps(store, 4, 4)
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(4)
  })
  it('restoreRun returns to the last save when only the top files are damaged', async () => {
    const folder = await runOf(4)
    replace(join(folder, 'final_model.pt'), 'other weights')
    rmSync(join(folder, 'config.json'))
    expect((await restoreRun(folder)).generation).toBe(4)
    expect((await verifyRun(folder)).generation).toBe(4)
    expect(stepIn(folder)).toBe(4)
  })
})
