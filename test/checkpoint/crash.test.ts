import { readFileSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openStore, type Store, verifyRun } from '../../lib/checkpoint/run-store.js'
import { clone, listing, tempFolder } from './run.js'
import { saveOf, saveSteps, stepIn } from './saves.js'

/** File system calls left until the simulated death; later calls never return. */
const life = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY, died: () => {} }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const changes = ['copyFile', 'link', 'mkdir', 'open', 'rename', 'rm', 'rmdir', 'writeFile'] as const
  const mortal = (call: (...args: unknown[]) => unknown) =>
    function (this: unknown, ...args: unknown[]) {
      if (--life.left >= 0) return call.apply(this, args)
      life.died()
      return new Promise(() => {})
    }
  return { ...real, ...Object.fromEntries(changes.map((name) => [name, mortal(real[name] as (...args: unknown[]) => unknown)])) }
})

/** Runs `work` for a number of file system calls; true if it ended before. */
async function dieAfter(calls: number, work: () => Promise<unknown>): Promise<boolean> {
  const death = new Promise<boolean>((resolve) => {
    life.died = () => resolve(false)
  })
  life.left = calls
  const survived = await Promise.race([work().then(() => true), death])
  life.left = Number.POSITIVE_INFINITY
  return survived
}
/** The lock file of a dead process. */
function bury(folder: string): void {
  const lock = join(folder, 'lock')
  if (listing(folder).includes('lock')) writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"pid":\d+/, '"pid":4194305'))
}

describe('a death between any two calls to the file system', { timeout: 60_000 }, () => {
  /** Runs `work` on copies of a run, with a death one call later each time, and checks the remains. */
  async function everyDeath(before: number, work: (store: Store) => Promise<unknown>, after: number): Promise<number> {
    const start = join(await tempFolder(), 'run')
    const first = await openStore(start)
    await saveSteps(first, 1, before)
    await first.close()
    for (let calls = 0; ; calls++) {
      const folder = join(await tempFolder(), 'run')
      if (before > 0) clone(start, folder)
      const survived = await dieAfter(calls, async () => {
        const store = await openStore(folder)
        await work(store)
        await store.close()
      })
      if (survived) return calls
      bury(folder)
      if (before > 0) expect([before, after], `reader, death at call ${calls}`).toContain(stepIn((await verifyRun(folder)).path))
      const store = await openStore(folder)
      const step = store.current() === undefined ? 0 : stepIn(store.current()!.path)
      expect([before, after], `writer, death at call ${calls}`).toContain(step)
      if (step > 0) expect(stepIn(folder)).toBe(step)
      expect(listing(folder).filter((name) => /^(\.tmp|lock\.)/.test(name))).toEqual([])
      expect(listing(folder).filter((name) => /^\d/.test(name)).length).toBeLessThanOrEqual(2)
      await saveSteps(store, step + 1, step + 1)
      await store.close()
      expect(stepIn((await verifyRun(folder)).path)).toBe(step + 1)
    }
  }
  it('a death at any file system call of a first save loses at most that save', async () => {
    expect(await everyDeath(0, (store) => store.save(saveOf(1)), 1)).toBeGreaterThan(30)
  })
  it('a death at any file system call of a save that keeps the best model loses at most that save', async () => {
    expect(await everyDeath(2, (store) => store.save(saveOf(3)), 3)).toBeGreaterThan(30)
  })
  it('a death at any file system call of a save with a new best model loses at most that save', async () => {
    expect(await everyDeath(3, (store) => store.save(saveOf(4)), 4)).toBeGreaterThan(30)
  })
  it('a death at any file system call of the first save into a copy without generations loses at most that save', async () => {
    const folder = join(await tempFolder(), 'run')
    const store = await openStore(folder)
    await saveSteps(store, 1, 2)
    await store.close()
    for (let calls = 0, survived = false; !survived; calls++) {
      const copy = join(await tempFolder(), 'copy')
      await cp(folder, copy, { recursive: true, filter: (path) => !path.includes('generations') })
      survived = await dieAfter(calls, async () => {
        const store = await openStore(copy)
        await saveSteps(store, 3, 3)
        await store.close()
      })
      bury(copy)
      expect([2, 3]).toContain(stepIn((await verifyRun(copy)).path))
    }
  })
})
