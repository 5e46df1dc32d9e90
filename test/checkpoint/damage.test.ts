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
  /** Both ways of opening give the same error, and leave every byte where it was. */
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
  it.each(all)('a flipped bit anywhere in %s', async (file) => {
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
  it.each(all)('%s cut short', async (file) => {
    const folder = await runOf(3)
    truncateSync(join(folder, file), statSync(join(folder, file)).size - 1)
    await expectDamage(folder, file.split('/').at(-1)!, /whole/)
  })
  it.each(all)('%s deleted', async (file) => {
    const folder = await runOf(3)
    rmSync(join(folder, file))
    const error = await expectDamage(folder, file, /generation [23], saved .* is intact/)
    expect(error.message).toContain('received none')
  })
  it.each(all)('%s with other text in its place', async (file) => {
    const folder = await runOf(3)
    replace(join(folder, file), '{"generation":2}\n')
    await expectDamage(folder, file, /generation [23], saved .* is intact/)
  })
  it.each(['manifest.json', 'generations/000003/manifest.json'])('a number edited in %s', async (file) => {
    const folder = await runOf(3)
    const text = readFileSync(join(folder, file), 'utf8')
    replace(join(folder, file), text.replace('0.1', '0.2'))
    await expectDamage(folder, file, /generation [23], saved .* is intact/)
  })
  it('a pointer back to a save that is not the last', async () => {
    const folder = await runOf(3)
    const pointer = join(folder, 'generations/current')
    replace(pointer, readFileSync(pointer, 'utf8').replace('3', '2'))
    await expectDamage(folder, 'generations/current', /generation 3, saved .* is intact/)
  })
  it('an older manifest in the place of the new one', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'generations/000003/manifest.json'), readFileSync(join(folder, 'generations/000002/manifest.json')))
    const error = await expectDamage(folder, 'generations/000003/manifest.json', /generation 2, saved .* is intact/)
    expect(error.message).toContain('expected generation 3')
  })
  it('a file of the save before in the place of the new one', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'final_model.pt'), readFileSync(join(folder, 'generations/000002/final_model.pt')))
    await expectDamage(folder, 'final_model.pt', /generation 3, saved .* is intact/)
  })
  it.each([
    ['a folder', (path: string) => mkdir(path)],
    ['a link to elsewhere', (path: string) => symlink('/dev/zero', path)],
  ])('%s in the place of a file', async (_, put) => {
    const folder = await runOf(3)
    const path = join(folder, 'generations/000003/final_model.pt')
    rmSync(path)
    await put(path)
    await expectDamage(folder, 'final_model.pt', /generation 2/)
  })
  it('a manifest that names files elsewhere', async () => {
    const folder = await runOf(1)
    const copy = await tempFolder()
    const { jsonHash } = await import('../../lib/files/hash.js')
    const { digest: _, ...manifest } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    manifest.files = { '../../etc/passwd': { sha256: '0'.repeat(64), bytes: 1 } }
    writeFileSync(join(copy, 'manifest.json'), `${JSON.stringify({ ...manifest, digest: jsonHash(manifest) }, null, 2)}\n`)
    expect(await refusal(verifyRun(copy))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('when nothing is whole, it says so', async () => {
    const folder = await runOf(3)
    for (const generation of ['000002', '000003']) await flip(join(folder, 'generations', generation, 'final_model.pt'), 9)
    await expectDamage(folder, 'final_model.pt', /no generation is intact/)
    expect(await refusal(restoreRun(folder))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('a large file is read only by the deep check', async () => {
    const folder = await tempFolder()
    const store = await openStore(folder)
    await store.save(saveOf(1, true, 2 << 20))
    await store.close()
    await flip(join(folder, 'final_model.pt'), 1 << 20)
    expect((await verifyRun(folder, { deep: false })).generation).toBe(1)
    expect((await refusal(verifyRun(folder))).message).toContain('final_model.pt')
  })
})

describe('going back', () => {
  it('to the save before, when the last is damaged', async () => {
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
  it('to the last save, when only what people read is damaged', async () => {
    const folder = await runOf(4)
    replace(join(folder, 'final_model.pt'), 'other weights')
    rmSync(join(folder, 'config.json'))
    expect((await restoreRun(folder)).generation).toBe(4)
    expect((await verifyRun(folder)).generation).toBe(4)
    expect(stepIn(folder)).toBe(4)
  })
})
