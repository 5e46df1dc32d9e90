import { basename, join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openStore } from '../../lib/checkpoint/run-store.js'
import { tempFolder } from './run.js'
import { saveOf } from './saves.js'

/** Order of fsync calls and renames. */
const trace = vi.hoisted((): string[] => [])
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const last = (path: unknown) =>
    String(path)
      .replace(/\.tmp-\d+-\w+/g, 'tmp')
      .split('/')
      .slice(-2)
      .join('/')
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args)
      const sync = file.sync.bind(file)
      file.sync = () => {
        trace.push(`sync ${last(args[0])}`)
        return sync()
      }
      return file
    },
    rename: (from: string, to: string) => {
      trace.push(`rename ${last(from)} ${last(to)}`)
      return real.rename(from, to)
    },
    writeFile: async (...args: Parameters<typeof real.writeFile>) => {
      await real.writeFile(...args)
      if ((args[2] as { flush?: boolean } | undefined)?.flush) trace.push(`sync ${last(args[0])}`)
    },
  }
})

it('a save is synced to disk before it becomes current, and the old save is removed after that', async () => {
  const folder = join(await tempFolder(), 'run')
  const store = await openStore(folder)
  await store.save(saveOf(1))
  trace.length = 0
  await store.save(saveOf(2, true))
  await store.close()
  const files = Object.keys(saveOf(2, true).files)
  expect(trace).toEqual([
    ...[...files, 'manifest.json'].map((name) => `sync tmp/${name}`),
    'sync generations/tmp',
    'rename generations/tmp generations/000002',
    'sync run/generations',
    'sync generations/tmp', // the pointer under its temporary name
    'rename generations/tmp generations/current',
    'sync run/generations',
    ...[...files, 'manifest.json'].map((name) => `rename run/tmp run/${name}`),
    `sync ${basename(join(folder, '..'))}/run`,
  ])
})
