import { statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { FILES, flip, listing, refusal, runOf, tempFolder } from './run.js'
import { saveOf, saveSteps, stepIn } from './saves.js'

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
  it('links what people read, and shares no file with another save, so that one bad bit costs one save', async () => {
    const folder = await runOf(5)
    const inode = (...path: string[]) => statSync(join(folder, ...path)).ino
    for (const name of FILES) expect(inode('generations/000004', name)).not.toBe(inode('generations/000005', name))
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
