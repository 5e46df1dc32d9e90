import { statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { FILES, flip, listing, refusal, runOf, tempFolder } from './run.js'
import { saveOf, saveSteps, stepIn } from './saves.js'

describe('a save', () => {
  it('a save leaves the top files and at most two generations', async () => {
    const folder = await runOf(5)
    const top = [...FILES, 'generations', 'manifest.json'].sort()
    expect(listing(folder)).toEqual([...top, '000004', '000005', 'current'])
    const { generation, manifest, path } = await verifyRun(folder)
    expect([generation, manifest.step, stepIn(path), stepIn(folder)]).toEqual([5, 5, 5, 5])
    expect(manifest.golden).toEqual([0.1, -0.25, 3e-9])
    expect(Object.keys(manifest.files).sort()).toEqual(FILES)
    for (const name of FILES) expect(manifest.files[name]!.bytes).toBe(statSync(join(folder, name)).size)
  })
  it('a save hard-links the top files, but shares no file with another save', async () => {
    const folder = await runOf(5)
    const inode = (...path: string[]) => statSync(join(folder, ...path)).ino
    for (const name of FILES) expect(inode('generations/000004', name)).not.toBe(inode('generations/000005', name))
    for (const name of FILES) expect(inode(name)).toBe(inode('generations/000005', name))
  })
  it('a save removes top files that it no longer contains', async () => {
    const folder = await runOf(1)
    const store = await openStore(folder)
    const { manifest, files } = saveOf(2, true)
    await store.save({ manifest, files: { 'best_model.pt': files['best_model.pt']! } })
    await store.close()
    expect(listing(folder)).toEqual(['best_model.pt', 'generations', 'manifest.json', '000001', '000002', 'current'])
    await verifyRun(folder)
  })
  it('a save waits for the previous save', async () => {
    const folder = await tempFolder()
    const store = await openStore(folder)
    await Promise.all([store.save(saveOf(1)), store.save(saveOf(2)), store.save(saveOf(3))])
    expect(store.current()?.generation).toBe(3)
    await store.close()
    expect(stepIn((await verifyRun(folder)).path)).toBe(3)
  })
  it('a failed save leaves the previous save, and the next save succeeds', async () => {
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
    ['a kept file that does not exist', {}, ['split.json']],
  ])('a save refuses %s', async (_, files, keep) => {
    const store = await openStore(await runOf(1))
    const error = await refusal(store.save({ files, keep, manifest: {} }))
    await store.close()
    expect(error).toMatchObject({ code: 'INTERNAL' })
    expect(error.message).toContain(keep[0] ?? Object.keys(files)[0])
  })
  it('a save refuses numbers that JSON cannot represent', async () => {
    const store = await openStore(await tempFolder())
    await expect(store.save({ ...saveOf(1), manifest: { loss: Number.NaN } })).rejects.toThrow(/finite number for "loss".*NaN/)
    await store.close()
  })
  it('a store without a save is not a run, and closing it leaves no trace', async () => {
    const folder = join(await tempFolder(), 'gru')
    const store = await openStore(folder)
    expect(store.current()).toBeUndefined()
    await store.close()
    expect(() => statSync(folder)).toThrow()
    expect(await refusal(verifyRun(folder))).toMatchObject({ code: 'RUN_MISSING' })
  })
})

describe('a copy', () => {
  it('a copy of the whole folder without links is the same run', async () => {
    const folder = await runOf(4)
    const copy = join(await tempFolder(), 'copy')
    await cp(folder, copy, { recursive: true })
    expect((await verifyRun(copy)).generation).toBe(4)
    await flip(join(copy, 'best_model.pt'), 50)
    expect((await refusal(verifyRun(copy))).message).toContain('generation 4, saved')
  })
  it('a copy of the top files alone can be read, verified and resumed', async () => {
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
  it('readers beside a writer always find an intact save', async () => {
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
