import { linkSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { cp, mkdir, open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, restoreRun, type Store, verifyRun } from '../../lib/checkpoint/store.js'
import type { LvmError } from '../../lib/errors.js'
import { listing, saveOf, saveSteps, stepIn, tempFolder } from './run.js'

const FILES = ['best_model.pt', 'config.json', 'final_model.pt', 'training_history.json']

/** A closed run of so many saves. */
async function runOf(saves: number): Promise<string> {
  const folder = join(await tempFolder(), 'lstm_baseline')
  const store = await openStore(folder)
  await saveSteps(store, 1, saves)
  await store.close()
  return folder
}
const refusal = (work: Promise<unknown>): Promise<LvmError> =>
  work.then(
    () => expect.fail('it was accepted'),
    (error) => error,
  )
async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 1 << (at % 8)
  await file.write(byte, 0, 1, at)
  await file.close()
}
/** Puts a file in place of another, as editors do. */
function replace(path: string, text: string | Buffer): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

describe('a save', () => {
  it('leaves the tree that people read, two generations and no more', async () => {
    const folder = await runOf(5)
    const top = [...FILES, 'generations', 'manifest.json'].sort()
    expect(listing(folder)).toEqual([...top, '000004', '000005', 'current'])
    const { generation, manifest, path } = await verifyRun(folder)
    expect([generation, manifest.step, stepIn(path), stepIn(folder)]).toEqual([5, 5, 5, 5])
    expect(manifest.golden).toEqual([0.1, -0.25, 3e-9])
    expect(Object.keys(manifest.files).sort()).toEqual(FILES)
    for (const name of FILES) expect(manifest.files[name]!.bytes).toBe(statSync(join(folder, name)).size)
  })
  it('links what is kept and what people read, so a run takes its size once', async () => {
    const folder = await runOf(5)
    const inode = (...path: string[]) => statSync(join(folder, ...path)).ino
    expect(inode('generations/000004/best_model.pt')).toBe(inode('generations/000005/best_model.pt'))
    for (const name of FILES) expect(inode(name)).toBe(inode('generations/000005', name))
  })
  it('drops the files that a later one no longer has', async () => {
    const folder = await runOf(1)
    const store = await openStore(folder)
    const { manifest, files } = saveOf(2, true)
    await store.save({ manifest, files: { 'best_model.pt': files['best_model.pt']! } })
    await store.close()
    expect(listing(folder)).toEqual(['best_model.pt', 'generations', 'manifest.json', '000001', '000002', 'current'])
    await verifyRun(folder)
  })
  it('waits for the one before it', async () => {
    const folder = await tempFolder()
    const store = await openStore(folder)
    await Promise.all([store.save(saveOf(1)), store.save(saveOf(2)), store.save(saveOf(3))])
    expect(store.current()?.generation).toBe(3)
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(3)
  })
  it('that fails leaves the one before it, and the next one goes on', async () => {
    const folder = await runOf(2)
    const before = listing(folder)
    const store = await openStore(folder)
    const broken = { ...saveOf(3), files: { ...saveOf(3).files, 'split.json': () => Promise.reject(new Error('no split')) } }
    await expect(store.save(broken)).rejects.toThrow('no split')
    expect(store.current()?.generation).toBe(2)
    expect(listing(folder).filter((name) => name !== 'lock')).toEqual(before)
    await store.save(saveOf(3))
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(3)
  })
  it.each([
    ['a path', { '../x.pt': async () => {} }, []],
    ['the manifest', { 'manifest.json': async () => {} }, []],
    ['a file twice', { 'config.json': async () => {} }, ['config.json']],
    ['what was not there', {}, ['split.json']],
  ])('refuses %s', async (_, files, keep) => {
    const store = await openStore(await runOf(1))
    const error = await refusal(store.save({ files, keep, manifest: {} }))
    await store.close()
    expect(error).toMatchObject({ code: 'INTERNAL' })
    expect(error.message).toContain(keep[0] ?? Object.keys(files)[0])
  })
  it('refuses numbers that JSON cannot hold', async () => {
    const store = await openStore(await tempFolder())
    await expect(store.save({ ...saveOf(1), manifest: { loss: Number.NaN } })).rejects.toThrow(/finite number for "loss".*NaN/)
    await store.close()
  })
  it('before any, a folder holds no run, and closing leaves no trace', async () => {
    const folder = join(await tempFolder(), 'gru')
    const store = await openStore(folder)
    expect(store.current()).toBeUndefined()
    await store.close()
    expect(() => statSync(folder)).toThrow()
    expect(await refusal(verifyRun(folder))).toMatchObject({ code: 'RUN_MISSING' })
  })
})

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
      file.endsWith('best_model.pt') ? /no generation|generation/ : /generation [23], saved .* is whole/,
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
    const error = await expectDamage(folder, file, /generation [23], saved .* is whole/)
    expect(error.message).toContain('received none')
  })
  it.each(all)('%s with other text in its place', async (file) => {
    const folder = await runOf(3)
    replace(join(folder, file), '{"generation":2}\n')
    await expectDamage(folder, file, /generation [23], saved .* is whole/)
  })
  it.each(['manifest.json', 'generations/000003/manifest.json'])('a number edited in %s', async (file) => {
    const folder = await runOf(3)
    const text = readFileSync(join(folder, file), 'utf8')
    replace(join(folder, file), text.replace('0.1', '0.2'))
    await expectDamage(folder, file, /generation [23], saved .* is whole/)
  })
  it('a pointer back to a save that is not the last', async () => {
    const folder = await runOf(3)
    const pointer = join(folder, 'generations/current')
    replace(pointer, readFileSync(pointer, 'utf8').replace('3', '2'))
    await expectDamage(folder, 'generations/current', /generation 3, saved .* is whole/)
  })
  it('an older manifest in the place of the new one', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'generations/000003/manifest.json'), readFileSync(join(folder, 'generations/000002/manifest.json')))
    const error = await expectDamage(folder, 'generations/000003/manifest.json', /generation 2, saved .* is whole/)
    expect(error.message).toContain('expected generation 3')
  })
  it('a file of the save before in the place of the new one', async () => {
    const folder = await runOf(3)
    replace(join(folder, 'final_model.pt'), readFileSync(join(folder, 'generations/000002/final_model.pt')))
    await expectDamage(folder, 'final_model.pt', /generation 3, saved .* is whole/)
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
    const { jsonHash } = await import('../../lib/checkpoint/hash.js')
    const { digest: _, ...manifest } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    manifest.files = { '../../etc/passwd': { sha256: '0'.repeat(64), bytes: 1 } }
    writeFileSync(join(copy, 'manifest.json'), `${JSON.stringify({ ...manifest, digest: jsonHash(manifest) }, null, 2)}\n`)
    expect(await refusal(verifyRun(copy))).toMatchObject({ code: 'BAD_CHECKPOINT' })
  })
  it('when nothing is whole, it says so', async () => {
    const folder = await runOf(3)
    for (const generation of ['000002', '000003']) await flip(join(folder, 'generations', generation, 'final_model.pt'), 9)
    await expectDamage(folder, 'final_model.pt', /no generation is whole/)
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

describe('a copy', () => {
  it('of the whole folder, links gone, is the same run', async () => {
    const folder = await runOf(4)
    const copy = join(await tempFolder(), 'copy')
    await cp(folder, copy, { recursive: true })
    expect((await verifyRun(copy)).generation).toBe(4)
    await flip(join(copy, 'best_model.pt'), 50)
    expect((await refusal(verifyRun(copy))).message).toContain('generation 4, saved')
  })
  it('of what people read alone can be read, checked and gone on with', async () => {
    const folder = await runOf(4)
    const copy = join(await tempFolder(), 'copy')
    await cp(folder, copy, { recursive: true, filter: (path) => !path.includes('generations') })
    expect(await verifyRun(copy)).toMatchObject({ generation: 4, path: copy })
    await flip(join(copy, 'best_model.pt'), 50)
    expect((await refusal(verifyRun(copy))).message).toContain('best_model.pt')
    await flip(join(copy, 'best_model.pt'), 50)
    const store = await openStore(copy)
    await saveSteps(store, 5, 5)
    await store.close()
    expect(stepIn((await verifyRun(copy)).path)).toBe(5)
    expect(listing(copy)).toEqual([...FILES.slice(0, 3), 'generations', 'manifest.json', FILES[3], '000004', '000005', 'current'])
  })
})

describe('readers beside a writer', () => {
  it('always find a whole save', async () => {
    const folder = await runOf(1)
    const store = await openStore(folder)
    let done = false
    const reading = (async () => {
      const seen: number[] = []
      for (; !done; ) seen.push((await verifyRun(folder)).generation)
      return seen
    })()
    await saveSteps(store, 2, 60)
    done = true
    const seen = await reading
    await store.close()
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(new Set(seen).size).toBeGreaterThan(1)
  })
})
