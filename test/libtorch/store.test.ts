import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { pick, remove, verify } from '../../lib/libtorch/libtorch-store.js'
import { deadPid, files, wheels } from './fake.js'
import { path, setting } from './setting.js'

describe('concurrent installations', () => {
  test('of two concurrent installations one installs, and the other reports its wait and finds the result', async () => {
    const { folder: from, platform } = wheels()
    const { seen, run } = setting({ from, platform })
    const both = await Promise.all([run(), run()])
    expect(both.map(({ already }) => already).sort()).toEqual([false, true])
    expect(seen.filter(({ phase }) => phase === 'wait')).toHaveLength(1)
    expect(seen.find(({ phase }) => phase === 'wait')?.what).toContain(`process ${process.pid}`)
  })

  test('install removes the files of a killed installation and takes over its lock', async () => {
    const { folder: from, platform } = wheels()
    const { store, seen, run } = setting({ from, platform })
    files(store, {
      lock: JSON.stringify({ pid: deadPid(), host: hostname() }),
      'cpu.part/lib/old.so': 'half',
      '2.13.0-cpu.old.part/x': 'half',
    })
    await run()
    expect(seen.some(({ phase }) => phase === 'wait')).toBe(false)
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
    expect(existsSync(path(store, 'lib/old.so'))).toBe(false)
  })
})

describe('the store', () => {
  test('remove deletes the active variant, and none is active afterwards', async () => {
    const { folder: from, platform } = wheels()
    const { store, env, run } = setting({ from, platform })
    await run()
    expect(await remove('cpu', env)).toMatchObject({ name: '2.13.0-cpu' })
    expect(readdirSync(store)).toEqual([])
    expect(() => pick(undefined, env)).toThrow(expect.objectContaining({ code: 'LIBTORCH_MISSING' }))
  })

  test('an unknown variant name is refused with the list of known ones', async () => {
    const { folder: from, platform } = wheels()
    const { env, run } = setting({ from, platform })
    await run()
    expect(() => pick('cuda', env)).toThrow('libtorch: expected one of 2.13.0-cpu for "name" but received "cuda"')
  })

  test('verify finds a missing file and a modified list of checksums', async () => {
    const { folder: from, platform } = wheels()
    const { store, env, run } = setting({ from, platform })
    const done = await run()
    const text = readFileSync(path(store, 'SHA256SUMS'), 'utf8')
    expect(createHash('sha256').update(text).digest('hex')).toBe(done.sums)
    writeFileSync(path(store, 'SHA256SUMS'), text.split('\n').slice(1).join('\n'))
    await expect(verify(undefined, env)).rejects.toMatchObject({
      message: expect.stringContaining('SHA256SUMS'),
      hint: expect.stringContaining('--force'),
    })
  })
})
